package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.Checkout;
import io.gorgon.RunningCall;
import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.CheckoutRefused.Reason;
import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.testkit.Script;
import io.gorgon.testkit.Script.Cue;
import io.gorgon.testkit.ScriptedConnection;
import io.gorgon.testkit.ScriptedPool;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.pattern.StatusReply;
import org.junit.jupiter.api.Test;

/** The end of a pool, wanted or not, on scripted workers. */
@NeedsLayer(Layer.MOCK_ADAPTER)
class PoolEndTest {

  @Test
  void row58_everyWaiterIsAnsweredBeforeAnyWorkerStops() {
    try (var tested = ScriptedPool.start(Script.obliging().deafTo(Cue.SHUT_DOWN))) {
      Checkout one = tested.now(tested.pool().checkout());
      Checkout other = tested.now(tested.pool().checkout());
      List<RawCheckout> waiting = new ArrayList<>();
      List<RunningCall> calls = new ArrayList<>();
      for (int i = 0; i < 500; i++) {
        waiting.add(RawCheckout.sent(tested, Duration.ofHours(1)));
        calls.add(tested.pool().call(Call.of("m:f", i)));
      }

      var drained = tested.pool().drain(Duration.ofSeconds(30)).toCompletableFuture();

      waiting.forEach(each -> assertThat(each.refusal()).isEqualTo(Reason.DRAINING));
      calls.forEach(
          call -> assertThat(tested.failureNow(call)).isInstanceOf(PythonFailure.Draining.class));
      assertThat(tested.connector().alive()).hasSize(2);
      one.close();
      other.close();
      assertThat(tested.isDone(drained)).isFalse();
    }
  }

  @Test
  void row59_aCheckoutAfterTheDrainBeganIsRefusedAtOnce() {
    try (var tested = ScriptedPool.start()) {
      Checkout mine = tested.now(tested.pool().checkout());
      var drained = tested.pool().drain(Duration.ofSeconds(30)).toCompletableFuture();

      assertThat(RawCheckout.sent(tested).refusal()).isEqualTo(Reason.DRAINING);
      assertThat(tested.failureNow(tested.pool().call(Call.of("m:f"))))
          .isInstanceOf(PythonFailure.Draining.class);
      mine.close();
      tested.now(drained);
      assertThat(tested.failureNow(tested.pool().checkout())).hasMessageContaining("STOPPED");
    }
  }

  @Test
  void row61_atTheDrainsEndBusyWorkersAreKilledAndTheirCallersTold() {
    try (var tested =
        ScriptedPool.start(
            Script.obliging().deafTo(Cue.SHUT_DOWN, Cue.TERMINATED),
            "timeouts.stop-grace = 500ms")) {
      RunningCall running = tested.pool().call(Call.of("m:slow").withTimeout(Duration.ofHours(1)));
      var drained = tested.pool().drain(Duration.ofSeconds(5)).toCompletableFuture();
      tested.passes(4_980);
      assertThat(tested.isDone(running)).isFalse();

      tested.passes(40);

      assertThat(tested.failureNow(running)).isInstanceOf(PythonFailure.WorkerLost.class);
      tested.now(drained);
      assertThat(tested.connector().alive()).isEmpty();
    }
  }

  @Test
  void row60_aPoolThatThrowsStopsAllAnswersAllAndBeginsAnew() {
    try (var tested =
        ScriptedPool.start("min-workers = 1, max-workers = 1, recycle.max-memory = 1GiB")) {
      Granted held = RawCheckout.sent(tested).acknowledge().granted();
      ScriptedConnection old = tested.worker(0);
      RawCheckout waiting = RawCheckout.sent(tested);
      RunningCall call = tested.pool().call(Call.of("m:f"));
      RunningCall session = tested.pool().session("s").with(Affinity.PREFER).call(Call.of("m:f"));

      failOnce(tested);

      assertThat(waiting.refusal()).isEqualTo(Reason.NO_CAPACITY);
      assertThat(tested.failureNow(call)).isInstanceOf(PythonFailure.NoCapacity.class);
      assertThat(tested.failureNow(session)).isInstanceOf(PythonFailure.NoCapacity.class);
      assertThat(held.isCurrent()).isFalse();
      assertThat(old.isAlive()).isFalse();

      tested.passes(1_000);

      Checkout next = tested.now(tested.pool().checkout());
      RunningCall again = next.call(Call.of("m:f"));
      tested.worker(0).answer(7);
      assertThat(tested.now(again).as(Integer.class)).isEqualTo(7);
      assertThat(tested.connector().alive()).hasSize(1);
      assertThat(tested.pool().status()).isEqualTo(PoolStatus.RUNNING);
    }
  }

