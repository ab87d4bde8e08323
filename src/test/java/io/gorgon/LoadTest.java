package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.proving.Journal;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import io.gorgon.scoreboard.CallLoad;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What operators do to a pool while many callers keep it busy, and callers who change their mind.
 */
@NeedsLayer(Layer.BRIDGE_MOCK)
class LoadTest {

  @TempDir Path directory;

  private Path file;

  @BeforeEach
  void makeTheJournal() throws IOException {
    file = Files.createFile(directory.resolve("journal"));
  }

  @Test
  void row17_fiveRollingResetsUnderLoadFailNoCallAndKeepTheCapacity() {
    CallLoad.Resets resets = CallLoad.resets(5);

    assertThat(resets.violations()).isEmpty();
    assertThat(resets.calls()).isGreaterThan(200);
    assertThat(resets.unplanned()).isZero();
    assertThat(resets.fewestReady()).isGreaterThanOrEqualTo(CallLoad.Resets.TARGET - 1);
  }

  @Test
  void row16_aDrainUnderLoadAnswersEverybodyAndLosesNothingThatItTook() {
    CallLoad.Drain drain = CallLoad.drain(Duration.ofSeconds(5));

    assertThat(drain.violations()).isEmpty();
    assertThat(drain.startedAndLost()).isZero();
    assertThat(drain.seconds()).isLessThan(7);
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
