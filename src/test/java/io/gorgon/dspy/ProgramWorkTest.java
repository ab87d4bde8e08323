package io.gorgon.dspy;

import static io.gorgon.proving.TestPool.get;
import static io.gorgon.testkit.FakeLanguageModel.fields;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.data.Offset.offset;
import static org.awaitility.Awaitility.await;

import io.gorgon.dspy.ProgramFailure.LanguageModelFailed;
import io.gorgon.dspy.ProgramFailure.ProgramChanged;
import io.gorgon.dspy.ProgramFailure.SignatureRefused;
import io.gorgon.message.Progress;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import io.gorgon.testkit.FakeLanguageModel;
import io.gorgon.testkit.ModelAnswer;
import io.gorgon.testkit.ModelRequest;
import io.gorgon.tool.Tools;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import org.apache.pekko.stream.Attributes;
import org.apache.pekko.stream.javadsl.Keep;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.SinkQueueWithCancel;
import org.apache.pekko.stream.javadsl.Source;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Streams, tools, classes of the user's, optimizers and evaluation, on real DSPy. */
@NeedsLayer(Layer.FULL_INTEGRATION)
class ProgramWorkTest {

  private static final Duration LONG = Duration.ofSeconds(60);

  private static TestPool shared;
  private static FakeLanguageModel model;
  private Programs global;

  /** The model doubles what it is asked, and says of "odd" ones what is wrong. */
  private static ModelAnswer answer(ModelRequest asked) {
    String question = asked.input("question");
    return ModelAnswer.text(fields("answer", question.equals("7") ? "seven" : "yes"));
  }

