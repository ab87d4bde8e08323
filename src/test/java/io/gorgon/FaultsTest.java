package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.Exit;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.ProtocolViolation;
import io.gorgon.message.PythonFailure.WorkerLost;
import io.gorgon.message.Reply;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Workers that crash, hang and lie, on real Python: what the caller is told, and that nobody else
 * notices.
 */
@NeedsLayer(Layer.BRIDGE_MOCK)
class FaultsTest {

  @TempDir Path directory;

  /** One worker, which others use too. */
  private static TestPool one() {
    return TestPool.start("min-workers = 1, max-workers = 1").awaitReady(1).withBystanders();
  }

  /** The same with a worker that goes wrong at the first call of {@code targets:echo}. */
  private TestPool faulty(String fault, String... more) {
    String once = directory.resolve("fault-" + System.nanoTime()).toString();
    return TestPool.start(
            String.join(
                "\n",
                List.of(
                    "min-workers = 1",
                    "max-workers = 1",
                    "entry = \"faulty_worker:main\"",
                    "environment { GORGON_FAULT = \""
                        + fault
                        + ",at=targets:echo\", GORGON_FAULT_ONCE = \""
                        + once
                        + "\" }",
                    String.join("\n", more))))
        .awaitReady(1)
        .withBystanders();
  }

  private static void assertServes(TestPool pool) {
    Reply reply = get(pool.pool().call(Call.of("targets:echo", "well")));
    assertThat(reply.as(String.class)).isEqualTo("well");
  }

  @Test
  void row03_aWorkerThatExitsTellsItsCodeAndIsReplaced() {
    try (var pool = one()) {
      var lost = (WorkerLost) failureOf(pool.pool().call(Call.of("targets:exit_now", 3)));

      assertThat(lost.exit()).isEqualTo(Exit.code(3));
      assertThat(lost.started()).isTrue();
      assertThat(lost.retryable()).isFalse();
      assertServes(pool);
      assertThat(pool.stats().workers().get(0).restarts()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {9, 11, 15, 6})
  void row04_aSignalIsNamed(int signal) {
    try (var pool = one()) {
      var lost = (WorkerLost) failureOf(pool.pool().call(Call.of("targets:kill_self", signal)));

      assertThat(lost.exit()).isEqualTo(Exit.signal(signal));
      assertServes(pool);
    }
  }

  @Test
  void aSegmentationFaultShowsThePythonStack() {
    try (var pool = one()) {
      var lost = (WorkerLost) failureOf(pool.pool().call(Call.of("targets:segfault")));

      assertThat(lost.exit()).isEqualTo(Exit.signal(11));
      assertThat(String.join("\n", lost.tail())).contains("in segfault");
    }
  }

  @Test
  void row01_aLateAnswerReachesNobody() {
    try (var pool = one()) {
      long began = System.nanoTime();
      var late =
          (DeadlineExceeded)
              failureOf(
                  pool.pool()
                      .call(Call.of("targets:sleep", 2).withTimeout(Duration.ofMillis(200))));
      long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);

      assertThat(late.phase()).isEqualTo(DeadlineExceeded.Phase.RUNNING);
      assertThat(took).isBetween(195L, 450L);
      assertServes(pool);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"targets:hang_in_c", "targets:stop_self"})
  void row35_aWorkerThatHangsIsKilledAtTheDeadline(String target) {
    try (var pool = one()) {
      long began = System.nanoTime();
      var late = failureOf(pool.pool().call(Call.of(target).withTimeout(Duration.ofMillis(300))));
      long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);

      assertThat(late).isInstanceOf(DeadlineExceeded.class);
      assertThat(took).isLessThan(550);
      assertServes(pool);
      assertThat(pool.eventsOf(PoolEvent.WorkerGone.class).get(0).exit()).isEqualTo(Exit.signal(9));
    }
  }

