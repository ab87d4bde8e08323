package io.gorgon.dspy;

import static io.gorgon.proving.TestPool.get;
import static io.gorgon.testkit.FakeLanguageModel.fields;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.gorgon.dspy.ProgramFailure.LanguageModelFailed;
import io.gorgon.dspy.ProgramFailure.UnknownProgram;
import io.gorgon.message.Call;
import io.gorgon.message.Values;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import io.gorgon.testkit.FakeLanguageModel;
import io.gorgon.testkit.ModelAnswer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.Source;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the page on DSPy says beside its snippets, each sentence tried. */
@NeedsLayer(Layer.FULL_INTEGRATION)
class ProgramPromisesTest {

  private static final Program QA = Program.predict("question -> answer");

  private static TestPool shared;
  private static FakeLanguageModel model;
  private Programs global;

  @BeforeAll
  static void start() {
    model = FakeLanguageModel.start(any -> ModelAnswer.text(fields("answer", "yes")));
    shared = TestPool.start(ProgramsTest.SETTINGS, "min-workers = 1, max-workers = 1");
  }

  @AfterAll
  static void stop() {
    shared.close();
    model.close();
  }

  @BeforeEach
  void clean() {
    global = Programs.on(shared.pool()).with(ProgramsTest.fake(model));
    global.cleanup().join();
  }

  private static Map<String, String> question(String text) {
    return Map.of("question", text);
  }

  @Test
  void answersAreKeptOnlyWhereThatIsAskedFor() {
    int before = model.asked().size();
    for (int i = 0; i < 2; i++) {
      global.execute(QA, question("the same")).join();
    }
    assertThat(model.asked()).hasSize(before + 2);

    Programs cached = global.with(ProgramsTest.fake(model).cached());
    for (int i = 0; i < 3; i++) {
      assertThat(cached.execute(QA, question("the very same")).join().text("answer"))
          .isEqualTo("yes");
    }
    assertThat(model.asked()).hasSize(before + 3);
  }

  @ParameterizedTest
  @ValueSource(strings = {Programs.GLOBAL, "priceless"})
  void aCostThatIsNotKnownIsNoFigure(String key) {
    Programs programs = global.session(key);
    programs.cleanup().join();
    LanguageModel unknown =
        LanguageModel.of("openai/no-such-model")
            .withBaseUrl(model.url())
            .withKeyFromEnvironment("TEST_KEY");
    programs.create("qa", QA).join();
    assertThat(programs.execute("qa", question("?")).join().cost()).isPresent();
    assertThat(programs.statistics("qa").join().cost()).isPresent();

    Prediction made = programs.with(unknown).execute("qa", question("?")).join();

    assertThat(made.cost()).isEmpty();
    assertThat(made.usage().get("openai/no-such-model")).isEqualTo(new Prediction.Tokens(11, 7, 1));
    assertThat(programs.statistics("qa").join().cost()).isEmpty();
    assertThat(programs.statistics("qa").join().tokens()).isEqualTo(36);
  }

  @ParameterizedTest
  @ValueSource(strings = {Programs.GLOBAL, "stats"})
  void statsSumUpAllProgramsBesideThePoolsFigures(String key) {
    Programs programs = global.session(key);
    programs.cleanup().join();
    programs.create("a", QA).join();
    programs.create("b", QA).join();
    programs.create("c", QA).join();
    programs.execute("a", question("?")).join();
    programs.execute("b", question("?")).join();
    Prediction last = programs.execute("b", question("?")).join();

    ProgramsStats stats = get(programs.stats());

    assertThat(stats.programs()).isEqualTo(3);
    assertThat(stats.executions()).isEqualTo(3);
    assertThat(stats.tokens()).isEqualTo(3 * 18);
    assertThat(stats.cost().orElseThrow()).isEqualTo(3 * last.cost().orElseThrow());
    assertThat(stats.pool().workers()).hasSize(1);
    assertThat(programs.statistics("b").join().last()).isPresent();
    assertThat(programs.statistics("c").join()).isEqualTo(ProgramStatistics.NONE);
  }

  @Test
  void theListIsAMapWithProgramsAndTheirCountOnTheWireToo() {
    Programs programs = global.session("shape");
    programs.cleanup().join();
    programs.create("b", QA).join();
    programs.create("a", QA).join();

    var told = get(shared.pool().session("shape").call(Call.of("gorgon.programs:list_all"))).tree();
    var ours = Values.mapper().valueToTree(Map.of("names", programs.list().join().names()));

    assertThat(told.propertyStream().map(Map.Entry::getKey))
        .containsExactlyInAnyOrder("programs", "total_count");
    assertThat(told.path("total_count").asInt()).isEqualTo(2);
    assertThat(told.path("programs").isArray()).isTrue();
    assertThat(told.path("programs").path(0).path("name").asText()).isEqualTo("a");
    assertThat(ours.path("names").toString()).isEqualTo("[\"a\",\"b\"]");
  }

