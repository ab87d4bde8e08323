package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.message.PythonFailure.Draining;
import io.gorgon.proving.Journal;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What operators do to a pool while many callers keep it busy, and callers who change their mind.
 */
@NeedsLayer(Layer.BRIDGE_MOCK)
class LoadTest {

  private static final int CALLERS = 16;
  private static final int WORKERS = 3;

  @TempDir Path directory;

  private Path file;

  @BeforeEach
  void makeTheJournal() throws IOException {
    file = Files.createFile(directory.resolve("journal"));
  }

  /** Callers without a pause; each makes its next call in the answer of its last. */
  private final class Load {
    final Journal journal = new Journal();
    final AtomicInteger calls = new AtomicInteger();
    final AtomicBoolean over = new AtomicBoolean();
    final List<CompletableFuture<Void>> callers = new ArrayList<>();

    Load(PythonPool pool) {
      for (int i = 0; i < CALLERS; i++) {
        var done = new CompletableFuture<Void>();
        callers.add(done);
        next(pool, done);
      }
    }

    private void next(PythonPool pool, CompletableFuture<Void> done) {
      String id = Integer.toString(calls.incrementAndGet());
      journal.asked(id, "n" + id, 1, Draining.class::isInstance);
      pool.call(Call.of("targets:journal", file.toString(), id, "n" + id))
          .whenComplete(
              (reply, failure) -> {
                journal.told(id, reply, failure);
                if (over.get() || failure != null) {
                  done.complete(null);
                } else {
                  next(pool, done);
                }
              });
    }

    void end() {
      over.set(true);
      callers.forEach(TestPool::get);
    }
  }

  @Test
  void row17_fiveRollingResetsUnderLoadFailNoCallAndKeepTheCapacity() throws IOException {
    try (var tested =
        TestPool.start("min-workers = " + WORKERS + ", max-workers = " + WORKERS)
            .awaitReady(WORKERS)) {
      var load = new Load(tested.pool());
      for (int reset = 1; reset <= 5; reset++) {
        tested.pool().reset();
        tested.awaitEvents(PoolEvent.WorkerGone.class, reset * WORKERS);
        tested.awaitEvents(PoolEvent.WorkerReady.class, (reset + 1) * WORKERS);
      }
      load.end();

      assertThat(load.journal.violations(Files.readAllLines(file))).isEmpty();
      assertThat(load.calls.get()).isGreaterThan(5 * WORKERS * CALLERS);
      assertThat(tested.eventsOf(PoolEvent.WorkerGone.class))
          .hasSize(5 * WORKERS)
          .allMatch(PoolEvent.WorkerGone::planned);
      assertThat(fewestReady(tested.eventsOf(PoolEvent.class))).isGreaterThanOrEqualTo(WORKERS - 1);
    }
  }

  /** The fewest that were ready at once, from when all were ready first. */
  private static int fewestReady(List<PoolEvent> events) {
    Set<Object> ready = new HashSet<>();
    int fewest = Integer.MAX_VALUE;
    for (PoolEvent event : events) {
      if (event instanceof PoolEvent.WorkerReady up) {
        ready.add(up.worker());
      } else if (event instanceof PoolEvent.WorkerGone gone) {
        ready.remove(gone.worker());
      }
      if (fewest != Integer.MAX_VALUE || ready.size() == WORKERS) {
        fewest = Math.min(fewest, ready.size());
      }
    }
    return fewest;
  }

  @Test
  void row16_aDrainUnderLoadAnswersEverybodyAndLosesNothingThatItTook() throws IOException {
    try (var tested = TestPool.start().awaitReady(2)) {
      var load = new Load(tested.pool());
      RunningCall slow = tested.pool().call(Call.of("targets:sleep", 0.3));
      while (load.calls.get() < 20 * CALLERS) {
        get(tested.pool().call(Call.of("targets:pid")));
      }
      long began = System.nanoTime();
      get(tested.pool().drain(Duration.ofSeconds(5)));
      long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
      load.end();

      assertThat(get(slow).as(String.class)).isEqualTo("slept");
      assertThat(load.journal.violations(Files.readAllLines(file))).isEmpty();
      assertThat(took).isLessThan(7_000);
    }
  }

  @Test
  void row13b_callsThatAreCancelledInsideABatchHitNoNeighbour() throws IOException {
    try (var tested = TestPool.start("min-workers = 1, max-workers = 1").awaitReady(1)) {
      for (int i = 0; i < 300; i++) {
        // So that the target counts as short, and is taken in batches.
        get(tested.pool().call(Call.of("targets:journal", "/dev/null", "0", "0")));
      }
      var journal = new Journal();
      var told = new ConcurrentLinkedQueue<CompletableFuture<Void>>();
      List<RunningCall> cancelled = new ArrayList<>();
      for (int i = 0; i < 4_000; i++) {
        String id = Integer.toString(i);
        boolean cancels = i % 3 == 0;
        journal.asked(id, "n" + id, 1, failure -> cancels && failure instanceof Cancelled);
        RunningCall call =
            tested.pool().call(Call.of("targets:journal", file.toString(), id, "n" + id));
        var done = new CompletableFuture<Void>();
        told.add(done);
        call.whenComplete(
            (reply, failure) -> {
              journal.told(id, reply, failure);
              done.complete(null);
            });
        if (cancels) {
          cancelled.add(call);
        }
        if (i % 64 == 63) {
          cancelled.forEach(RunningCall::cancel);
          cancelled.clear();
          get(done);
        }
      }
      cancelled.forEach(RunningCall::cancel);
      told.forEach(TestPool::get);

      assertThat(journal.violations(Files.readAllLines(file))).isEmpty();
      assertThat(tested.eventsOf(PoolEvent.WorkerGone.class)).isEmpty();
      assertThat(failureOf(tested.pool().call(Call.of("targets:exit_now", 1)))).isNotNull();
    }
  }
}
