package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.Checkout;
import io.gorgon.RunningCall;
import io.gorgon.Session;
import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.CheckoutRefused.Reason;
import io.gorgon.message.WorkerId;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.testkit.Script;
import io.gorgon.testkit.Script.Cue;
import io.gorgon.testkit.ScriptedConnection;
import io.gorgon.testkit.ScriptedPool;
import io.gorgon.worker.Retirement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Workers that come, go and fail to come, on scripted connections. */
@NeedsLayer(Layer.MOCK_ADAPTER)
class PoolWorkersTest {

  @Test
  void row18_aWaiterIsServedThoughTheStartForAnotherOneFailed() {
    try (var tested = ScriptedPool.start(Script.silent(), "restart.backoff-min = 100ms")) {
      RawCheckout first = RawCheckout.sent(tested);
      RawCheckout second = RawCheckout.sent(tested);
      tested.worker(0).exit(1);
      assertThat(first.isAnswered()).isFalse();

      tested.worker(1).ready();
      assertThat(first.granted().worker().slot()).isEqualTo(1);
      tested.passes(120);
      tested.worker(0).ready();

      assertThat(second.granted().worker()).isEqualTo(new WorkerId("scripted", 0, 2));
    }
  }

  @Test
  void aSessionsCallThatItsWorkerHadNotStartedRunsElsewhereAndKeepsItsPlace() {
    try (var tested = ScriptedPool.start(Script.obliging().deafTo(Script.Cue.REQUESTED))) {
      Session session = tested.pool().session("s");
      RunningCall first = session.call(Call.of("m:f", "first"));
      RunningCall second = session.call(Call.of("m:f", "second"));
      tested.time().settle();
      int slot = tested.worker(0).requests().isEmpty() ? 1 : 0;

      tested.worker(slot).dieBy(9);
      tested.time().settle();

      var other = tested.worker(1 - slot);
      var again = other.requests().isEmpty() ? tested.worker(slot) : other;
      assertThat(again.requests()).extracting(r -> r.arguments().get(0).asText()).contains("first");
      again.answer("well");
      assertThat(tested.now(first).as(String.class)).isEqualTo("well");
      assertThat(tested.now(first).attempts()).isEqualTo(1);
      assertThat(second.isDone()).isFalse();
    }
  }

