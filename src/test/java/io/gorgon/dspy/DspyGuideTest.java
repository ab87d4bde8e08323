package io.gorgon.dspy;

import static io.gorgon.proving.TestPool.get;
import static io.gorgon.testkit.FakeLanguageModel.fields;
import static org.assertj.core.api.Assertions.assertThat;

import com.typesafe.config.ConfigFactory;
import io.gorgon.PythonPool;
import io.gorgon.message.Progress;
import io.gorgon.pool.PoolSettings;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import io.gorgon.testkit.FakeLanguageModel;
import io.gorgon.testkit.ModelAnswer;
import io.gorgon.tool.Tools;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.pekko.NotUsed;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.stream.javadsl.Keep;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.Source;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The snippets of the page on DSPy, run on it. Each stands there as it stands here, between the two
 * marks; the last test compares them.
 */
@NeedsLayer(Layer.FULL_INTEGRATION)
class DspyGuideTest {

  private static final Path PAGE = Path.of("src/site/markdown/dspy.md");
  private static final Path HERE = Path.of("src/test/java/io/gorgon/dspy/DspyGuideTest.java");

  private static TestPool shared;
  private static FakeLanguageModel server;
  private static PythonPool pool;
  private static ActorSystem<?> system;
  private Programs programs;

  @BeforeAll
  static void start() {
    server = FakeLanguageModel.start(any -> ModelAnswer.text(fields("answer", "42")));
    shared = TestPool.start(ProgramsTest.SETTINGS);
    pool = shared.pool();
    system = shared.system();
  }

  @AfterAll
  static void stop() {
    shared.close();
    server.close();
  }

  @BeforeEach
  void clean() {
    programs = Programs.on(pool).with(ProgramsTest.fake(server));
    programs.cleanup().join();
  }

  @Test
  void hello() {
    String url = server.url();
    // snippet: hello
    Programs programs =
        Programs.on(pool)
            .with(
                LanguageModel.of("openai/gpt-4o-mini")
                    .withBaseUrl(url)
                    .withKeyFromEnvironment("TEST_KEY"));
    programs.create("qa", Program.predict("question -> answer: float")).join();
    Prediction made = programs.execute("qa", Map.of("question", "What is 6 * 7?")).join();
    double answer = made.as("answer", Double.class);
    // end

    assertThat(answer).isEqualTo(42);
  }

  @Test
  void models() {
    Map<String, String> vault = Map.of("team", "sk-1");
    // snippet: models
    LanguageModel own =
        LanguageModel.of("openai/qwen3")
            .withBaseUrl("http://gpu:8000/v1")
            .withSecret("team")
            .withTemperature(0.2)
            .withRetries(2)
            .withRequestTimeout(Duration.ofSeconds(20));
    Programs session = programs.withSecrets(vault::get).session("user-42");
    session.configure(own).join(); // kept in the session's state, without the key
    // end

    assertThat(get(pool.session("user-42").state()).decoded().toString())
        .contains("qwen3")
        .doesNotContain("sk-1");
    session.cleanup().join();
  }

  @Test
  void testing() {
    programs.create("qa", Program.predict("question -> answer")).join();
    // snippet: testing
    try (var model = FakeLanguageModel.saying(fields("answer", "42"))) {
      Programs tested =
          programs.with(
              LanguageModel.of("openai/any")
                  .withBaseUrl(model.url())
                  .withKeyFromEnvironment("TEST_KEY")
                  .withRetries(0));

      Prediction made = tested.execute("qa", Map.of("question", "What is 6 * 7?")).join();
      assertThat(made.text("answer")).isEqualTo("42");
      assertThat(model.lastAsked().input("question")).isEqualTo("What is 6 * 7?");

      model.next(ModelAnswer.rateLimited(Duration.ofSeconds(7)));
      assertThat(tested.execute("qa", Map.of("question", "?")))
          .failsWithin(Duration.ofSeconds(20))
          .withThrowableThat()
          .withMessageContaining("RATE_LIMIT");
    }
    // end
  }

  @Test
  void signature() {
    // snippet: signature
    Signature signature =
        Signature.fields()
            .input(Field.of("review").describedAs("as the customer wrote it"))
            .output(Field.of("mood", "Literal['good', 'bad']"))
            .output(Field.of("words", "list[str]"))
            .instructing("Judge the review.");
    programs.create("judge", Program.chainOfThought(signature)).join();
    // end

    server.next(ModelAnswer.text(fields("reasoning", "so", "mood", "good", "words", "[\"fine\"]")));
    assertThat(programs.execute("judge", Map.of("review", "fine")).join().text("words"))
        .isEqualTo("[\"fine\"]");
  }