  @Test
  void aWorkerThatSwallowsInterruptsIsKilled() {
    try (var pool = one()) {
      RunningCall call = pool.pool().call(announced("swallow_interrupts", 30));
      awaitStarted();
      assertThat(call.cancel()).isTrue();

      assertThat(failureOf(call)).isInstanceOf(Cancelled.class);
      assertServes(pool);
      assertThat(pool.eventsOf(PoolEvent.WorkerGone.class)).hasSize(1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"cancellable", "sleep", "spin"})
  void row13_aCancelledCallThatEndsKeepsItsWorker(String target) {
    try (var pool = one()) {
      long before = get(pool.pool().call(Call.of("targets:pid"))).as(Long.class);
      RunningCall call = pool.pool().call(announced(target, 30));
      awaitStarted();
      call.cancel();

      var cancelled = (Cancelled) failureOf(call);
      assertThat(cancelled.started()).isTrue();
      assertThat(get(pool.pool().call(Call.of("targets:pid"))).as(Long.class)).isEqualTo(before);
    }
  }

  @Test
  void row12_aCallThatIsCancelledWhileItWaitsNeverRuns() {
    Path journal = directory.resolve("journal");
    try (var pool = one()) {
      RunningCall blocker = pool.pool().call(Call.of("targets:sleep", 0.3));
      RunningCall waiting =
          pool.pool().call(Call.of("targets:journal", journal.toString(), "1", "nonce"));
      RunningCall late =
          pool.pool()
              .call(
                  Call.of("targets:journal", journal.toString(), "2", "nonce")
                      .withTimeout(Duration.ofMillis(50)));
      waiting.cancel();

      assertThat(((Cancelled) failureOf(waiting)).started()).isFalse();
      assertThat(((DeadlineExceeded) failureOf(late)).phase())
          .isEqualTo(DeadlineExceeded.Phase.QUEUED);
      get(blocker);
      assertServes(pool);
      assertThat(journal).doesNotExist();
    }
  }

  @Test
  void row14_theDeadlineCoversQueueingAndRunning() {
    try (var pool = one()) {
      RunningCall blocker = pool.pool().call(Call.of("targets:sleep", 0.5));
      long began = System.nanoTime();
      failureOf(
          pool.pool().call(Call.of("targets:sleep", 0.5).withTimeout(Duration.ofMillis(700))));

      assertThat(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began)).isBetween(690L, 950L);
      get(blocker);
    }
  }

  @Test
  void row05_anIdempotentCallIsRunAgainAndOthersAreNot() {
    Path once = directory.resolve("once");
    try (var pool = one()) {
      Call dies =
          Call.of(
              "builtins:exec",
              "import os\ntry:\n  os.close(os.open('"
                  + once
                  + "', os.O_CREAT | os.O_EXCL))\nexcept FileExistsError:\n  pass\nelse:\n  os._exit(9)");

      Reply reply = get(pool.pool().call(dies.idempotent(1)));

      assertThat(reply.attempts()).isEqualTo(2);
      var lost =
          (WorkerLost) failureOf(pool.pool().call(Call.of("targets:exit_now", 1).idempotent(1)));
      assertThat(lost.retryable()).isTrue();
    }
  }

  @Test
  void row26_aPoisonousCallStopsAfterOneAttempt() {
    try (var pool = TestPool.start().awaitReady(2).withBystanders()) {
      failureOf(pool.pool().call(Call.of("targets:exit_now", 1)));
      assertServes(pool);
      pool.awaitEvents(PoolEvent.WorkerGone.class, 1);

      assertThat(pool.eventsOf(PoolEvent.WorkerGone.class)).hasSize(1);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "die-after-header, false",
    "die-before-reply, true",
    "die-mid-reply, true",
    "partial-then-silence, true"
  })
  void row48_aDeathInACallIsToldWithWhetherItHadStarted(String fault, boolean started) {
    try (var pool = faulty(fault)) {
      Call call = Call.of("targets:echo", 1).withTimeout(Duration.ofSeconds(2));
      if (started) {
        PythonFailure failure = failureOf(pool.pool().call(call));
        assertThat(failure).isInstanceOfAny(WorkerLost.class, DeadlineExceeded.class);
      } else {
        // It had not started, so it ran on the next worker, once.
        assertThat(get(pool.pool().call(call)).attempts()).isEqualTo(1);
      }
      assertServes(pool);
    }
  }