  @Test
  void row60b_leasesOfThePoolsFormerLifeDoNotFitItsNextOne() {
    try (var tested =
        ScriptedPool.start("min-workers = 1, max-workers = 1, recycle.max-memory = 1GiB")) {
      Lease former = RawCheckout.sent(tested).acknowledge().granted().lease();
      ScriptedConnection old = tested.worker(0);
      failOnce(tested);
      tested.passes(1_000);
      Granted next = RawCheckout.sent(tested).acknowledge().granted();

      tested.tell(new Pool.Return(former, Verdict.BROKEN));

      assertThat(next.lease()).isNotEqualTo(former);
      assertThat(next.worker()).isNotEqualTo(old.id());
      assertThat(next.isCurrent()).isTrue();
    }
  }

  @Test
  void row60c_subscribersOfThePoolsFormerLifeHearOfItsNextOne() {
    try (var tested =
        ScriptedPool.start("min-workers = 1, max-workers = 1, recycle.max-memory = 1GiB")) {
      int before = tested.eventsOf(PoolEvent.WorkerReady.class).size();
      failOnce(tested);

      tested.passes(1_000);

      assertThat(tested.eventsOf(PoolEvent.WorkerReady.class)).hasSizeGreaterThan(before);
    }
  }

  @Test
  void row60d_aDrainThatThePoolsFailureCutShortIsFinished() {
    try (var tested =
        ScriptedPool.start("min-workers = 1, max-workers = 1, recycle.max-memory = 1GiB")) {
      RunningCall running = tested.pool().call(Call.of("m:slow"));
      var drained = tested.pool().drain(Duration.ofSeconds(30)).toCompletableFuture();
      failOnce(tested);

      tested.passes(1_000);

      tested.now(drained);
      assertThat(tested.failureNow(running)).isInstanceOf(PythonFailure.class);
      assertThat(tested.pool().status()).isEqualTo(PoolStatus.STOPPED);
    }
  }

  @Test
  void row60e_whoAsksWhileThePoolBeginsAnewIsAnsweredByItsNextLife() {
    try (var tested =
        ScriptedPool.start(
            "min-workers = 1, max-workers = 1, recycle.max-memory = 1GiB, queue-capacity = 10")) {
      AtomicInteger answers = new AtomicInteger();
      ActorRef<StatusReply<Granted>> replyTo = tested.actor(answer -> answers.incrementAndGet());
      failSoon(tested);
      for (int i = 0; i < 1_500 && tested.pool().status() == PoolStatus.RUNNING; i++) {
        tested.passes(1);
      }
      assertThat(tested.pool().status()).isEqualTo(PoolStatus.STARTING);
      for (int i = 0; i < 1_500; i++) {
        tested
            .ref()
            .tell(
                new Pool.Checkout(
                    CheckoutKind.anonymous(), Optional.empty(), Duration.ofMillis(500), replyTo));
      }

      tested.passes(2_000);

      assertThat(answers).hasValue(1_500);
    }
  }

  /** An exception out of the connector, where the pool expects none: the actor itself fails. */
  private static void failOnce(ScriptedPool tested) {
    failSoon(tested);
    tested.passes(1_001);
  }

  private static void failSoon(ScriptedPool tested) {
    tested
        .connector()
        .measures(
            () -> {
              tested.connector().measures(Map::of);
              throw new IllegalStateException("scripted");
            });
  }
}
