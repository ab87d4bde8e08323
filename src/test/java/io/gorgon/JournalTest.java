package io.gorgon;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.testkit.Journal;
import io.gorgon.testkit.Layer;
import io.gorgon.testkit.NeedsLayer;
import io.gorgon.testkit.TestPool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletionException;
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
      Thread killer = killer(tested);
      for (int i = 0; i < CALLS; i++) {
        room.acquire();
        String id = Integer.toString(i);
        String nonce = Long.toHexString(random.nextLong());
        int retries = random.nextInt(4) == 0 ? 2 : 0;
        Duration limit = Duration.ofMillis(random.nextInt(50) == 0 ? 2 : 5_000);
        journal.asked(id, nonce, 1 + retries);
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
              journal.told(id, reply == null ? null : reply.as(String.class), typed(failure));
              room.release();
              done.countDown();
            });
        if (random.nextInt(40) == 0) {
          running.cancel();
        }
      }
      assertThat(done.await(60, TimeUnit.SECONDS)).as("every call ended").isTrue();
      killer.join();
      tested.awaitEvents(PoolEvent.WorkerGone.class, KILLS);
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

  private static PythonFailure typed(Throwable failure) {
    if (failure == null) {
      return null;
    }
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    return (PythonFailure) cause;
  }

  private static Thread killer(TestPool tested) {
    var random = new Random(7);
    var thread =
        new Thread(
            () -> {
              for (int killed = 0; killed < KILLS; ) {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(random.nextInt(60)));
                var workers = tested.stats().workers();
                long pid = workers.get(random.nextInt(workers.size())).pid();
                if (pid > 0
                    && ProcessHandle.of(pid).map(ProcessHandle::destroyForcibly).orElse(false)) {
                  killed++;
                }
              }
            });
    thread.start();
    return thread;
  }

  @Test
  void theCheckerSeesEachKindOfViolation() throws IOException {
    var journal = new Journal();
    for (String id : List.of("well", "unanswered", "twice", "crossed", "invisible", "again")) {
      journal.asked(id, "n-" + id, 1);
    }
    journal.told("well", "n-well", null);
    journal.told("twice", "n-twice", null);
    journal.told("crossed", "n-well", null);
    journal.told("invisible", "n-invisible", null);
    journal.told("again", "n-again", null);
    journal.told("again", "n-again", null);

    List<String> violations =
        journal.violations(
            List.of(
                "well n-well 1 w 0",
                "twice n-twice 1 w 0",
                "twice n-twice 2 w 0",
                "crossed n-crossed 1 w 0",
                "again n-again 1 w 0",
                "stranger n 1 w 0"));

    assertThat(violations)
        .hasSize(6)
        .anyMatch(line -> line.startsWith("unanswered: unanswered"))
        .anyMatch(line -> line.startsWith("run too often: twice"))
        .anyMatch(line -> line.startsWith("crossed on the way out: crossed"))
        .anyMatch(line -> line.startsWith("answered without having run: invisible"))
        .anyMatch(line -> line.startsWith("answered twice: again"))
        .anyMatch(line -> line.startsWith("invented: stranger"));
  }
}