  @Test
  void aDeathAfterTheAnswerLosesNoAnswer() {
    try (var pool = faulty("die-after-reply")) {
      assertThat(get(pool.pool().call(Call.of("targets:echo", 1))).as(Integer.class)).isEqualTo(1);
      assertServes(pool);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"garbage-reply", "oversize-reply", "flag-flip", "unknown-kind"})
  void row47_row49_row50_garbageIsAProtocolViolationAndEndsTheWorker(String fault) {
    try (var pool = faulty(fault)) {
      assertThat(failureOf(pool.pool().call(Call.of("targets:echo", 1))))
          .isInstanceOf(ProtocolViolation.class);
      assertServes(pool);
      assertThat(pool.eventsOf(PoolEvent.WorkerGone.class)).hasSize(1);
    }
  }

  @Test
  void row53_ofTwoAnswersTheFirstCounts() {
    try (var pool = faulty("double-reply")) {
      assertThat(get(pool.pool().call(Call.of("targets:echo", 1))).as(Integer.class)).isEqualTo(1);
      for (int i = 0; i < 20; i++) {
        assertThat(get(pool.pool().call(Call.of("targets:echo", i))).as(Integer.class))
            .isEqualTo(i);
      }
      pool.awaitEvent(PoolEvent.WorkerNoticed.class, noticed -> true);
      assertThat(pool.eventsOf(PoolEvent.WorkerGone.class)).isEmpty();
    }
  }

  @Test
  void row52_anAnswerToNobodyIsDroppedAndTheDeadlineStands() {
    try (var pool = faulty("wrong-id")) {
      assertThat(
              failureOf(
                  pool.pool().call(Call.of("targets:echo", 1).withTimeout(Duration.ofMillis(300)))))
          .isInstanceOf(DeadlineExceeded.class);
      assertServes(pool);
    }
  }

  @Test
  void row43b_aFloodOfOutputIsDrainedAndCapped() {
    try (var pool = one()) {
      get(pool.pool().call(Call.of("targets:flood_stderr", 20)));
      assertServes(pool);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"fork_child", "subprocess_child", "daemon_child", "orphan_child"})
  void row35b_row38_childrenEndWithTheirWorker(String target) {
    try (var pool = one()) {
      long child = get(pool.pool().call(Call.of("targets:" + target, 60))).as(Long.class);
      assertThat(isAlive(child)).isTrue();

      long began = System.nanoTime();
      assertThat(failureOf(pool.pool().call(Call.of("targets:kill_self", 9))))
          .isInstanceOf(WorkerLost.class);
      assertThat(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began)).isLessThan(1_000);
      awaitDead(child);
    }
  }

  @Test
  void aForkedChildThatReturnsSaysNothing() {
    try (var pool = one()) {
      assertThat(get(pool.pool().call(Call.of("targets:fork_and_return", "once"))).json())
          .contains("once");
      assertServes(pool);
    }
  }

  @Test
  void row28_aWorkerThatIgnoresTermIsKilledAtTheGracesEnd() {
    try (var pool = faulty("stubborn", "timeouts.stop-grace = 200ms")) {
      assertServes(pool);
      pool.sendBystandersHome();
      long began = System.nanoTime();
      get(pool.pool().drain(Duration.ofSeconds(1)));

      assertThat(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began)).isLessThan(3_000);
    }
  }

  /** A call of a target that tells when it has started: others run on the worker too. */
  private Call announced(String function, Object argument) {
    return Call.of("targets:announced", started().toString(), function, argument);
  }

  private Path started() {
    return directory.resolve("started");
  }

  private void awaitStarted() {
    org.awaitility.Awaitility.await()
        .pollInterval(Duration.ofMillis(5))
        .until(() -> java.nio.file.Files.exists(started()));
  }

  static boolean isAlive(long pid) {
    Path stat = Path.of("/proc", Long.toString(pid), "stat");
    try {
      String text = java.nio.file.Files.readString(stat);
      return text.charAt(text.lastIndexOf(')') + 2) != 'Z';
    } catch (java.io.IOException gone) {
      return false;
    }
  }

  static void awaitDead(long pid) {
    org.awaitility.Awaitility.await()
        .atMost(Duration.ofSeconds(1))
        .pollInterval(Duration.ofMillis(10))
        .until(() -> !isAlive(pid));
  }
}
