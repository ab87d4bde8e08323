package io.gorgon.dspy;

import static io.gorgon.testkit.FakeLanguageModel.fields;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.typesafe.config.ConfigFactory;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import io.gorgon.testkit.FakeLanguageModel;
import io.gorgon.testkit.ModelAnswer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Programs in a durable store, and JVMs that are killed in the middle of an optimization and of an
 * execution: what was answered is there in the next one, and nothing of what was not.
 */
@NeedsLayer(Layer.FULL_INTEGRATION)
class ProgramsInTheNextJvmTest {

  private static final String USER = "user-42";

  private static FakeLanguageModel model;
  @TempDir private Path directory;

  @BeforeAll
  static void start() {
    var never = new CompletableFuture<Void>();
    model =
        FakeLanguageModel.start(
            asked -> {
              ModelAnswer answer = ModelAnswer.text(fields("answer", "42.5"));
              return asked.last().contains("hang") ? answer.behind(never) : answer;
            });
  }

  @AfterAll
  static void stop() {
    model.close();
  }

  /** What each of the JVMs does, until it is killed. */
  enum Life {
    OPTIMIZED {
      @Override
      void live(Programs global, Programs session) {
        session.configure(LanguageModel.of("openai/gpt-4o-mini").withBaseUrl(url()).withRetries(0));
        for (Programs programs : List.of(global, session)) {
          programs.create("qa", qa()).join();
          programs.optimize("qa", Optimizer.labeledFewShot(1), examples("one?"), LONG).join();
          programs.execute("qa", Map.of("question", "two?")).join();
          programs.execute("qa", Map.of("question", "three?")).join();
        }
        say(global, session);
        session
            .optimize(
                "qa",
                Optimizer.bootstrapFewShot(new Metric.Exact("answer")),
                examples("hang in an optimization"),
                LONG)
            .join();
      }
    },
    EXECUTED {
      @Override
      void live(Programs global, Programs session) {
        say(global, session);
        session.execute("qa", Map.of("question", "hang in an execution")).join();
      }
    },
    SAVED {
      @Override
      void live(Programs global, Programs session) {
        say(global, session);
        session.execute("qa", Map.of("question", "four?")).join();
        global.execute("qa", Map.of("question", "five?")).join();
        session.load("copy", qa(), session.save("qa").join()).join();
        say(global, session);
        Runtime.getRuntime().halt(0);
      }
    };

    private static final Duration LONG = Duration.ofMinutes(1);

    abstract void live(Programs global, Programs session);

    static String url() {
      return System.getProperty("model.url");
    }

    private static Program qa() {
      return Program.predict("question -> answer: float");
    }

    private static List<Example> examples(String question) {
      return List.of(new Example(Map.of("question", question), Map.of("answer", 42.5)));
    }

    private static void say(Programs global, Programs session) {
      System.out.println("global " + told(global));
      System.out.println(
          "session " + told(session) + " history " + session.history().join().size());
    }

    private static String told(Programs programs) {
      return programs.list().join().programs().stream()
          .map(
              each ->
                  each.name()
                      + " demos "
                      + each.demos()
                      + " by "
                      + each.optimizer().orElse("nobody")
                      + " executions "
                      + each.statistics().executions()
                      + " tokens "
                      + each.statistics().tokens())
          .toList()
          .toString();
    }
  }

  /** The JVM of one life. */
  static final class Victim {
    public static void main(String[] arguments) {
      ActorSystem<?> system =
          ActorSystem.create(
              Behaviors.empty(),
              "programs",
              ConfigFactory.parseString(
                      "gorgon.session-store { create-schema = on, url = \"jdbc:h2:file:"
                          + arguments[0]
                          + ";WRITE_DELAY=0\" }")
                  .withFallback(ConfigFactory.load()));
      TestPool pool = TestPool.startIn(system, ProgramsTest.SETTINGS, "session.store = durable");
      LanguageModel model =
          LanguageModel.of("openai/gpt-4o-mini").withBaseUrl(Life.url()).withRetries(0);
      Programs global = Programs.on(pool.pool()).withHistory(5);
      Life.valueOf(arguments[1]).live(global.with(model), global.session(USER));
    }
  }

  private Process victim(Life life) throws IOException {
    var builder =
        new ProcessBuilder(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                "-Dmodel.url=" + model.url(),
                "-cp",
                System.getProperty("java.class.path"),
                Victim.class.getName(),
                directory.resolve("programs").toString(),
                life.name()));
    builder.environment().put("OPENAI_API_KEY", "sk-test");
    return builder.redirectError(directory.resolve(life + ".err").toFile()).start();
  }

  /** Its first words, and its end in the middle of what the model does not answer. */
  private List<String> killed(Life life, String asked) throws IOException, InterruptedException {
    Process jvm = victim(life);
    try (BufferedReader lines = lines(jvm)) {
      List<String> said = said(lines);
      await()
          .atMost(30, TimeUnit.SECONDS)
          .until(() -> model.asked().stream().anyMatch(each -> each.last().contains(asked)));
      return said;
    } finally {
      jvm.destroyForcibly().waitFor();
    }
  }

  private static BufferedReader lines(Process jvm) {
    return new BufferedReader(new InputStreamReader(jvm.getInputStream(), StandardCharsets.UTF_8));
  }

  private static List<String> said(BufferedReader lines) {
    return lines
        .lines()
        .filter(line -> line.startsWith("global ") || line.startsWith("session "))
        .limit(2)
        .toList();
  }

  @Test
  @Timeout(value = 3, unit = TimeUnit.MINUTES)
  void row45_killedJvmsLoseNoProgramAndKeepNothingOfWhatWasNotAnswered() throws Exception {
    String kept = "session [qa demos 1 by LabeledFewShot executions 2 tokens 36] history 2";

    assertThat(killed(Life.OPTIMIZED, "hang in an optimization"))
        .containsExactly("global [qa demos 1 by LabeledFewShot executions 2 tokens 36]", kept);
    // Global programs are kept too; what they have cost is counted by each JVM.
    assertThat(killed(Life.EXECUTED, "hang in an execution"))
        .containsExactly("global [qa demos 1 by LabeledFewShot executions 0 tokens 0]", kept);

    Process jvm = victim(Life.SAVED);
    try (BufferedReader lines = lines(jvm)) {
      assertThat(said(lines))
          .containsExactly("global [qa demos 1 by LabeledFewShot executions 0 tokens 0]", kept);
      assertThat(said(lines))
          .containsExactly(
              "global [qa demos 1 by LabeledFewShot executions 1 tokens 18]",
              "session [copy demos 1 by nobody executions 0 tokens 0, "
                  + "qa demos 1 by LabeledFewShot executions 3 tokens 54] history 3");
    } finally {
      jvm.destroyForcibly().waitFor();
    }
    assertThat(model.asked().stream().filter(each -> each.last().contains("four?")))
        .singleElement()
        .satisfies(each -> assertThat(each.all()).as("with its demo").contains("one?"));
  }
}
