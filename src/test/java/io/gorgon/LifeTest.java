package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Reply;
import io.gorgon.pool.PoolStats;
import io.gorgon.proving.Bystanders.Expected;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The lives of workers: recycling, reset, size, drain, and what is left when the pool is gone. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class LifeTest {

  @TempDir Path directory;

  @Test
  void row09_recyclingByCallsLosesNoCallAndKeepsTheLimit() {
    try (var tested = TestPool.start("recycle.max-calls = 10").awaitReady(2).withBystanders()) {
      Map<Long, Integer> served = new HashMap<>();
      for (int i = 0; i < 300; i++) {
        Reply reply = get(tested.pool().call(Call.of("targets:pid")));
        served.merge(reply.as(Long.class), 1, Integer::sum);
      }

      assertThat(served.values()).allMatch(calls -> calls <= 10);
      assertThat(tested.stats().workers()).hasSize(2);
    }
  }

  @Test
  void row10_memoryAboveTheLimitEndsTheProcessAfterTheCall() {
    try (var tested =
        TestPool.start("min-workers = 1, max-workers = 1, recycle.max-memory = 150MiB")
            .awaitReady(1)) {
      long before = get(tested.pool().call(Call.of("targets:pid"))).as(Long.class);
      get(tested.pool().call(Call.of("targets:allocate", 300)));
      var retiring = tested.awaitEvent(PoolEvent.WorkerRetiring.class, any -> true);

      assertThat(retiring.reason()).isEqualTo("MEMORY");
      tested.awaitEvent(PoolEvent.WorkerGone.class, gone -> gone.planned());
      assertThat(get(tested.pool().call(Call.of("targets:pid"))).as(Long.class))
          .isNotEqualTo(before);
    }
  }

  @Test
  void recyclingByAgeReplacesEveryProcess() {
    try (var tested = TestPool.start("recycle.max-age = 500ms").awaitReady(2).withBystanders()) {
      tested.awaitEvents(PoolEvent.WorkerReady.class, 4);

      assertThat(tested.eventsOf(PoolEvent.WorkerGone.class))
          .allMatch(PoolEvent.WorkerGone::planned);
    }
  }

  @Test
  void row31_aResetPicksUpChangedCodeWithoutAFailedCall() throws IOException {
    Path module = directory.resolve("changing.py");
    Files.writeString(module, "def version():\n    return 1\n");
    try (var tested =
        TestPool.start(
                "path = [\""
                    + directory
                    + "\", \""
                    + Path.of("src/test/python").toAbsolutePath()
                    + "\"]")
            .awaitReady(2)
            .withBystanders()) {
      assertThat(get(tested.pool().call(Call.of("changing:version"))).as(Integer.class))
          .isEqualTo(1);
      var stop = new AtomicBoolean();
      List<CompletableFuture<Reply>> load = new ArrayList<>();
      Thread caller =
          new Thread(
              () -> {
                while (!stop.get()) {
                  RunningCall call = tested.pool().call(Call.of("changing:version"));
                  load.add(call.toCompletableFuture());
                  call.join();
                }
              });
      caller.start();
      Files.writeString(module, "def version():\n    return 22\n");
      tested.pool().reset();
      tested.awaitEvents(PoolEvent.WorkerReady.class, 4);
      tested.awaitEvents(PoolEvent.WorkerGone.class, 2);
      stop.set(true);
      join(caller);

      load.forEach(call -> assertThat(get(call).as(Integer.class)).isIn(1, 22));
      for (int i = 0; i < 10; i++) {
        assertThat(get(tested.pool().call(Call.of("changing:version"))).as(Integer.class))
            .isEqualTo(22);
      }
    }
  }

  private static void join(Thread thread) {
    try {
      thread.join(TimeUnit.SECONDS.toMillis(20));
    } catch (InterruptedException interrupted) {
      throw new AssertionError(interrupted);
    }
    assertThat(thread.isAlive()).isFalse();
  }

  @Test
  void aPoolGrowsUnderLoadAndShrinksWhenIdle() {
    try (var tested =
        TestPool.start(
                "min-workers = 1, max-workers = 3, size.grow-after = 50ms",
                "size.idle-timeout = 300ms")
            .awaitReady(1)) {
      List<RunningCall> load = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        load.add(tested.pool().call(Call.of("targets:sleep", 0.2)));
      }
      tested.awaitReady(3);
      load.forEach(call -> get(call));
      tested.awaitEvents(PoolEvent.WorkerGone.class, 2);

      assertThat(tested.stats().ready()).isEqualTo(1);
      get(tested.pool().call(Call.of("targets:pid")));
    }
  }

  @Test
  void row34_resizingLetsBusyWorkersFinish() {
    try (var tested =
        TestPool.start("min-workers = 3, max-workers = 3").awaitReady(3).withBystanders()) {
      List<RunningCall> load = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        load.add(tested.pool().call(Call.of("targets:sleep", 0.4)));
      }
      tested.pool().resize(1, 1);

      load.forEach(call -> assertThat(get(call).as(String.class)).isEqualTo("slept"));
      tested.awaitEvents(PoolEvent.WorkerGone.class, 2);
      tested.pool().resize(2, 2);
      tested.awaitEvents(PoolEvent.WorkerReady.class, 4);
      assertThat(tested.stats().ready()).isEqualTo(2);
    }
  }

  @Test
  void aLazyPoolStartsWithItsFirstCall() {
    try (var tested = TestPool.start("eager = false")) {
      assertThat(tested.stats().workers()).isEmpty();
      assertThat(get(tested.pool().call(Call.of("math:sqrt", 4))).as(Double.class)).isEqualTo(2.0);
    }
  }

  @Test
  void row58_row59_row61_aDrainAnswersWaitersFirstThenWaitsThenStops() {
    try (var tested = TestPool.start("min-workers = 1, max-workers = 1").awaitReady(1)) {
      RunningCall running = tested.pool().call(Call.of("targets:sleep", 0.3));
      List<RunningCall> waiting = new ArrayList<>();
      for (int i = 0; i < 500; i++) {
        waiting.add(tested.pool().call(Call.of("targets:echo", i)));
      }
      var checkout = tested.pool().checkout();
      long began = System.nanoTime();
      var drained = tested.pool().drain(Duration.ofSeconds(5));

      for (RunningCall call : waiting) {
        assertThat(failureOf(call)).isInstanceOf(PythonFailure.Draining.class);
      }
      assertThat(failureOf(checkout)).hasMessageContaining("DRAINING");
      assertThat(running.isDone()).isFalse();
      assertThat(failureOf(tested.pool().call(Call.of("targets:pid"))))
          .isInstanceOf(PythonFailure.Draining.class);
      assertThat(get(running).as(String.class)).isEqualTo("slept");
      get(drained);
      assertThat(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began)).isLessThan(3_000);
    }
  }

  @Test
  void row61b_aDrainEndsWhatDoesNotFinishInTime() {
    try (var tested = TestPool.start("min-workers = 1, max-workers = 1").awaitReady(1)) {
      RunningCall running = tested.pool().call(Call.of("targets:sleep", 30));
      org.awaitility.Awaitility.await().until(() -> tested.stats().workers().get(0).running());
      long began = System.nanoTime();
      get(tested.pool().drain(Duration.ofMillis(300)));

      assertThat(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began)).isLessThan(2_300);
      assertThat(failureOf(running)).isInstanceOf(PythonFailure.class);
    }
  }

  @Test
  void row08_nothingIsLeftWhenThePoolHasStopped() {
    List<Long> pids;
    try (var tested = TestPool.start().awaitReady(2)) {
      pids =
          new ArrayList<>(
              tested.stats().workers().stream().map(PoolStats.WorkerStats::pid).toList());
      pids.add(get(tested.pool().call(Call.of("targets:subprocess_child", 60))).as(Long.class));
      pids.add(get(tested.pool().call(Call.of("targets:daemon_child", 60))).as(Long.class));
      assertThat(pids).allMatch(FaultsTest::isAlive);
    }
    pids.forEach(FaultsTest::awaitDead);
  }

  @Test
  void aKeeperThatDiesTakesItsWorkersWithItAndIsReplaced() {
    try (var tested = TestPool.start().awaitReady(2).withBystanders(Expected.HIT)) {
      long worker = get(tested.pool().call(Call.of("targets:pid"))).as(Long.class);
      long child = get(tested.pool().call(Call.of("targets:subprocess_child", 60))).as(Long.class);
      ProcessHandle keeper = ProcessHandle.of(worker).flatMap(ProcessHandle::parent).orElseThrow();
      RunningCall running = tested.pool().call(Call.of("targets:sleep", 20));
      org.awaitility.Awaitility.await()
          .until(() -> tested.stats().workers().stream().anyMatch(w -> w.running()));

      keeper.destroyForcibly();

      assertThat(failureOf(running)).isInstanceOf(PythonFailure.WorkerLost.class);
      FaultsTest.awaitDead(worker);
      FaultsTest.awaitDead(child);
      tested.awaitEvents(PoolEvent.WorkerReady.class, 4);
      assertThat(get(tested.pool().call(Call.of("targets:echo", 1))).as(Integer.class))
          .isEqualTo(1);
    }
  }

  @Test
  void aStoppedIdleWorkerIsFoundByItsPing() throws IOException {
    try (var tested =
        TestPool.start(
                "min-workers = 1, max-workers = 1, size.idle-check = 200ms, timeouts.ping = 300ms")
            .awaitReady(1)) {
      long pid = get(tested.pool().call(Call.of("targets:pid"))).as(Long.class);
      assertThat(
              new ProcessBuilder("kill", "-STOP", Long.toString(pid))
                  .start()
                  .onExit()
                  .join()
                  .exitValue())
          .isZero();
      tested.awaitEvent(PoolEvent.WorkerGone.class, gone -> true);

      assertThat(get(tested.pool().call(Call.of("targets:pid"))).as(Long.class)).isNotEqualTo(pid);
    }
  }
}