  @Test
  void noSessionSeesTheProgramsOfAnother() {
    Programs one = global.session("one");
    Programs other = global.session("other");
    one.cleanup().join();
    other.cleanup().join();
    one.create("qa", QA).join();

    assertThat(other.list().join().totalCount()).isZero();
    assertThat(global.list().join().totalCount()).isZero();
    for (Programs stranger : List.of(other, global)) {
      assertThat(
              catchThrowableOfType(
                  UnknownProgram.class, () -> stranger.execute("qa", question("?")).join()))
          .isNotNull();
    }
    other.create("qa", Program.chainOfThought("question -> answer")).join();
    assertThat(one.describe("qa").join().kind()).isEqualTo(Program.Kind.PREDICT);
  }

  @Test
  void aCleanupLeavesTheRestOfTheSessionAlone() {
    var session = shared.pool().session("mixed");
    assertThat(get(session.call(Call.of("sessions:increment"))).as(Integer.class)).isEqualTo(1);
    Programs programs = global.session("mixed").withHistory(2);
    programs.configure(ProgramsTest.fake(model)).join();
    programs.create("qa", QA).join();
    programs.execute("qa", question("?")).join();

    assertThat(programs.cleanup().join()).isEqualTo(1);

    assertThat(get(session.state()).values()).containsOnlyKeys("count");
    assertThat(get(session.call(Call.of("sessions:increment"))).as(Integer.class)).isEqualTo(2);
  }

  @Test
  void theHistoryOfASessionIsHeldInSixtyFourKilobytes() {
    Programs programs = global.session("long").withHistory(50);
    programs.cleanup().join();
    programs.create("qa", QA).join();
    for (int i = 0; i < 6; i++) {
      programs.execute("qa", question(i + "x".repeat(15_000))).join();
    }

    List<Exchange> kept = programs.history().join();

    assertThat(kept).hasSizeBetween(2, 4);
    assertThat(kept.get(kept.size() - 1).messages().toString()).contains("5xxx");
    assertThat(get(shared.pool().session("long").state()).values().get("gorgon.program-history"))
        .hasSizeLessThan(66 * 1024);
  }

  @Test
  void whatDspyHasSavedIsLoadedAndTheOtherWayRound(@TempDir Path directory) throws IOException {
    String theirs = directory.resolve("theirs.json").toString();
    get(shared.pool().call(Call.of("dspy_programs:saved_by_dspy", theirs)));

    ProgramDescription loaded = global.load("qa", QA, Files.readString(Path.of(theirs))).join();
    global.execute("qa", question("?")).join();
    Path ours = directory.resolve("ours.json");
    Files.writeString(ours, global.save("qa").join());

    assertThat(loaded.demos()).isEqualTo(1);
    assertThat(model.asked().get(model.asked().size() - 1).all()).contains("by DSPy?");
    assertThat(
            get(shared.pool().call(Call.of("dspy_programs:loaded_by_dspy", ours.toString())))
                .as(String[].class))
        .containsExactly("by DSPy?");
  }

  @Test
  void anEvaluationGivesItsResultsInTheOrderOfTheExamples() {
    global.create("qa", QA).join();
    List<Example> examples =
        IntStream.range(0, 12)
            .mapToObj(i -> new Example(Map.of("question", "q" + i), Map.of("answer", "yes")))
            .toList();

    List<Scored> scored =
        get(
            global
                .evaluate("qa", Source.from(examples), new Metric.Exact("answer"))
                .runWith(Sink.seq(), shared.system()));

    assertThat(scored.stream().map(Scored::example)).containsExactlyElementsOf(examples);
    assertThat(scored.stream().map(Scored::index))
        .containsExactlyElementsOf(LongStream.range(0, 12).boxed().toList());
  }

  @Test
  void aQuestionThatIsTooLongForTheModelHasAKindOfItsOwn() {
    String body =
        "{\"error\": {\"message\": \"maximum context length is 10 tokens\","
            + " \"type\": \"invalid_request_error\", \"code\": \"context_length_exceeded\"}}";
    ModelAnswer tooLong =
        new ModelAnswer(400, body, true, Map.of(), Optional.empty(), 0, OptionalInt.empty());
    model.next(tooLong);

    LanguageModelFailed failed =
        catchThrowableOfType(
            LanguageModelFailed.class, () -> global.execute(QA, question("?")).join());

    assertThat(failed.kind()).isEqualTo(LanguageModelFailed.Kind.CONTEXT_WINDOW);
    assertThat(failed.retryable()).isFalse();
  }

  /** It is counted where it is kept: a new program of an old name begins anew. */
  @Test
  void anAnswerThatComesAfterItsProgramWasDeletedIsNotCountedForTheNext() {
    try (TestPool pool =
        TestPool.start(ProgramsTest.SETTINGS, "min-workers = 2, max-workers = 2")) {
      Programs programs = Programs.on(pool.pool()).with(ProgramsTest.fake(model));
      programs.create("qa", QA).join();
      var open = new java.util.concurrent.CompletableFuture<Void>();
      int before = model.asked().size();
      model.next(ModelAnswer.text(fields("answer", "late")).behind(open));
      Running<Prediction> late = programs.execute("qa", question("?"));
      org.awaitility.Awaitility.await().until(() -> model.asked().size() > before);

      programs.delete("qa").join();
      programs.create("qa", QA).join();
      open.complete(null);

      assertThat(late.join().text("answer")).isEqualTo("late");
      assertThat(programs.statistics("qa").join()).isEqualTo(ProgramStatistics.NONE);
    }
  }
}
