package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.RunningCall;
import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure.CheckoutRefused.Reason;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.testkit.ScriptedConnection;
import io.gorgon.testkit.ScriptedPool;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The line of those who wait for a worker, on scripted workers. */
@NeedsLayer(Layer.MOCK_ADAPTER)
class PoolWaitingTest {

  private static final String ONE = "min-workers = 1, max-workers = 1";

  @Test
  void row13_aDeadlineThatHasPassedOnArrivalTouchesNoWorker() {
    try (var tested = ScriptedPool.start(ONE)) {
      RawCheckout late = RawCheckout.sent(tested, Duration.ZERO);

      assertThat(late.refusal()).isEqualTo(Reason.DEADLINE);
      assertThat(late.failure()).hasMessageContaining("on arrival");
      assertThat(tested.eventsOf(PoolEvent.LeaseGranted.class)).isEmpty();
    }
  }

  @Test
  void row14_aWaiterWhoseTimeIsUpLeavesTheLineAtOnceAndWastesNoGrant() {
    try (var tested = ScriptedPool.start(ONE)) {
      Granted holder = RawCheckout.sent(tested).acknowledge().granted();
      RawCheckout waiting = RawCheckout.sent(tested, Duration.ofMillis(300));
      tested.passes(280);
      assertThat(tested.stats().waitingCheckouts()).isEqualTo(1);

      tested.passes(40);

      assertThat(waiting.refusal()).isEqualTo(Reason.DEADLINE);
      assertThat(tested.stats().waitingCheckouts()).isZero();
      tested.tell(new Pool.Return(holder.lease(), Verdict.CLEAN));
      assertThat(tested.eventsOf(PoolEvent.LeaseGranted.class)).hasSize(1);
    }
  }

  @Test
  void aCancelledWaiterIsAnsweredAndACancelledGrantIsTakenBack() {
    try (var tested = ScriptedPool.start(ONE)) {
      RawCheckout granted = RawCheckout.sent(tested);
      RawCheckout waiting = RawCheckout.sent(tested);

      tested.tell(new Pool.Cancel(waiting.replyTo()));
      assertThat(waiting.refusal()).isEqualTo(Reason.CANCELLED);

      tested.tell(new Pool.Cancel(granted.replyTo()));
      assertThat(granted.granted().isCurrent()).isFalse();
      assertThat(RawCheckout.sent(tested).granted().worker().generation()).isEqualTo(1);
    }
  }

  @Test
  void row15_aCancelThatComesBeforeItsCheckoutHoldsNothingUp() {
    try (var tested = ScriptedPool.start(ONE, "checkout.acknowledge-timeout = 2s")) {
      RawCheckout overtaken = RawCheckout.of(tested);
      tested.tell(new Pool.Cancel(overtaken.replyTo()));
      overtaken.send(Duration.ofSeconds(10));
      assertThat(overtaken.granted().isCurrent()).isTrue();

      tested.passes(2_020);

      assertThat(overtaken.granted().isCurrent()).isFalse();
      assertThat(tested.stats().leased()).isZero();
    }
  }

  @Test
  void row15b_aCancelThatCameTooLateDoesNotHitTheNextCheckoutOfTheSameAsker() {
    try (var tested = ScriptedPool.start(ONE)) {
      RawCheckout asker = RawCheckout.sent(tested, Duration.ZERO);
      assertThat(asker.refusal()).isEqualTo(Reason.DEADLINE);
      tested.tell(new Pool.Cancel(asker.replyTo()));

      asker.send(Duration.ofSeconds(1));

      assertThat(asker.granted().isCurrent()).isTrue();
    }
  }

  @Test
  void row19_waitersAreServedInTheirOrderAndNobodyBargesIn() {
    try (var tested = ScriptedPool.start(ONE)) {
      Granted holder = RawCheckout.sent(tested).acknowledge().granted();
      List<RawCheckout> waiting = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        waiting.add(RawCheckout.sent(tested));
      }
      // Calls and cancelled checkouts in between must not change the order of the others.
      RunningCall call = tested.pool().call(Call.of("m:f"));
      tested.tell(new Pool.Cancel(waiting.remove(4).replyTo()));
      RawCheckout last = RawCheckout.sent(tested);
      waiting.add(last);

      tested.tell(new Pool.Return(holder.lease(), Verdict.CLEAN));
      for (int i = 0; i < waiting.size(); i++) {
        if (i == waiting.size() - 1) {
          assertThat(last.isAnswered()).isFalse();
          tested.worker(0).answer(1);
          assertThat(tested.isDone(call)).isTrue();
        }
        Granted turn = waiting.get(i).acknowledge().granted();
        for (RawCheckout later : waiting.subList(i + 1, waiting.size())) {
          assertThat(later.isAnswered()).isFalse();
        }
        RawCheckout barging = RawCheckout.sent(tested, Duration.ofMillis(20));
        tested.tell(new Pool.Return(turn.lease(), Verdict.CLEAN));
        tested.tell(new Pool.Cancel(barging.replyTo()));
      }
    }
  }

  @Test
  void row57_eachCallerGetsItsOwnAnswerAcrossSessionsAndStrays() {
    try (var tested = ScriptedPool.start("min-workers = 4, max-workers = 4")) {
      List<RunningCall> calls = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        calls.add(tested.pool().session("s" + i % 7).call(Call.of("m:f", i)));
      }
      for (int round = 0; round < 200; round++) {
        tested.time().settle();
        tested.connector().alive().stream()
            .filter(ScriptedConnection::isBusy)
            .reduce((one, other) -> other)
            .ifPresent(busy -> busy.answer(busy.request().arguments().get(0)));
      }
      for (int i = 0; i < 200; i++) {
        assertThat(tested.now(calls.get(i)).as(Integer.class)).isEqualTo(i);
      }
    }
  }
}
