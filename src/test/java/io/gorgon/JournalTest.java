package io.gorgon;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.WorkerId;
import io.gorgon.proving.Journal;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A storm of kills, deadlines and cancels over thousands of calls, joined offline with what ran.
 */
class JournalTest {

  private static final int CALLS = 6_000;
  private static final int KILLS = 60;

  @TempDir Path directory;

  @Test
  @NeedsLayer(Layer.BRIDGE_MOCK)
  void row06b_aStormLosesDoublesAndCrossesNothing() throws Exception {
    Path file = directory.resolve("journal");
    Files.createFile(file);
    var journal = new Journal();
    var random = new Random(42);
    var room = new Semaphore(32);
    var done = new CountDownLatch(CALLS);
    var failures = new AtomicInteger();
    var late = new AtomicInteger();
    try (var tested =
        TestPool.start("min-workers = 4, max-workers = 4, restart.budget = 10000").awaitReady(4)) {
      var killer = CompletableFuture.supplyAsync(() -> kill(tested, KILLS));
      for (int i = 0; i < CALLS; i++) {
        room.acquire();
        String id = Integer.toString(i);
        String nonce = Long.toHexString(random.nextLong());
        int retries = random.nextInt(4) == 0 ? 2 : 0;
        Duration limit = Duration.ofMillis(random.nextInt(50) == 0 ? 2 : 5_000);
        journal.asked(id, nonce, 1 + retries, any -> true);
        long began = System.nanoTime();
        Call call =
            Call.of("targets:journal", file.toString(), id, nonce)
                .withTimeout(limit)
                .idempotent(retries);
        RunningCall running =
            random.nextInt(8) == 0
                ? tested.pool().session("s" + random.nextInt(6)).call(call)
                : tested.pool().call(call);
        running.whenComplete(
            (reply, failure) -> {
              if (System.nanoTime() - began
                  > limit.toNanos() + TimeUnit.MILLISECONDS.toNanos(250)) {
                late.incrementAndGet();
              }
              if (failure != null) {
                failures.incrementAndGet();
              }
              journal.told(id, reply, failure);
              room.release();
              done.countDown();
            });
        if (random.nextInt(40) == 0) {
          running.cancel();
        }
      }
      assertThat(done.await(60, TimeUnit.SECONDS)).as("every call ended").isTrue();
      Set<WorkerId> killed = killer.join();
      assertThat(killed).hasSize(KILLS);
      killed.forEach(
          worker ->
              tested.awaitEvent(PoolEvent.WorkerGone.class, gone -> gone.worker().equals(worker)));
      for (int i = 0; i < 200; i++) {
        assertThat(TestPool.get(tested.pool().call(Call.of("targets:echo", i))).as(Integer.class))
            .isEqualTo(i);
      }
      tested.awaitReady(4);
    }

    assertThat(journal.violations(Files.readAllLines(file))).isEmpty();
    assertThat(late).hasValue(0);
    System.out.println(
        "[storm] " + CALLS + " calls, " + KILLS + " kills, " + failures + " typed failures");
  }

  /**
   * Kills as many processes, each another: one that has just died is still in the pool's figures,
   * and takes a second signal without complaint.
   */
  private static Set<WorkerId> kill(TestPool tested, int processes) {
    var random = new Random(7);
    Map<Long, WorkerId> killed = new HashMap<>();
    while (killed.size() < processes) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(random.nextInt(60)));
      var workers = tested.stats().workers();
      var worker = workers.get(random.nextInt(workers.size()));
      if (worker.pid() > 0
          && !killed.containsKey(worker.pid())
          && ProcessHandle.of(worker.pid()).map(ProcessHandle::destroyForcibly).orElse(false)) {
        killed.put(
            worker.pid(), new WorkerId(tested.pool().name(), worker.slot(), worker.generation()));
      }
    }
    return Set.copyOf(killed.values());
  }
}
