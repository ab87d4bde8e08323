package io.gorgon.dspy;

import static io.gorgon.testkit.FakeLanguageModel.fields;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.gorgon.dspy.ProgramFailure.LanguageModelFailed;
import io.gorgon.message.PoolEvent;
import io.gorgon.pool.PoolStats;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import io.gorgon.testkit.FakeLanguageModel;
import io.gorgon.testkit.ModelAnswer;
import io.gorgon.testkit.ModelRequest;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** The language model that a pool's settings name: who uses it, who goes before it, and its key. */
@NeedsLayer(Layer.FULL_INTEGRATION)
class PoolLanguageModelTest {

  private static final String KEY = "sk-of-the-pool";

  private static FakeLanguageModel model;

  @BeforeAll
  static void start() {
    model = FakeLanguageModel.start(any -> ModelAnswer.text(fields("answer", "yes")));
  }

  @AfterAll
  static void stop() {
    model.close();
  }

  private static TestPool pool(String... more) {
    return TestPool.start(
        ProgramsTest.SETTINGS,
        "environment { POOL_KEY = " + KEY + " }",
        "language-model { model = openai/of-the-pool, retries = 0, options.temperature = 0.25,"
            + " base-url = \""
            + model.url()
            + "\" }",
        String.join("\n", more));
  }

  private static ModelRequest execute(Programs programs) {
    Program program = Program.predict("question -> answer");
    assertThat(programs.execute(program, Map.of("question", "?")).join().text("answer"))
        .isEqualTo("yes");
    return model.asked().get(model.asked().size() - 1);
  }

  private static String named(ModelRequest asked) {
    return asked.body().path("model").asText();
  }

  @Test
  void everyWorkerUsesItThoseTooThatReplaceOthers() {
    try (TestPool pool = pool("language-model.key-env = POOL_KEY").awaitReady(2)) {
      Programs programs = Programs.on(pool.pool());
      programs.create("qa", Program.predict("question -> answer")).join();
      for (int i = 0; i < 3; i++) {
        for (Programs each : List.of(programs, programs.session("s"))) {
          ModelRequest asked = execute(each);
          assertThat(named(asked)).isEqualTo("of-the-pool");
          assertThat(asked.body().path("temperature").asDouble()).isEqualTo(0.25);
          assertThat(asked.authorization()).isEqualTo("Bearer " + KEY);
        }
        List<PoolStats.WorkerStats> workers = pool.stats().workers();
        int gone = pool.eventsOf(PoolEvent.WorkerGone.class).size();
        workers.forEach(
            each -> ProcessHandle.of(each.pid()).ifPresent(ProcessHandle::destroyForcibly));
        pool.awaitEvents(PoolEvent.WorkerGone.class, gone + workers.size());
      }
    }
  }

  @Test
  void theOneThatIsGivenGoesBeforeAndThatOfASessionBeforeBoth() {
    try (TestPool pool = pool("language-model.key-env = POOL_KEY")) {
      Programs usual = Programs.on(pool.pool());
      Programs given =
          usual.with(ProgramsTest.fake(model).with("max_tokens", 9)).session("configured");
      assertThat(named(execute(given))).isEqualTo("gpt-4o-mini");

      given.create("qa", Program.predict("question -> answer")).join();
      given
          .configure(
              LanguageModel.of("openai/own")
                  .withBaseUrl(model.url())
                  .withKeyFromEnvironment("TEST_KEY"))
          .join();
      given.execute("qa", Map.of("question", "?")).join();
      assertThat(named(model.asked().get(model.asked().size() - 1))).isEqualTo("own");

      usual.session("configured").unconfigure().join();
      usual.session("configured").execute("qa", Map.of("question", "?")).join();
      assertThat(named(model.asked().get(model.asked().size() - 1))).isEqualTo("of-the-pool");
    }
  }

  @Test
  void itsKeyMayBeASecretAndIsSaidNowhere() {
    Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    Level before = root.getLevel();
    var log = new ListAppender<ILoggingEvent>();
    log.start();
    root.addAppender(log);
    root.setLevel(Level.DEBUG);
    try (TestPool pool =
        pool("language-model.key-secret = vault", "log.level = DEBUG").awaitReady(1)) {
      Programs programs =
          Programs.on(pool.pool()).withSecrets(name -> name.equals("vault") ? KEY : null);
      assertThat(execute(programs).authorization()).isEqualTo("Bearer " + KEY);
      model.next(ModelAnswer.error(401, "you said " + KEY));
      LanguageModelFailed failed =
          catchThrowableOfType(
              LanguageModelFailed.class,
              () ->
                  programs
                      .execute(Program.predict("question -> answer"), Map.of("question", "?"))
                      .join());

      assertThat(failed).hasMessageContaining("you said ***");
      assertThat(pool.pool().settings().languageModel().toString())
          .contains("vault")
          .doesNotContain(KEY);
      assertThat(programs + " " + pool.stats() + " " + pool.pool()).doesNotContain(KEY);
    } finally {
      root.setLevel(before);
      root.detachAppender(log);
    }
    assertThat(log.list).isNotEmpty().noneMatch(each -> each.getFormattedMessage().contains(KEY));
  }

  @Test
  void aKeyThatIsNotThereIsNamedByItsVariable() {
    try (TestPool pool = pool("language-model.key-env = NO_SUCH_VARIABLE")) {
      LanguageModelFailed failed =
          catchThrowableOfType(LanguageModelFailed.class, () -> execute(Programs.on(pool.pool())));

      assertThat(failed.kind()).isEqualTo(LanguageModelFailed.Kind.MISCONFIGURED);
      assertThat(failed).hasMessageContaining("NO_SUCH_VARIABLE");
    }
  }
}
