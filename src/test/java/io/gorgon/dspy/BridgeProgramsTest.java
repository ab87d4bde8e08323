package io.gorgon.dspy;

import static io.gorgon.proving.TestPool.get;
import static io.gorgon.testkit.FakeLanguageModel.fields;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import io.gorgon.message.PythonFailure.Overloaded;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import io.gorgon.testkit.FakeLanguageModel;
import io.gorgon.testkit.ModelAnswer;
import io.gorgon.tool.Tools;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.Source;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every command on programs, on one worker without a line. */
@NeedsLayer(Layer.FULL_INTEGRATION)
class BridgeProgramsTest {

  private static final Duration LONG = Duration.ofSeconds(60);

  private static FakeLanguageModel model;

  @BeforeAll
  static void start() {
    model = FakeLanguageModel.start(any -> ModelAnswer.text(fields("answer", "yes")));
  }

  @AfterAll
  static void stop() {
    model.close();
  }

  private static TestPool bridge(String... more) {
    return TestPool.start(ProgramsTest.SETTINGS, "mode = bridge", String.join("\n", more))
        .awaitReady(1);
  }

  private static List<Example> examples(int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> new Example(Map.of("question", "q" + i), Map.of("answer", "yes")))
        .toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {Programs.GLOBAL, "session"})
  void everyCommandWorksOnOneWorker(String key) {
    try (TestPool bridge = bridge()) {
      Programs programs =
          Programs.on(bridge.pool()).with(ProgramsTest.fake(model)).withHistory(3).session(key);
      Map<String, String> inputs = Map.of("question", "?");
      assertThat(programs.ping().join().dspy()).isEqualTo("3.4.1");
      assertThat(programs.create("qa", Program.predict("question -> answer")).join().name())
          .isEqualTo("qa");
      assertThat(programs.execute("qa", inputs).join().text("answer")).isEqualTo("yes");
      assertThat(
              programs.execute(Program.predict("question -> answer"), inputs).join().text("answer"))
          .isEqualTo("yes");
      List<Piece> pieces = get(programs.stream("qa", inputs).runWith(Sink.seq(), bridge.system()));
      assertThat(pieces.get(pieces.size() - 1)).isInstanceOf(Piece.Done.class);
      assertThat(programs.statistics("qa").join().executions()).isEqualTo(2);
      assertThat(get(programs.stats()).executions()).isEqualTo(2);
      assertThat(programs.history().join()).hasSize(2);
      Optimizer optimizer =
          Optimizer.bootstrapFewShot(new Metric.Exact("answer")).with("max_labeled_demos", 0);
      assertThat(programs.optimize("qa", optimizer, examples(2), LONG).join().demos()).isEqualTo(2);
      assertThat(programs.describe("qa").join().demos()).isEqualTo(2);
      assertThat(
              get(
                  programs
                      .evaluate("qa", Source.from(examples(5)), new Metric.Exact("answer"))
                      .runWith(Evaluation.sink(), bridge.system())))
          .isEqualTo(new Evaluation(5, 0, 1, 5 * 18));
      programs
          .load("copy", Program.predict("question -> answer"), programs.save("qa").join())
          .join();
      assertThat(programs.list().join().names()).containsExactly("copy", "qa");
      programs.configure(ProgramsTest.fake(model)).join();
      assertThat(programs.execute("qa", inputs).join().text("answer")).isEqualTo("yes");
      programs.unconfigure().join();
      assertThat(programs.reset("qa").join().demos()).isZero();
      programs.delete("qa").join();
      assertThat(programs.cleanup().join()).isEqualTo(1);
      assertThat(programs.list().join().totalCount()).isZero();
    }
  }

  @Test
  void aProgramThatActsUsesJavaToolsInABridge() {
    try (TestPool bridge = bridge()) {
      Programs programs =
          Programs.on(bridge.pool())
              .with(ProgramsTest.fake(model))
              .with(Tools.NONE.with("weather", call -> "sunny"));
      ProgramTool weather = ProgramTool.of("weather", "tells the weather");
      programs.create("agent", Program.react("question -> answer", weather)).join();
      model.next(
          ModelAnswer.text(
              fields("next_thought", "look", "next_tool_name", "weather", "next_tool_args", "{}")),
          ModelAnswer.text(
              fields("next_thought", "done", "next_tool_name", "finish", "next_tool_args", "{}")),
          ModelAnswer.text(fields("reasoning", "seen", "answer", "sunny")));

      assertThat(programs.execute("agent", Map.of("question", "?")).join().text("trajectory"))
          .contains("sunny");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {Programs.GLOBAL, "busy"})
  void aCommandThatFindsTheWorkerBusyIsRefusedAtOnce(String key) {
    try (TestPool bridge = bridge()) {
      Programs programs = Programs.on(bridge.pool()).with(ProgramsTest.fake(model)).session(key);
      programs.create("qa", Program.predict("question -> answer")).join();
      var open = new CompletableFuture<Void>();
      int before = model.asked().size();
      model.next(ModelAnswer.text(fields("answer", "late")).behind(open));

      Running<Prediction> first = programs.execute("qa", Map.of("question", "?"));
      await().until(() -> model.asked().size() > before);
      Running<Prediction> second = programs.execute("qa", Map.of("question", "?"));

      assertThat(catchThrowableOfType(Overloaded.class, second::join)).isNotNull();
      assertThat(catchThrowableOfType(Overloaded.class, () -> programs.ping().join())).isNotNull();
      assertThat(first).isNotDone();
      open.complete(null);
      assertThat(first.join().text("answer")).isEqualTo("late");
      assertThat(programs.execute("qa", Map.of("question", "?")).join().text("answer"))
          .isEqualTo("yes");
    }
  }

  @Test
  void keepingAProgramAliveDoesNotStandInItsOwnWay() {
    Duration ttl = Duration.ofSeconds(1);
    try (TestPool bridge = bridge("session { ttl = 1s, sweep = 100ms }")) {
      Programs programs = Programs.on(bridge.pool()).with(ProgramsTest.fake(model));
      programs.create("qa", Program.predict("question -> answer")).join();
      long end = System.nanoTime() + ttl.multipliedBy(3).toNanos();
      while (System.nanoTime() < end) {
        programs.execute("qa", Map.of("question", "?")).join();
      }

      assertThat(programs.list().join().names()).containsExactly("qa");
    }
  }
}