  @Test
  void row18b_whereNoStartWorksEveryWaiterIsRefusedAndNoneHangs() {
    try (var tested =
        ScriptedPool.start(Script.silent(), "restart.backoff-min = 50ms, timeouts.start = 1s")) {
      List<RawCheckout> waiting = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        waiting.add(RawCheckout.sent(tested));
      }
      RunningCall call = tested.pool().call(Call.of("m:f"));

      tested.passes(6_000);

      waiting.forEach(one -> assertThat(one.refusal()).isEqualTo(Reason.NO_CAPACITY));
      assertThat(tested.failureNow(call)).isInstanceOf(PythonFailure.NoCapacity.class);
    }
  }

  @Test
  void row21_aThrowOutOfOpenCountsAsAFailedStartAndIsRetried() {
    try (var tested = ScriptedPool.start("eager = false")) {
      tested.connector().throwsOnOpen(() -> new IllegalStateException("no more files"));
      RawCheckout waiting = RawCheckout.sent(tested);
      assertThat(waiting.isAnswered()).isFalse();
      tested.connector().throwsOnOpen(() -> null);

      tested.passes(500);

      assertThat(waiting.granted().isCurrent()).isTrue();
      assertThat(tested.eventsOf(PoolEvent.WorkerGone.class))
          .allSatisfy(gone -> assertThat(gone.cause()).isEqualTo("it could not be opened"));
    }
  }

  @Test
  void row22_aHungStartIsKilledRetriedAndLeavesTheOtherSlotAlone() {
    try (var tested =
        ScriptedPool.start(Script.silent(), "timeouts.start = 3s, restart.backoff-min = 200ms")) {
      ScriptedConnection hung = tested.worker(0);
      tested.worker(1).ready();
      tested.passes(2_990);
      assertThat(hung.kills()).isZero();

      tested.passes(10);
      assertThat(hung.kills()).isEqualTo(1);
      assertThat(tested.connector().opened()).hasSize(2);
      tested.passes(220);

      assertThat(tested.worker(0).id().generation()).isEqualTo(2);
      assertThat(tested.worker(1).id().generation()).isEqualTo(1);
      assertThat(tested.worker(1).isAlive()).isTrue();
    }
  }

  @Test
  void row33_anIdleEndThatMeetsACallServesTheCall() {
    try (var tested =
        ScriptedPool.start(
            "min-workers = 1, max-workers = 2, size.idle-timeout = 5s, size.grow-after = 0s,"
                + " size.idle-check = 0s")) {
      RunningCall first = tested.pool().call(Call.of("m:f", 1));
      RunningCall second = tested.pool().call(Call.of("m:f", 2));
      tested.passes(60);
      assertThat(tested.connector().alive()).hasSize(2);
      answerAll(tested);
      tested.now(first);
      tested.now(second);
      // A moment before the idle worker's time is up, both get something to do.
      tested.passes(4_900);
      RunningCall third = tested.pool().call(Call.of("m:f", 3));
      RunningCall fourth = tested.pool().call(Call.of("m:f", 4));
      tested.passes(1_000);
      assertThat(tested.connector().alive()).hasSize(2);
      answerAll(tested);
      assertThat(tested.now(third).as(Integer.class)).isEqualTo(3);
      assertThat(tested.now(fourth).as(Integer.class)).isEqualTo(4);

      tested.passes(5_200);

      assertThat(tested.connector().alive()).hasSize(1);
      assertThat(tested.eventsOf(PoolEvent.WorkerRetiring.class))
          .extracting(PoolEvent.WorkerRetiring::reason)
          .containsExactly("IDLE");
    }
  }

  @Test
  void row33b_checkoutsThatComeWithTheIdleEndAreReroutedNeverLost() {
    for (int offset = 4_960; offset <= 5_060; offset += 10) {
      try (var tested =
          ScriptedPool.start(
              "min-workers = 1, max-workers = 2, size.idle-timeout = 5s, size.grow-after = 0s,"
                  + " size.idle-check = 0s")) {
        RawCheckout one = RawCheckout.sent(tested).acknowledge();
        RawCheckout other = RawCheckout.sent(tested);
        tested.passes(40);
        other.acknowledge();
        tested.tell(new Pool.Return(one.granted().lease(), Verdict.CLEAN));
        tested.tell(new Pool.Return(other.granted().lease(), Verdict.CLEAN));
        tested.passes(offset);

        RawCheckout third = RawCheckout.sent(tested).acknowledge();
        RawCheckout fourth = RawCheckout.sent(tested);
        tested.passes(200);

        assertThat(third.granted().isCurrent()).isTrue();
        assertThat(fourth.acknowledge().granted().isCurrent()).isTrue();
      }
    }
  }

  @Test
  void row63_lateFactsOfAnOldGenerationAreIgnored() {
    try (var tested = ScriptedPool.start("min-workers = 1, max-workers = 1")) {
      ScriptedConnection old = tested.worker(0);
      old.exit(1);
      assertThat(tested.worker(0).id().generation()).isEqualTo(2);
      Checkout mine = tested.now(tested.pool().checkout());
      RunningCall call = mine.call(Call.of("m:f"));

      old.ready();
      old.stray();
      old.pong();
      tested.tell(new Pool.Return(new Lease(0, 1, 1), Verdict.BROKEN));
      tested.passes(1_000);

      assertThat(mine.isEnded()).isFalse();
      tested.worker(0).answer("fine");
      assertThat(tested.now(call).as(String.class)).isEqualTo("fine");
      assertThat(tested.connector().opened()).hasSize(2);
    }
  }

  @Test
  void row65_aRollingResetWithABusyWorkerHoldsUpNoCheckout() {
    try (var tested =
        ScriptedPool.start("size.idle-check = 1s, recycle.max-age = 2s, size.grow-after = 1h")) {
      // A worker that is busy for ever, due for its replacement, and one that never answers a ping.
      RunningCall busy =
          tested.pool().call(Call.of("m:slow").withTimeout(java.time.Duration.ofDays(1)));
      tested.connector().opened().stream()
          .filter(one -> !one.isBusy())
          .forEach(one -> one.plays(Script.obliging().deafTo(Cue.PINGED)));
      tested.tell(new Pool.Reset());
      for (int i = 0; i < 100; i++) {
        RawCheckout checkout = RawCheckout.sent(tested).acknowledge();
        assertThat(checkout.granted().isCurrent()).isTrue();
        tested.tell(new Pool.Return(checkout.granted().lease(), Verdict.CLEAN));
        tested.passes(100);
      }
      assertThat(tested.isDone(busy)).isFalse();
    }
  }

  @Test
  void aSpentWorkerIsReplacedByCallsBeforeItStops() {
    try (var tested =
        ScriptedPool.start(
            Script.answering(request -> request.arguments().get(0)),
            "min-workers = 1, max-workers = 1, recycle.max-calls = 10, recycle.jitter = 0")) {
      for (int i = 0; i < 95; i++) {
        assertThat(tested.now(tested.pool().call(Call.of("m:f", i))).as(Integer.class))
            .isEqualTo(i);
      }
      assertThat(tested.connector().opened())
          .allSatisfy(one -> assertThat(one.requests()).hasSizeLessThanOrEqualTo(10));
      assertThat(tested.eventsOf(PoolEvent.WorkerRetiring.class))
          .isNotEmpty()
          .allSatisfy(
              event -> assertThat(event.reason()).isEqualTo(Retirement.Reason.CALLS.toString()));
      assertThat(tested.eventsOf(PoolEvent.WorkerGone.class))
          .allSatisfy(gone -> assertThat(gone.planned()).isTrue());
    }
  }

  private static void answerAll(ScriptedPool tested) {
    tested.time().settle();
    for (ScriptedConnection one : tested.connector().alive()) {
      while (one.isBusy()) {
        one.answer(one.request().arguments().get(0));
        tested.time().settle();
      }
    }
  }

  @Test
  void theStacksOfAProcessThatLivesAreToldAndOfNoOther() {
    try (var tested = ScriptedPool.start()) {
      WorkerId busy = tested.worker(1).id();
      tested.pool().call(Call.of("m:f"));
      assertThat(tested.now(tested.pool().dump(busy))).isEqualTo("stacks of " + busy);

      tested.worker(1).dieBy(9);

      assertThat(tested.failureNow(tested.pool().dump(busy)))
          .isInstanceOf(PythonFailure.NoDump.class);
    }
  }
}
