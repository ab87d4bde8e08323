package io.gorgon.dspy;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure.WorkerLost;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import io.gorgon.testkit.FakeLanguageModel;
import io.gorgon.testkit.ModelAnswer;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What {@code preload = [dspy]} gives. */
@NeedsLayer(Layer.FULL_INTEGRATION)
class PreloadedDspyTest {

  private static final int CRASHES = 9;
  private static final Duration MOST = Duration.ofMillis(100);

  /** How long from a worker's death until its successor is ready, sorted. */
  private static long[] milliseconds(TestPool pool) {
    long[] times = new long[CRASHES];
    for (int i = 0; i < CRASHES; i++) {
      int ready = pool.eventsOf(PoolEvent.WorkerReady.class).size();
      long began = System.nanoTime();
      assertThat(TestPool.failureOf(pool.pool().call(Call.of("os:_exit", 1))))
          .isInstanceOf(WorkerLost.class);
      pool.awaitEvents(PoolEvent.WorkerReady.class, ready + 1);
      times[i] = Duration.ofNanos(System.nanoTime() - began).toMillis();
    }
    Arrays.sort(times);
    return times;
  }

  @Test
  void aCrashedWorkerIsReadyAgainWithin100MillisecondsAndAFreshOneIsNot() {
    String one = "min-workers = 1, max-workers = 1, timeouts.start = 120s, restart.budget = 100";
    long[] preloaded;
    long[] fresh;
    try (TestPool pool =
        TestPool.start(one, "preload = [dspy]").awaitReady(1, MOST.multipliedBy(600))) {
      preloaded = milliseconds(pool);
    }
    try (TestPool pool =
        TestPool.start(one, "imports = [dspy], start-method = fresh")
            .awaitReady(1, MOST.multipliedBy(600))) {
      fresh = milliseconds(pool);
    }
    System.out.printf(
        "[figures] crashed worker with DSPy ready again: preloaded median %d ms (%d to %d),"
            + " fresh median %d ms (%d to %d)%n",
        preloaded[CRASHES / 2],
        preloaded[0],
        preloaded[CRASHES - 1],
        fresh[CRASHES / 2],
        fresh[0],
        fresh[CRASHES - 1]);

    assertThat(preloaded[0]).isLessThanOrEqualTo(MOST.toMillis());
    assertThat(preloaded[CRASHES / 2]).isLessThan(fresh[CRASHES / 2] / 3);
  }

  /**
   * A template in which the import left threads would have been refused: see the pool's warning.
   */
  @Test
  void theImportLeavesNoThreadsSoThatItsWorkersAreForkedAndTheyCanReachTheModel() {
    try (FakeLanguageModel model =
            FakeLanguageModel.start(
                any -> ModelAnswer.text(FakeLanguageModel.fields("answer", "1")));
        TestPool pool =
            TestPool.start(ProgramsTest.SETTINGS).awaitReady(2, MOST.multipliedBy(600))) {
      Programs programs = Programs.on(pool.pool()).with(ProgramsTest.fake(model));

      long parent = TestPool.get(pool.pool().call(Call.of("os:getppid"))).as(Long.class);
      Prediction answer =
          programs
              .execute(Program.predict("question -> answer: int"), Map.of("question", "?"))
              .join();

      assertThat(
              ProcessHandle.of(parent)
                  .orElseThrow()
                  .children()
                  .flatMap(child -> child.info().arguments().stream())
                  .filter(arguments -> Arrays.asList(arguments).contains("worker")))
          .as("fresh interpreters")
          .isEmpty();
      assertThat(answer.as("answer", Integer.class)).isEqualTo(1);
    }
  }
}
