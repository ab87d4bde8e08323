package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.CheckoutRefused;
import io.gorgon.message.PythonFailure.CheckoutRefused.Reason;
import io.gorgon.message.PythonFailure.SessionLost;
import io.gorgon.message.PythonFailure.WorkerLost;
import io.gorgon.message.WorkerId;
import io.gorgon.pool.CheckoutKind;
import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.pool.Pool;
import io.gorgon.pool.Verdict;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Checkouts, leases and sessions, on real Python. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class CheckoutsTest {

  @TempDir Path directory;

  private static long pidOf(RunningCall call) {
    return get(call).as(Long.class);
  }

  @Test
  void aCheckedOutWorkerServesItsHolderAlone() {
    try (var tested = TestPool.start().awaitReady(2)) {
      PythonPool pool = tested.pool();
      Checkout mine = get(pool.checkout());

      long own = pidOf(mine.call(Call.of("targets:pid")));
      var others =
          IntStream.range(0, 50)
              .mapToObj(i -> pidOf(pool.call(Call.of("targets:pid"))))
              .distinct()
              .toList();

      assertThat(others).hasSize(1).doesNotContain(own);
      mine.close();
      tested.awaitEvent(PoolEvent.LeaseEnded.class, ended -> true);
      assertThat(tested.stats().leased()).isZero();
      assertThat(tested.stats().workers().get(mine.worker().slot()).cleanReturns()).isEqualTo(1);
    }
  }

  @Test
  void callsOfACheckoutRunInTheirOrder() {
    try (var tested = TestPool.start().awaitReady(2)) {
      Checkout mine = get(tested.pool().checkout());
      List<RunningCall> calls = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        calls.add(mine.call(Call.of("targets:set_var", "last", i)));
      }
      calls.forEach(call -> get(call));

      assertThat(get(mine.call(Call.of("targets:get_var", "last"))).as(Integer.class))
          .isEqualTo(199);
      mine.close();
    }
  }

  @Test
  void row06_closingTwiceIsHarmlessAndCallsAfterwardsAreRefused() {
    try (var tested = TestPool.start().awaitReady(2)) {
      Checkout mine = get(tested.pool().checkout());
      mine.close();
      mine.close();
      tested.pool().ref().tell(new Pool.Return(mine.lease(), Verdict.BROKEN));

      var refused = (CheckoutRefused) failureOf(mine.call(Call.of("targets:pid")));

      assertThat(refused.reason()).isEqualTo(Reason.LEASE_ENDED);
      assertThat(tested.eventsOf(PoolEvent.WorkerGone.class)).isEmpty();
      assertThat(tested.stats().staleMessages()).isEqualTo(1);
    }
  }

  @Test
  void closingLetsARunningCallFinish() {
    try (var tested = TestPool.start().awaitReady(2)) {
      Checkout mine = get(tested.pool().checkout());
      RunningCall running = mine.call(Call.of("targets:sleep", 0.2));
      mine.close();

      assertThat(get(running).as(String.class)).isEqualTo("slept");
      assertThat(tested.awaitEvent(PoolEvent.LeaseEnded.class, ended -> true).how())
          .contains("CLEAN");
    }
  }

  @Test
  void aBrokenReturnReplacesTheWorkerAndASuspectOneIsChecked() {
    try (var tested = TestPool.start("min-workers = 1, max-workers = 1").awaitReady(1)) {
      Checkout first = get(tested.pool().checkout());
      first.close(Verdict.SUSPECT);
      Checkout second = get(tested.pool().checkout());
      assertThat(second.worker()).isEqualTo(first.worker());
      second.close(Verdict.BROKEN);
      Checkout third = get(tested.pool().checkout());

      assertThat(third.worker().generation()).isEqualTo(first.worker().generation() + 1);
      third.close();
    }
  }

  @Test
  void aLeaseThatIsNotRenewedEndsAndAUsedWorkerIsNotHandedOn() {
    try (var tested =
        TestPool.start("min-workers = 1, max-workers = 1, checkout.lease-ttl = 200ms")
            .awaitReady(1)) {
      Checkout mine = get(tested.pool().checkout());
      WorkerId before = mine.worker();
      pidOf(mine.call(Call.of("targets:pid")));
      RunningCall running = mine.call(Call.of("targets:sleep", 10));

      assertThat(failureOf(running)).isInstanceOf(PythonFailure.Cancelled.class);
      Checkout next = get(tested.pool().checkout());
      assertThat(next.worker()).isNotEqualTo(before);
      next.close();
    }
  }

  @Test
  void renewingKeepsALease() {
    try (var tested =
        TestPool.start("min-workers = 1, max-workers = 1, checkout.lease-ttl = 300ms")
            .awaitReady(1)) {
      Checkout mine = get(tested.pool().checkout());
      for (int i = 0; i < 5; i++) {
        get(mine.call(Call.of("targets:sleep", 0.15)));
        mine.renew();
      }

      assertThat(mine.isEnded()).isFalse();
      mine.close();
    }
  }

  @Test
  void row03_row04_anOwnersDeathEndsItsLeaseAndItsWorker() {
    try (var tested = TestPool.start("min-workers = 1, max-workers = 1").awaitReady(1)) {
      ActorRef<String> owner =
          tested
              .system()
              .systemActorOf(
                  Behaviors.receiveMessage((String any) -> Behaviors.stopped()),
                  "owner",
                  Props.empty());
      Checkout mine =
          get(
              tested
                  .pool()
                  .checkout(CheckoutKind.anonymous(), Optional.of(owner), Duration.ofSeconds(5)));
      RunningCall running = mine.call(Call.of("targets:sleep", 30));
      owner.tell("stop");

      assertThat(failureOf(running)).isInstanceOf(PythonFailure.Cancelled.class);
      Checkout next = get(tested.pool().checkout());
      assertThat(next.worker().generation()).isGreaterThan(mine.worker().generation());
      next.close();
    }
  }

  @Test
  void checkoutsAreRefusedByNameAndReason() {
    try (var tested =
        TestPool.start("min-workers = 1, max-workers = 1, queue-capacity = 1").awaitReady(1)) {
      PythonPool pool = tested.pool();
      Checkout mine = get(pool.checkout());
      var waiting = pool.checkout();

      assertReason(pool.checkout(), Reason.QUEUE_FULL);
      assertReason(pool.checkout(CheckoutKind.session(" ", Affinity.PREFER)), Reason.INVALID_KIND);
      assertReason(
          pool.checkout(CheckoutKind.anonymous(), Optional.empty(), Duration.ZERO),
          Reason.DEADLINE);
      mine.close();
      get(waiting).close();
      get(pool.drain(Duration.ofSeconds(1)));
      assertReason(pool.checkout(), Reason.STOPPED);
    }
  }

  private static void assertReason(
      java.util.concurrent.CompletionStage<Checkout> checkout, Reason reason) {
    assertThat(((CheckoutRefused) failureOf(checkout)).reason()).isEqualTo(reason);
  }

  @Test
  void row05_aWorkerThatDiesInACheckoutEndsItTyped() {
    try (var tested = TestPool.start().awaitReady(2)) {
      Checkout mine = get(tested.pool().checkout());

      assertThat(failureOf(mine.call(Call.of("targets:kill_self", 9))))
          .isInstanceOf(WorkerLost.class);
      assertThat(failureOf(mine.call(Call.of("targets:pid")))).isInstanceOf(PythonFailure.class);
      assertThat(mine.isEnded()).isTrue();
      mine.close();
      tested.awaitReady(2);
      get(tested.pool().checkout()).close();
    }
  }

  @Test
  void row15_aPinnedSessionStaysInItsProcess() {
    try (var tested = TestPool.start().awaitReady(2)) {
      Session session = tested.pool().session("s").with(Affinity.PINNED);
      get(session.call(Call.of("targets:set_var", "x", 7)));
      List<RunningCall> others = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        others.add(tested.pool().call(Call.of("targets:echo", i)));
        assertThat(get(session.call(Call.of("targets:get_var", "x"))).as(Integer.class))
            .isEqualTo(7);
      }
      others.forEach(call -> get(call));
    }
  }

  @Test
  void row16_aPinnedSessionWhoseProcessDiedIsLostUntilItEnds() {
    try (var tested = TestPool.start().awaitReady(2)) {
      Session session = tested.pool().session("s").with(Affinity.PINNED);
      get(session.call(Call.of("targets:set_var", "x", 7)));
      failureOf(session.call(Call.of("targets:exit_now", 1)));

      assertThat(failureOf(session.call(Call.of("targets:get_var", "x"))))
          .isInstanceOf(SessionLost.class)
          .hasMessageContaining("'s'");
      assertThat(failureOf(session.checkout())).isInstanceOf(SessionLost.class);
      session.end();
      assertThat(get(session.call(Call.of("targets:get_var", "x"))).json()).isEqualTo("null");
    }
  }

  @Test
  void row17_failFastRefusesWhileBusyAndPreferGoesElsewhere() {
    try (var tested = TestPool.start().awaitReady(2)) {
      Session pinned = tested.pool().session("p").with(Affinity.PINNED);
      Checkout held = get(pinned.checkout());

      var refused =
          (CheckoutRefused)
              failureOf(
                  tested.pool().checkout(CheckoutKind.session("p", Affinity.PINNED_FAIL_FAST)));
      assertThat(refused.reason()).isEqualTo(Reason.WORKER_BUSY);
      assertThat(get(tested.pool().session("other").call(Call.of("targets:whoami"))).worker())
          .isNotEqualTo(held.worker());
      held.close();
    }
  }

  @Test
  void callsOfOneSessionRunInTheirOrderWhoeverSendsThem() {
    Path journal = directory.resolve("order");
    try (var tested = TestPool.start().awaitReady(2)) {
      List<CompletableFuture<?>> calls = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        calls.add(
            tested
                .pool()
                .session("ordered")
                .call(Call.of("targets:journal", journal.toString(), String.valueOf(i), "n"))
                .toCompletableFuture());
      }
      get(CompletableFuture.allOf(calls.toArray(CompletableFuture<?>[]::new)));

      assertThat(linesOf(journal).stream().map(line -> line.split(" ")[0]).toList())
          .isEqualTo(IntStream.range(0, 60).mapToObj(String::valueOf).toList());
    }
  }

  private static List<String> linesOf(Path file) {
    try {
      return java.nio.file.Files.readAllLines(file);
    } catch (java.io.IOException missing) {
      throw new AssertionError(missing);
    }
  }

  @Test
  void threeSessionsCreateAndListConcurrentlyAndEachSeesItsOwn() {
    try (var tested = TestPool.start("min-workers = 3, max-workers = 3").awaitReady(3)) {
      List<CompletableFuture<Void>> sessions = new ArrayList<>();
      for (String key : List.of("a", "b", "c")) {
        Session session = tested.pool().session(key).with(Affinity.PINNED);
        CompletableFuture<Void> done = CompletableFuture.completedFuture(null);
        for (int i = 0; i < 5; i++) {
          String program = key + i;
          done =
              done.thenCompose(
                  any ->
                      session
                          .call(Call.of("programs:create", key, program))
                          .thenAccept(reply -> {})
                          .toCompletableFuture());
        }
        sessions.add(
            done.thenCompose(any -> session.call(Call.of("programs:list_all", key)))
                .thenAccept(
                    reply -> {
                      assertThat(reply.tree().path("total_count").asInt()).isEqualTo(5);
                      assertThat(reply.tree().path("programs"))
                          .hasSize(5)
                          .allMatch(name -> name.asText().startsWith(key));
                    })
                .toCompletableFuture());
      }
      get(CompletableFuture.allOf(sessions.toArray(CompletableFuture<?>[]::new)));
    }
  }

  @Test
  void twoWarmWorkersReallyRunAtTheSameTime() {
    Path log = directory.resolve("overlap");
    try (var tested = TestPool.start().awaitReady(2)) {
      var first = tested.pool().call(Call.of("targets:overlap", log.toString(), 0.3));
      var second = tested.pool().call(Call.of("targets:overlap", log.toString(), 0.3));

      double[] one = get(first).as(double[].class);
      double[] two = get(second).as(double[].class);
      double overlap = Math.min(one[1], two[1]) - Math.max(one[0], two[0]);
      assertThat(overlap).as("seconds in which both ran").isGreaterThan(0.1);
      assertThat(get(first).worker()).isNotEqualTo(get(second).worker());
    }
  }
}