  @Test
  void tools() {
    Map<String, String> weather = Map.of("Rome", "sunny");
    server.next(
        ModelAnswer.text(
            fields(
                "next_thought", "look",
                "next_tool_name", "weather",
                "next_tool_args", "{\"city\": \"Rome\"}")),
        ModelAnswer.text(
            fields("next_thought", "done", "next_tool_name", "finish", "next_tool_args", "{}")),
        ModelAnswer.text(fields("reasoning", "seen", "answer", "sunny")));
    // snippet: tools
    Programs acting =
        programs.with(
            Tools.NONE.with("weather", call -> weather.get(call.argument("city", String.class))));
    ProgramTool tool =
        ProgramTool.of("weather", "tells the weather of a city").with(Field.of("city", "str"));
    acting.create("agent", Program.react("question -> answer", tool).with("max_iters", 5)).join();
    String answer =
        acting.execute("agent", Map.of("question", "How is Rome?")).join().text("answer");
    // end

    assertThat(answer).isEqualTo("sunny");
  }

  @Test
  void stream() {
    programs.create("qa", Program.predict("question -> answer")).join();
    // snippet: stream
    Source<Piece, NotUsed> pieces = programs.stream("qa", Map.of("question", "Why?"));
    CompletionStage<String> text =
        pieces
            .collectType(Piece.Token.class)
            .filter(token -> token.field().equals("answer"))
            .map(Piece.Token::text)
            .runFold("", String::concat, system);
    // end

    assertThat(get(text)).isEqualTo("42");
  }

  @Test
  void optimize() {
    programs.create("qa", Program.predict("question -> answer")).join();
    List<Example> examples =
        List.of(new Example(Map.of("question", "6 * 7?"), Map.of("answer", "42")));
    // snippet: optimize
    Optimizer optimizer =
        Optimizer.bootstrapFewShot(new Metric.Exact("answer")).with("max_bootstrapped_demos", 4);
    Running<Optimized> running =
        programs.optimize("qa", optimizer, examples, Duration.ofMinutes(30));
    Source<Progress, NotUsed> progress = running.progress();
    int demos = running.join().demos();
    // end

    assertThat(demos).isEqualTo(1);
    get(progress.runWith(Sink.seq(), system));
  }

  @Test
  void evaluate() {
    programs.create("qa", Program.predict("question -> answer")).join();
    Source<Example, NotUsed> examples =
        Source.single(new Example(Map.of("question", "6 * 7?"), Map.of("answer", "42")));
    // snippet: evaluate
    CompletionStage<Evaluation> evaluation =
        programs
            .evaluate("qa", examples, new Metric.Exact("answer"))
            .toMat(Evaluation.sink(), Keep.right())
            .run(system);
    // end

    assertThat(get(evaluation).score()).isEqualTo(1);
  }

  @Test
  void saved() throws IOException {
    programs.create("qa", Program.predict("question -> answer")).join();
    Path file = Files.createTempFile("qa", ".json");
    // snippet: saved
    Files.writeString(file, programs.save("qa").join());
    programs.load("qa2", Program.predict("question -> answer"), Files.readString(file)).join();
    // end

    assertThat(programs.list().join().names()).containsExactly("qa", "qa2");
    Files.delete(file);
  }

  @Test
  void theSettingsOnThePageAreRead() throws IOException {
    String block = Files.readString(PAGE).split("```hocon\n", 2)[1].split("```", 2)[0];

    LanguageModel read =
        PoolSettings.from(
                "default", ConfigFactory.parseString(block).withFallback(ConfigFactory.load()))
            .languageModel()
            .map(LanguageModel::of)
            .orElseThrow();

    assertThat(read)
        .isEqualTo(
            LanguageModel.of("openai/qwen3")
                .withBaseUrl("http://gpu:8000/v1")
                .withKeyFromEnvironment("TEAM_KEY")
                .withRetries(2)
                .withRequestTimeout(Duration.ofSeconds(20))
                .withTemperature(0.2));
  }

  @Test
  void thePageShowsWhatIsRunHere() throws IOException {
    Map<String, String> here = snippets(Files.readString(HERE), "// snippet: (\\w+)\n(.*?)// end");
    Map<String, String> there =
        snippets(Files.readString(PAGE), "<!-- (\\w+) -->\n```java\n(.*?)```");

    assertThat(here).isNotEmpty();
    assertThat(there).isEqualTo(here);
  }

  private static Map<String, String> snippets(String text, String pattern) {
    return Pattern.compile(pattern, Pattern.DOTALL)
        .matcher(text)
        .results()
        .collect(
            Collectors.toMap(
                result -> result.group(1), result -> result.group(2).stripIndent().strip()));
  }
}
