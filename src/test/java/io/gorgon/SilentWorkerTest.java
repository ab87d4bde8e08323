package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A process that is stopped between two calls has no call whose deadline would end it: it must cost
 * one call its deadline, and not the pool a worker for ever. The storm of the scoreboard found it.
 */
@NeedsLayer(Layer.BRIDGE_MOCK)
class SilentWorkerTest {

  @TempDir Path directory;

  private Call faulty(String fault) {
    return Call.of(
        "journaled:call", directory.resolve("journal").toString(), "1", "n:fault:" + fault);
  }

  private static TestPool start() {
    return TestPool.start("min-workers = 1, max-workers = 1, entry = \"storm_worker:main\"")
        .awaitReady(1);
  }

  private static void assertIsReplaced(TestPool pool, Call lost) {
    var late =
        (DeadlineExceeded) failureOf(pool.pool().call(lost.withTimeout(Duration.ofMillis(300))));

    assertThat(late.phase()).isEqualTo(DeadlineExceeded.Phase.QUEUED);
    assertThat(get(pool.pool().call(Call.of("targets:add", 1, 2))).as(Integer.class)).isEqualTo(3);
    assertThat(pool.eventsOf(PoolEvent.WorkerGone.class)).hasSize(1);
  }

  @Test
  void row35c_oneThatIsStoppedBeforeItStartsItsCallIsReplaced() {
    try (var pool = start()) {
      assertIsReplaced(pool, faulty("stop-after-header"));
    }
  }

  @Test
  void row35d_oneThatIsStoppedAfterItsAnswerIsReplaced() {
    try (var pool = start()) {
      get(pool.pool().call(faulty("stop-after-reply")));

      assertIsReplaced(pool, Call.of("targets:echo", 1));
    }
  }
}
