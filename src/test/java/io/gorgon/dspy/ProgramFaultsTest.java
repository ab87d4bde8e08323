package io.gorgon.dspy;

import static io.gorgon.proving.TestPool.get;
import static io.gorgon.testkit.FakeLanguageModel.fields;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.message.PythonFailure.WorkerLost;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import io.gorgon.testkit.FakeLanguageModel;
import io.gorgon.testkit.ModelAnswer;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.apache.pekko.stream.javadsl.Sink;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Workers that die or are replaced while they work on programs: nothing is lost, or half done. */
@NeedsLayer(Layer.FULL_INTEGRATION)
class ProgramFaultsTest {

  private static final Duration LONG = Duration.ofSeconds(60);

  private static FakeLanguageModel model;

  @BeforeAll
  static void start() {
    var never = new CompletableFuture<Void>();
    model =
        FakeLanguageModel.start(
            asked -> {
              ModelAnswer answer = ModelAnswer.text(fields("answer", "yes"));
              return asked.last().contains("hang") ? answer.behind(never, 20) : answer;
            });
  }

  @AfterAll
  static void stop() {
    model.close();
  }

  private static TestPool one(String... more) {
    return TestPool.start(
        ProgramsTest.SETTINGS, "min-workers = 1, max-workers = 1", String.join("\n", more));
  }

  private static Programs made(TestPool pool, String key) {
    Programs programs =
        Programs.on(pool.pool()).with(ProgramsTest.fake(model)).withHistory(5).session(key);
    programs.create("qa", Program.predict("question -> answer")).join();
    programs.execute("qa", Map.of("question", "first?")).join();
    return programs;
  }

  private static void kill(TestPool pool) {
    int gone = pool.eventsOf(PoolEvent.WorkerGone.class).size();
    long worker = pool.stats().workers().get(0).pid();
    ProcessHandle.of(worker).ifPresent(ProcessHandle::destroyForcibly);
    pool.awaitEvents(PoolEvent.WorkerGone.class, gone + 1);
  }

  private static void awaitAsked(int before) {
    await()
        .until(
            () ->
                model.asked().subList(before, model.asked().size()).stream()
                    .anyMatch(each -> each.last().contains("hang")));
  }

  private static List<Example> examples() {
    return IntStream.range(0, 8)
        .mapToObj(i -> i == 3 ? "hang" : "q" + i)
        .map(question -> new Example(Map.of("question", question), Map.of("answer", "yes")))
        .toList();
  }

  private static void assertAsItWas(Programs programs, int executions) {
    ProgramDescription found = programs.describe("qa").join();
    assertThat(found.statistics().executions()).isEqualTo(executions);
    assertThat(found.statistics().tokens()).isEqualTo(18L * executions);
    assertThat(found.demos()).isZero();
    assertThat(found.optimizer()).isEmpty();
    assertThat(programs.history().join()).hasSize(executions);
    assertThat(programs.list().join().names()).containsExactly("qa");
  }

  @ParameterizedTest
  @ValueSource(strings = {Programs.GLOBAL, "execution"})
  void row45_aWorkerKilledWhileItWaitsForItsModelLeavesNothingHalfDone(String key) {
    try (TestPool pool = one()) {
      Programs programs = made(pool, key);
      int before = model.asked().size();

      Running<Prediction> running = programs.execute("qa", Map.of("question", "hang"));
      Running<ProgramDescription> behind = programs.describe("qa");
      awaitAsked(before);
      kill(pool);

      WorkerLost lost = catchThrowableOfType(WorkerLost.class, running::join);
      assertThat(lost.started()).isTrue();
      assertThat(behind.join().statistics().executions()).isEqualTo(1);
      assertAsItWas(programs, 1);
      assertThat(programs.execute("qa", Map.of("question", "next?")).join().text("answer"))
          .isEqualTo("yes");
      assertAsItWas(programs, 2);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {Programs.GLOBAL, "stream"})
  void row45_aWorkerKilledInAStreamFailsItAndLeavesNothingHalfDone(String key) {
    try (TestPool pool = one()) {
      Programs programs = made(pool, key);
      int before = model.asked().size();
      model.nextOf(
          asked ->
              ModelAnswer.text(fields("answer", "x".repeat(500)))
                  .behind(new CompletableFuture<Void>(), 20));

      var stream =
          programs.stream("qa", Map.of("question", "hang"))
              .runWith(Sink.seq(), pool.system())
              .toCompletableFuture();
      awaitAsked(before);
      kill(pool);

      assertThat(catchThrowableOfType(WorkerLost.class, () -> get(stream))).isNotNull();
      assertAsItWas(programs, 1);
    }
  }

  @ParameterizedTest
  @CsvSource({
    Programs.GLOBAL + ", true",
    Programs.GLOBAL + ", false",
    "optimization, true",
    "optimization, false"
  })
  void anOptimizationThatIsKilledOrCancelledLeavesTheProgramAsItWas(String key, boolean killed) {
    try (TestPool pool = one()) {
      Programs programs = made(pool, key);
      int before = model.asked().size();
      Optimizer optimizer =
          Optimizer.bootstrapFewShot(new Metric.Exact("answer"))
              .with("max_bootstrapped_demos", 8)
              .with("max_labeled_demos", 0);

      Running<Optimized> running = programs.optimize("qa", optimizer, examples(), LONG);
      awaitAsked(before);
      if (killed) {
        kill(pool);
        assertThat(catchThrowableOfType(WorkerLost.class, running::join)).isNotNull();
      } else {
        assertThat(running.cancel()).isTrue();
        assertThat(catchThrowableOfType(Cancelled.class, running::join)).isNotNull();
      }

      assertAsItWas(programs, 1);
      Running<Optimized> again = programs.optimize("qa", optimizer, examples().subList(0, 2), LONG);
      assertThat(again.join().demos()).isEqualTo(2);
      assertThat(programs.describe("qa").join().demos()).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {Programs.GLOBAL, "recycled"})
  void row45_workersThatAreReplacedAfterEachCallLoseNoProgram(String key) {
    try (TestPool pool = one("recycle { max-calls = 1, jitter = 0 }")) {
      Programs programs = made(pool, key);
      String saved = programs.save("qa").join();
      programs.delete("qa").join();
      programs.load("qa", Program.predict("question -> answer"), saved).join();
      programs
          .optimize(
              "qa",
              Optimizer.labeledFewShot(1),
              List.of(new Example(Map.of("question", "one?"), Map.of("answer", "yes"))),
              LONG)
          .join();
      Set<String> workers = new HashSet<>();
      for (int i = 1; i <= 4; i++) {
        workers.add(programs.execute("qa", Map.of("question", "again?")).join().worker());
        assertThat(programs.statistics("qa").join().executions()).isEqualTo(i);
      }

      assertThat(workers).hasSize(4);
      assertThat(programs.describe("qa").join().demos()).isEqualTo(1);
      assertThat(model.asked().get(model.asked().size() - 1).all()).contains("one?");
    }
  }
}