  @BeforeAll
  static void start() {
    model = FakeLanguageModel.start(ProgramWorkTest::answer);
    shared = TestPool.start(ProgramsTest.SETTINGS);
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

  private static String text(List<Piece> pieces, String field) {
    var text = new StringBuilder();
    for (Piece piece : pieces) {
      if (piece instanceof Piece.Token token && token.field().equals(field)) {
        text.append(token.text());
      }
    }
    return text.toString();
  }

  @ParameterizedTest
  @ValueSource(strings = {Programs.GLOBAL, "stream"})
  void aStreamGivesTheFieldsAsTheyComeAndThenTheWhole(String key) {
    Programs programs = global.session(key);
    programs.cleanup().join();
    programs.create("qa", Program.chainOfThought("question -> answer")).join();
    String reasoning = "Because it is so, and was so before.";
    model.next(ModelAnswer.text(fields("reasoning", reasoning, "answer", "It is forty-two.")));

    List<Piece> pieces =
        get(programs.stream("qa", Map.of("question", "?")).runWith(Sink.seq(), shared.system()));

    assertThat(text(pieces, "reasoning")).isEqualTo(reasoning);
    assertThat(text(pieces, "answer")).isEqualTo("It is forty-two.");
    assertThat(pieces.stream().filter(Piece.Token.class::isInstance).count()).isGreaterThan(5);
    Prediction whole = ((Piece.Done) pieces.get(pieces.size() - 1)).prediction();
    assertThat(whole.text("answer")).isEqualTo("It is forty-two.");
    assertThat(whole.tokens()).isEqualTo(18);
    assertThat(programs.statistics("qa").join().executions()).isEqualTo(1);
  }

  @Test
  void theFirstPiecesAreThereBeforeTheModelHasEnded() {
    global.create("qa", Program.predict("question -> answer")).join();
    var open = new CompletableFuture<Void>();
    model.next(ModelAnswer.text(fields("answer", "x".repeat(200))).behind(open, 20));

    Piece first =
        get(global.stream("qa", Map.of("question", "?")).runWith(Sink.head(), shared.system()));

    assertThat(first).isInstanceOf(Piece.Token.class);
    assertThat(open).isNotDone();
    open.complete(null);
  }

  @Test
  void aStreamThatIsGivenUpFreesItsWorker() {
    try (TestPool pool =
        TestPool.start(ProgramsTest.SETTINGS, "max-workers = 1, min-workers = 1")) {
      Programs programs = Programs.on(pool.pool()).with(ProgramsTest.fake(model));
      programs.create("qa", Program.predict("question -> answer")).join();
      var never = new CompletableFuture<Void>();
      model.next(ModelAnswer.text(fields("answer", "x".repeat(200))).behind(never, 20));

      get(programs.stream("qa", Map.of("question", "?")).runWith(Sink.head(), pool.system()));

      assertThat(programs.execute("qa", Map.of("question", "?")).join().text("answer"))
          .isEqualTo("yes");
      never.complete(null);
    }
  }

  /** All has been written to it, and it holds as much of that as may be held. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aStreamThatIsGivenUpWhileItWaitsForItsTakerFreesItsWorker(boolean async) {
    try (TestPool pool =
        TestPool.start(
            ProgramsTest.SETTINGS, "max-workers = 1, min-workers = 1, stream-window = 2")) {
      Programs programs = Programs.on(pool.pool()).with(ProgramsTest.fake(model));
      Program program =
          async ? Program.predict("topic -> draft") : Program.ofClass("dspy_programs:TwoSteps");
      programs.create("slow", program).join();
      var written = new CompletableFuture<Void>();
      String text = "word ".repeat(2_000);
      model.nextOf(
          asked ->
              ModelAnswer.text(fields("draft", text))
                  .behind(
                      new CompletableFuture<Void>() {
                        @Override
                        public Void get() {
                          written.complete(null);
                          return null;
                        }
                      },
                      2_000));

      SinkQueueWithCancel<Piece> taker =
          programs.stream("slow", Map.of("topic", "tea"))
              .toMat(Sink.queue(), Keep.right())
              .withAttributes(Attributes.inputBuffer(1, 1))
              .run(pool.system());
      assertThat(get(taker.pull()).orElseThrow()).isInstanceOf(Piece.class);
      get(written);
      taker.cancel();

      assertThat(programs.ping().join().worker()).endsWith("/0.1");
      assertThat(pool.eventsOf(io.gorgon.message.PoolEvent.WorkerGone.class)).isEmpty();
    }
  }

  @Test
  void aStreamThatBreaksOffIsAFailureAndNoShortAnswer() {
    global.create("qa", Program.predict("question -> answer")).join();
    model.next(ModelAnswer.text(fields("answer", "x".repeat(200))).cutAfter(20));

    LanguageModelFailed failed =
        catchThrowableOfType(
            LanguageModelFailed.class,
            () ->
                get(
                    global.stream("qa", Map.of("question", "?"))
                        .runWith(Sink.seq(), shared.system())));

    assertThat(failed).isNotNull();
    assertThat(failed.kind()).isEqualTo(LanguageModelFailed.Kind.UNREACHABLE);
    assertThat(failed.retryable()).isTrue();
  }

  @Test
  void aFailureComesThroughAStreamAsItsKind() {
    global.create("qa", Program.predict("question -> answer")).join();
    model.next(ModelAnswer.error(500, "down"));

    Throwable failed =
        catchThrowableOfType(
            LanguageModelFailed.class,
            () ->
                get(
                    global.stream("qa", Map.of("question", "?"))
                        .runWith(Sink.seq(), shared.system())));

    assertThat(failed).isNotNull();
    assertThat(
            catchThrowableOfType(
                ProgramFailure.UnknownProgram.class,
                () ->
                    get(
                        global.stream("none", Map.of("question", "?"))
                            .runWith(Sink.seq(), shared.system()))))
        .isNotNull();
  }

  private static String step(String thought, String tool, String arguments) {
    return fields("next_thought", thought, "next_tool_name", tool, "next_tool_args", arguments);
  }

  @ParameterizedTest
  @ValueSource(strings = {Programs.GLOBAL, "react"})
  void aProgramThatActsUsesJavaTools(String key) {
    List<String> called = new ArrayList<>();
    Tools tools =
        Tools.NONE.with(
            "weather",
            call -> {
              called.add(call.argument("city", String.class));
              if (called.size() == 2) {
                throw new IllegalStateException("no such city");
              }
              return "sunny";
            });
    Programs programs = global.session(key).with(tools);
    programs.cleanup().join();
    ProgramTool weather =
        ProgramTool.of("weather", "tells the weather")
            .with(Field.of("city", "str").describedAs("its name"));
    programs
        .create("agent", Program.react("question -> answer", weather).with("max_iters", 5))
        .join();
    model.next(
        ModelAnswer.text(step("look", "weather", "{\"city\": \"Rome\"}")),
        ModelAnswer.text(step("look again", "weather", "{\"city\": \"Romr\"}")),
        ModelAnswer.text(step("enough", "finish", "{}")),
        ModelAnswer.text(fields("reasoning", "it shines", "answer", "sunny")));

    Prediction answer = programs.execute("agent", Map.of("question", "How is Rome?")).join();

    assertThat(called).containsExactly("Rome", "Romr");
    assertThat(answer.text("answer")).isEqualTo("sunny");
    assertThat(answer.text("trajectory")).contains("sunny", "no such city");
    assertThat(answer.usage().get("openai/gpt-4o-mini").calls()).isEqualTo(4);
    assertThat(model.asked().get(model.asked().size() - 4).all())
        .contains("tells the weather", "its name");
  }

  @Test
  void aClassOfTheUsersIsAProgram() {
    global
        .create("two", Program.ofClass("dspy_programs:TwoSteps").withArgument("tone", "loud"))
        .join();
    model.next(
        ModelAnswer.text(fields("draft", "a draft")), ModelAnswer.text(fields("text", "A DRAFT")));

    Prediction made = global.execute("two", Map.of("topic", "tea")).join();

    assertThat(made.text("text")).isEqualTo("A DRAFT");
    assertThat(model.lastAsked().all()).contains("a draft", "loud");
    assertThat(
            catchThrowableOfType(
                    ProgramFailure.InputsRefused.class,
                    () -> global.execute("two", Map.of("subject", "tea")).join())
                .missing())
        .containsExactly("topic");
    for (String wrong : List.of("dspy_programs:NoModule", "dspy_programs:None_", "nowhere:X")) {
      assertThat(
              catchThrowableOfType(
                      SignatureRefused.class,
                      () -> global.create("wrong", Program.ofClass(wrong)).join())
                  .where())
          .isEqualTo("target");
    }
  }

  @Test
  void aClassWithoutAsyncCodeStreamsToo() {
    global.create("two", Program.ofClass("dspy_programs:TwoSteps")).join();
    model.next(
        ModelAnswer.text(fields("draft", "a draft of it")),
        ModelAnswer.text(fields("text", "THE DRAFT")));

    List<Piece> pieces =
        get(global.stream("two", Map.of("topic", "tea")).runWith(Sink.seq(), shared.system()));

    assertThat(text(pieces, "draft")).isEqualTo("a draft of it");
    assertThat(text(pieces, "text")).isEqualTo("THE DRAFT");
  }

  @Test
  void oneWorkerRunsSeveralAtOnceAndMixesNothing() {
    try (TestPool pool =
        TestPool.start(
            ProgramsTest.SETTINGS, "max-workers = 1, min-workers = 1, concurrency = 8")) {
      Programs programs = Programs.on(pool.pool()).with(ProgramsTest.fake(model));
      programs.create("qa", Program.predict("question -> answer")).join();
      var open = new CompletableFuture<Void>();
      int before = model.asked().size();
      for (int i = 0; i < 8; i++) {
        model.nextOf(
            asked ->
                ModelAnswer.text(fields("answer", "re " + asked.input("question"))).behind(open));
      }
      List<Running<Prediction>> running =
          IntStream.range(0, 8)
              .mapToObj(i -> programs.execute("qa", Map.of("question", "q" + i)))
              .toList();
      await().until(() -> model.asked().size() == before + 8);
      open.complete(null);

      for (int i = 0; i < 8; i++) {
        Prediction made = running.get(i).join();
        assertThat(made.text("answer")).isEqualTo("re q" + i);
        assertThat(made.tokens()).isEqualTo(18);
      }
    }
  }

  record Order(String item, int count) {}

  @Test
  void aSignatureMayNameAClassWhichIsARecordInJava() {
    model.next(ModelAnswer.text(fields("order", "{\"item\": \"tea\", \"count\": 2}")));

    Prediction made =
        global
            .execute(
                Program.predict("text -> order: dspy_programs.Order"), Map.of("text", "two teas"))
            .join();

    assertThat(made.as("order", Order.class)).isEqualTo(new Order("tea", 2));
  }

  private static List<Example> examples(int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> new Example(Map.of("question", String.valueOf(i)), Map.of("answer", "Yes")))
        .toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {Programs.GLOBAL, "optimized"})
  void bootstrapFewShotKeepsTheExamplesThatWentWell(String key) {
    Programs programs = global.session(key);
    programs.cleanup().join();
    programs.create("qa", Program.predict("question -> answer")).join();
    Optimizer optimizer =
        Optimizer.bootstrapFewShot(new Metric.Exact("answer"))
            .with("max_bootstrapped_demos", 8)
            .with("max_labeled_demos", 0);

    Running<Optimized> running = programs.optimize("qa", optimizer, examples(8), LONG);
    List<Progress> progress = get(running.progress().runWith(Sink.seq(), shared.system()));
    Optimized optimized = running.join();

    assertThat(optimized.demos()).isEqualTo(7); // the model is wrong about the last
    assertThat(progress.get(progress.size() - 1).done()).isEqualTo(8);
    assertThat(progress.get(progress.size() - 1).total()).hasValue(8);
    ProgramDescription kept = programs.describe("qa").join();
    assertThat(kept.demos()).isEqualTo(7);
    assertThat(kept.optimizer()).hasValue("BootstrapFewShot");
    programs.execute("qa", Map.of("question", "new")).join();
    ModelRequest asked = model.lastAsked();
    assertThat(asked.body().path("messages")).hasSize(1 + 2 * 7 + 1);
    assertThat(programs.reset("qa").join().demos()).isZero();
  }

  @Test
  void aCancelledOptimizationLeavesTheProgramAsItWas() {
    Programs programs = global.session("cancelled");
    programs.create("qa", Program.predict("question -> answer")).join();
    var never = new CompletableFuture<Void>();
    int before = model.asked().size();
    model.next(
        ModelAnswer.text(fields("answer", "yes")),
        ModelAnswer.text(fields("answer", "yes")).behind(never));

    Running<Optimized> running =
        programs.optimize(
            "qa", Optimizer.bootstrapFewShot(new Metric.Exact("answer")), examples(8), LONG);
    await().until(() -> model.asked().size() >= before + 2);
    assertThat(running.cancel()).isTrue();

    assertThat(catchThrowableOfType(Cancelled.class, running::join)).isNotNull();
    never.complete(null);
    assertThat(programs.describe("qa").join().demos()).isZero();
    programs.cleanup().join();
  }

  @Test
  void aGlobalProgramThatChangedMeanwhileKeepsItsChange() {
    global.create("qa", Program.predict("question -> answer")).join();
    var open = new CompletableFuture<Void>();
    int before = model.asked().size();
    model.next(ModelAnswer.text(fields("answer", "yes")).behind(open));
    Running<Optimized> running =
        global.optimize(
            "qa", Optimizer.bootstrapFewShot(new Metric.Exact("answer")), examples(2), LONG);
    await().until(() -> model.asked().size() > before);

    global.delete("qa").join(); // an optimization is no reason to wait
    global.create("qa", Program.predict("question -> answer: str")).join();
    open.complete(null);

    assertThat(catchThrowableOfType(ProgramChanged.class, running::join)).isNotNull();
    assertThat(global.describe("qa").join().definition().path("signature").asText())
        .isEqualTo("question -> answer: str");
  }

  @Test
  void anOptimizerThatDoesNotExistIsRefusedByName() {
    global.create("qa", Program.predict("question -> answer")).join();

    SignatureRefused wrong =
        catchThrowableOfType(
            SignatureRefused.class,
            () ->
                global
                    .optimize(
                        "qa",
                        Optimizer.of("BootstrapMany", new Metric.Exact("answer")),
                        examples(1),
                        LONG)
                    .join());

    assertThat(wrong).hasMessageContaining("BootstrapFewShot");
  }

  @Test
  void anEvaluationRunsOnAllWorkersAndCountsWhatFailed() {
    global.create("qa", Program.predict("question -> answer")).join();
    model.next(ModelAnswer.error(500, "down"));
    Set<String> workers = ConcurrentHashMap.newKeySet();

    var run =
        global
            .evaluate("qa", Source.from(examples(20)), new Metric.Exact("answer"))
            .wireTap(scored -> scored.prediction().ifPresent(made -> workers.add(made.worker())))
            .toMat(Evaluation.sink(), Keep.right())
            .run(shared.system());
    Evaluation evaluation = get(run);

    assertThat(evaluation.examples()).isEqualTo(20);
    assertThat(evaluation.failed()).isEqualTo(1);
    assertThat(evaluation.score()).isBetween(18 / 20.0 - 1e-9, 19 / 20.0);
    assertThat(workers).hasSize(2);
  }

  @Test
  void aMetricIsAFieldAPythonFunctionOrAJavaTool() {
    Set<Object> asked = new HashSet<>();
    Programs programs =
        global.with(
            Tools.NONE.with(
                "judge",
                call -> {
                  asked.add(call.argument(0, Map.class));
                  asked.add(call.argument(1, Map.class));
                  return 0.25;
                }));
    programs.create("qa", Program.predict("question -> answer")).join();

    assertThat(score(programs, new Metric.Function("dspy_programs:half"))).isEqualTo(0.5);
    assertThat(score(programs, new Metric.Tool("judge"))).isEqualTo(0.25);
    assertThat(asked)
        .containsExactlyInAnyOrder(
            Map.of("question", "0", "answer", "Yes"), Map.of("answer", "yes"));
    assertThat(score(programs, new Metric.Exact("answer"))).isEqualTo(1.0, offset(1e-9));
    Scored broken =
        get(
            programs
                .evaluate(
                    "qa", Source.from(examples(1)), new Metric.Function("dspy_programs:broken"))
                .runWith(Sink.head(), shared.system()));
    assertThat(broken.failure().orElseThrow()).hasMessageContaining("no judgement");
  }

  private static double score(Programs programs, Metric metric) {
    return get(programs
            .evaluate("qa", Source.from(examples(1)), metric)
            .runWith(Evaluation.sink(), shared.system()))
        .score();
  }
}
