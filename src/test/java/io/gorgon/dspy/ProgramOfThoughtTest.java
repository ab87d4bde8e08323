package io.gorgon.dspy;

import static io.gorgon.proving.TestPool.get;
import static io.gorgon.testkit.FakeLanguageModel.fields;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.gorgon.dspy.ProgramFailure.NotInstalled;
import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import io.gorgon.testkit.FakeLanguageModel;
import io.gorgon.testkit.ModelAnswer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.pekko.stream.javadsl.Sink;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Programs whose model writes code: it is run by real Deno, or refused where that is not there. */
@NeedsLayer(Layer.FULL_INTEGRATION)
class ProgramOfThoughtTest {

  private static final Program SUM =
      Program.programOfThought(Signature.of("question -> answer: int"));

  private static String code(String reasoning, String lines) {
    return fields("reasoning", reasoning, "generated_code", "```python\n" + lines + "\n```");
  }

  @Test
  void withoutDenoItSaysWhatToInstall() {
    try (TestPool pool =
        TestPool.start(
            ProgramsTest.SETTINGS, "imports = [without_deno], environment { PATH = /nowhere }")) {
      NotInstalled missing =
          catchThrowableOfType(
              NotInstalled.class, () -> Programs.on(pool.pool()).create("sum", SUM).join());

      assertThat(missing.what()).contains("Deno");
      assertThat(missing.remedy()).contains("dspy[deno]");
    }
  }

  @Nested
  class OnDeno {

    private static TestPool pool;
    private static FakeLanguageModel model;
    private static String problem;
    private Programs global;

    @BeforeAll
    static void start() {
      model = FakeLanguageModel.saying(fields("reasoning", "it ran", "answer", "42"));
      pool =
          TestPool.start(
              ProgramsTest.SETTINGS,
              "min-workers = 1, max-workers = 1, environment { DENO_DIR = \""
                  + Path.of("target", "deno").toAbsolutePath()
                  + "\" }");
      problem =
          pool.pool()
              .call(Call.of("dspy_deno:prepare").withTimeout(Duration.ofMinutes(2)))
              .handle((reply, late) -> late == null ? reply.as(String.class) : late.toString())
              .toCompletableFuture()
              .join();
    }

    @AfterAll
    static void stop() {
      pool.close();
      model.close();
    }

    @BeforeEach
    void clean() {
      assumeTrue(problem.isEmpty(), "Deno with Pyodide does not run here: " + problem);
      global = Programs.on(pool.pool()).with(ProgramsTest.fake(model));
      global.cleanup().join();
    }

    private static String asked(int fromTheEnd) {
      return model.asked().get(model.asked().size() - fromTheEnd).all();
    }

    @Test
    void itRunsTheCodeAndShowsTheModelWhatCameOutOfIt() {
      global.create("sum", SUM).join();
      model.next(
          ModelAnswer.text(code("divide", "SUBMIT(1 / 0)")),
          ModelAnswer.text(code("sum up", "SUBMIT({'answer': sum(range(10)) - 3})")));

      Prediction made = global.execute("sum", Map.of("question", "?")).join();

      assertThat(made.as("answer", Integer.class)).isEqualTo(42);
      assertThat(made.usage().get("openai/gpt-4o-mini").calls()).isEqualTo(3);
      assertThat(asked(2)).contains("ZeroDivisionError");
      assertThat(asked(1)).contains("sum(range(10)) - 3").contains("answer\\\": 42");
    }

    @Test
    void itStreamsLikeAnyOther() {
      global.create("sum", SUM).join();
      model.next(ModelAnswer.text(code("sum up", "SUBMIT({'answer': 42})")));

      List<Piece> pieces =
          get(global.stream("sum", Map.of("question", "?")).runWith(Sink.seq(), pool.system()));

      assertThat(((Piece.Done) pieces.get(pieces.size() - 1)).prediction().text("answer"))
          .isEqualTo("42");
    }

    @Test
    void codeWithoutAnEndEndsWithItsCallAndLeavesNoProcess() {
      global.create("sum", SUM).join();
      model.next(ModelAnswer.text(code("for ever", "while True:\n    pass")));

      Running<Prediction> running =
          global.withTimeout(Duration.ofSeconds(12)).execute("sum", Map.of("question", "?"));
      await().atMost(Duration.ofSeconds(12)).until(() -> !denos().isEmpty());
      List<ProcessHandle> denos = denos();

      assertThat(catchThrowableOfType(DeadlineExceeded.class, running::join)).isNotNull();
      await().until(() -> denos.stream().noneMatch(ProcessHandle::isAlive));
      model.next(ModelAnswer.text(code("sum up", "SUBMIT({'answer': 42})")));
      assertThat(global.execute("sum", Map.of("question", "?")).join().text("answer"))
          .isEqualTo("42");
    }

    private static List<ProcessHandle> denos() {
      long worker = pool.stats().workers().get(0).pid();
      return ProcessHandle.of(worker).stream()
          .flatMap(ProcessHandle::descendants)
          .filter(each -> each.info().command().orElse("").endsWith("deno"))
          .toList();
    }
  }
}
