package io.gorgon.dspy;

import static io.gorgon.proving.TestPool.get;
import static io.gorgon.testkit.FakeLanguageModel.fields;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.data.Offset.offset;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.core.type.TypeReference;
import io.gorgon.dspy.ProgramFailure.DuplicateProgram;
import io.gorgon.dspy.ProgramFailure.InputsRefused;
import io.gorgon.dspy.ProgramFailure.LanguageModelFailed;
import io.gorgon.dspy.ProgramFailure.LanguageModelFailed.Kind;
import io.gorgon.dspy.ProgramFailure.NotInstalled;
import io.gorgon.dspy.ProgramFailure.SignatureRefused;
import io.gorgon.dspy.ProgramFailure.StateRefused;
import io.gorgon.dspy.ProgramFailure.UnknownProgram;
import io.gorgon.message.PoolEvent;
import io.gorgon.pool.PoolStats;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import io.gorgon.testkit.FakeLanguageModel;
import io.gorgon.testkit.ModelAnswer;
import io.gorgon.testkit.ModelRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs on real DSPy, over a fake language model: what becomes of them, whatever happens. */
@NeedsLayer(Layer.FULL_INTEGRATION)
class ProgramsTest {

  static final String SETTINGS =
      "preload = [dspy], timeouts.start = 120s, call-timeout = 60s, environment { TEST_KEY = sk-test }";

  private static TestPool shared;
  private static FakeLanguageModel model;
  private Programs global;

  @BeforeAll
  static void start() {
    model = FakeLanguageModel.start(asked -> ModelAnswer.text(fields("answer", "42.5")));
    shared = TestPool.start(SETTINGS);
  }

  @AfterAll
  static void stop() {
    shared.close();
    model.close();
  }

  static LanguageModel fake(FakeLanguageModel server) {
    return LanguageModel.of("openai/gpt-4o-mini")
        .withBaseUrl(server.url())
        .withKeyFromEnvironment("TEST_KEY")
        .withRetries(0);
  }

  @BeforeEach
  void clean() {
    global = Programs.on(shared.pool()).with(fake(model));
    global.cleanup().join();
  }

  private static Program qa() {
    return Program.predict("question -> answer: float");
  }

  private static <T extends Throwable> T refused(Class<T> type, Running<?> running) {
    return catchThrowableOfType(type, running::join);
  }

  private static void killAll(TestPool pool) {
    pool.awaitReady(2);
    int gone = pool.eventsOf(PoolEvent.WorkerGone.class).size();
    List<PoolStats.WorkerStats> workers = pool.stats().workers();
    workers.forEach(
        worker -> ProcessHandle.of(worker.pid()).ifPresent(ProcessHandle::destroyForcibly));
    pool.awaitEvents(PoolEvent.WorkerGone.class, gone + workers.size());
  }

  @ParameterizedTest
  @ValueSource(strings = {Programs.GLOBAL, "user-42"})
  void row45_aProgramIsCreatedExecutedListedAndDeleted(String key) {
    Programs programs = global.session(key);
    programs.cleanup().join();

    ProgramDescription made = programs.create("qa", qa()).join();
    Prediction answer = programs.execute("qa", Map.of("question", "6 * 7?")).join();

    assertThat(made.kind()).isEqualTo(Program.Kind.PREDICT);
    assertThat(answer.as("answer", Double.class)).isEqualTo(42.5);
    assertThat(answer.usage()).containsEntry("openai/gpt-4o-mini", new Prediction.Tokens(11, 7, 1));
    assertThat(answer.cost()).hasValueCloseTo(5.85e-6, offset(1e-9));
    assertThat(model.lastAsked().authorization()).isEqualTo("Bearer sk-test");
    ProgramList list = programs.list().join();
    assertThat(list.names()).containsExactly("qa");
    assertThat(list.totalCount()).isEqualTo(1);
    assertThat(list.programs().get(0).statistics().executions()).isEqualTo(1);
    assertThat(programs.statistics("qa").join().tokens()).isEqualTo(18);
    assertThat(get(programs.stats()).executions()).isEqualTo(1);
    assertThat(refused(DuplicateProgram.class, programs.create("qa", qa()))).isNotNull();
    assertThat(programs.reset("qa").join().statistics().executions()).isZero();
    programs.delete("qa").join();
    UnknownProgram unknown =
        refused(UnknownProgram.class, programs.execute("qa", Map.of("question", "?")));
    assertThat(unknown.names()).isEmpty();
    assertThat(refused(UnknownProgram.class, programs.delete("qa"))).isNotNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {Programs.GLOBAL, "killed"})
  void row45_killedWorkersLoseNoProgramAndTheirSuccessorsKnowTheModel(String key) {
    Programs programs = global.session(key);
    programs.cleanup().join();
    programs.create("qa", qa()).join();
    programs.execute("qa", Map.of("question", "?")).join();

    for (int i = 0; i < 3; i++) {
      killAll(shared);
      assertThat(programs.execute("qa", Map.of("question", "?")).join().as("answer", Double.class))
          .isEqualTo(42.5);
    }

    assertThat(programs.list().join().names()).containsExactly("qa");
    assertThat(programs.statistics("qa").join().executions()).isEqualTo(4);
  }

  @Test
  void oneGlobalProgramRunsOnAllWorkersAtOnce() {
    global.create("qa", qa()).join();
    var open = new CompletableFuture<Void>();
    model.next(
        ModelAnswer.text(fields("answer", "1")).behind(open),
        ModelAnswer.text(fields("answer", "2")).behind(open));

    Running<Prediction> first = global.execute("qa", Map.of("question", "a"));
    Running<Prediction> second = global.execute("qa", Map.of("question", "b"));
    await().until(ProgramsTest::bothAsked);
    open.complete(null);

    assertThat(first.join().worker()).isNotEqualTo(second.join().worker());
  }

  private static boolean bothAsked() {
    List<String> last = new ArrayList<>();
    List<ModelRequest> all = model.asked();
    all.subList(Math.max(0, all.size() - 2), all.size())
        .forEach(each -> last.add(each.input("question")));
    return last.contains("a") && last.contains("b");
  }

  @Test
  void theCommandsOfASessionRunInItsOrder() {
    Programs programs = global.session("order");
    Running<ProgramDescription> created = programs.create("qa", qa());
    Running<Prediction> executed = programs.execute("qa", Map.of("question", "?"));
    Running<?> deleted = programs.delete("qa");
    Running<Prediction> late = programs.execute("qa", Map.of("question", "?"));

    created.join();
    assertThat(executed.join().as("answer", Double.class)).isEqualTo(42.5);
    deleted.join();
    assertThat(refused(UnknownProgram.class, late)).isNotNull();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "question answer|15|no '->'",
        "a -> b -> c|7|second '->'",
        "a: flaot -> b|3|did you mean 'float'",
        "q -> a: list[strr]|13|no type 'strr'",
        "q, q -> a|3|two fields",
        "1q -> a|0|no name",
        "q -> a: list[str|12|not closed",
        "q ->|4|no output",
      })
  void row45_aWrongSignatureIsRefusedWithItsPosition(String text, int position, String why) {
    SignatureRefused wrong =
        refused(SignatureRefused.class, global.create("wrong", Program.predict(text)));

    assertThat(wrong.position()).isEqualTo(position);
    assertThat(wrong.text()).isEqualTo(text);
    assertThat(wrong.reason()).contains(why);
    assertThat(global.list().join().totalCount()).isZero();
  }

  @Test
  void fieldsHaveTypesDescriptionsAndInstructions() {
    model.next(ModelAnswer.text(fields("mood", "bad", "words", "{\"a\": 2}")));
    Signature signature =
        Signature.fields()
            .input(Field.of("review", "str").describedAs("as the customer wrote it"))
            .input(Field.of("stars", "int | None"))
            .output(Field.of("mood", "Literal['good', 'bad']"))
            .output(Field.of("words", "dict[str, int]"))
            .instructing("Judge the review.");

    Prediction judged = global.execute(Program.predict(signature), Map.of("review", "a a")).join();

    assertThat(judged.text("mood")).isEqualTo("bad");
    assertThat(judged.as("words", new TypeReference<Map<String, Integer>>() {}))
        .isEqualTo(Map.of("a", 2));
    ModelRequest asked = model.lastAsked();
    assertThat(asked.all()).contains("Judge the review.", "as the customer wrote it");
    SignatureRefused wrong =
        refused(
            SignatureRefused.class,
            global.create("wrong", Program.predict(signature.output(Field.of("score", "nunber")))));
    assertThat(wrong.where()).isEqualTo("fields[4].type");
  }

  @Test
  void inputsThatDoNotFitAreNamedAndTheModelIsNotAsked() {
    global.create("sum", Program.predict("a: int, b: list[int] -> answer: float")).join();
    int asked = model.asked().size();

    InputsRefused refused =
        refused(InputsRefused.class, global.execute("sum", Map.of("a", "x", "c", 1)));

    assertThat(refused.missing()).containsExactly("b");
    assertThat(refused.unknown()).containsExactly("c");
    assertThat(refused.wrong()).containsOnlyKeys("a");
    assertThat(model.asked()).hasSize(asked);
    assertThat(
            global
                .execute("sum", Map.of("a", 1, "b", List.of(2, 3)))
                .join()
                .as("answer", Double.class))
        .isEqualTo(42.5);
  }

  @Test
  void whatWasSavedIsLoadedWithItsDemos() {
    global.create("qa", qa()).join();
    List<Example> examples =
        List.of(new Example(Map.of("question", "one?"), Map.of("answer", 1.0)));
    global.optimize("qa", Optimizer.labeledFewShot(1), examples, Duration.ofSeconds(30)).join();

    String saved = global.save("qa").join();
    ProgramDescription copy = global.session("other").load("copy", qa(), saved).join();

    assertThat(copy.demos()).isEqualTo(1);
    assertThat(saved).contains("dependency_versions", "one?");
    global.session("other").execute("copy", Map.of("question", "two?")).join();
    assertThat(model.lastAsked().all()).contains("one?", "two?");
    assertThat(refused(StateRefused.class, global.load("x", qa(), "no json"))).isNotNull();
    assertThat(
            refused(StateRefused.class, global.load("x", Program.chainOfThought("q -> a"), saved)))
        .hasMessageContaining("['predict']");
    global.session("other").cleanup().join();
  }

  @ParameterizedTest
  @CsvSource({
    "429, RATE_LIMIT, true",
    "401, UNAUTHORIZED, false",
    "400, REFUSED, false",
    "500, SERVER_ERROR, true"
  })
  void whatTheProviderAnswersHasItsKind(int status, Kind kind, boolean retryable) {
    model.next(ModelAnswer.error(status, "no, not with sk-test").withHeader("retry-after", "7"));

    LanguageModelFailed failed =
        refused(LanguageModelFailed.class, global.execute(qa(), Map.of("question", "?")));

    assertThat(failed.kind()).isEqualTo(kind);
    assertThat(failed.status()).hasValue(status);
    assertThat(failed.retryable()).isEqualTo(retryable);
    assertThat(failed).hasMessageContaining("no, not with ***");
    var printed = new java.io.StringWriter();
    failed.printStackTrace(new java.io.PrintWriter(printed));
    assertThat(printed.toString()).doesNotContain("sk-test");
    if (status == 429) {
      assertThat(failed.retryAfterSeconds()).hasValue(7);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"auto", "litellm"})
  void bothOfDspysClientsFailAlike(String engine) {
    Programs programs = global.with(fake(model).with("engine", engine));
    assertThat(programs.execute(qa(), Map.of("question", "?")).join().text("answer"))
        .isEqualTo("42.5");
    model.next(ModelAnswer.malformed());
    assertThat(kind(programs)).isEqualTo(Kind.MALFORMED);
    model.next(ModelAnswer.text("no fields"), ModelAnswer.text("no fields"));
    assertThat(kind(programs)).isEqualTo(Kind.MALFORMED);
    model.next(ModelAnswer.hangs());
    LanguageModel impatient =
        fake(model).with("engine", engine).withRequestTimeout(Duration.ofMillis(300));
    assertThat(kind(global.with(impatient))).isEqualTo(Kind.TIMEOUT);
    assertThat(
            kind(
                global.with(
                    fake(model).with("engine", engine).withBaseUrl("http://127.0.0.1:1/v1"))))
        .isEqualTo(Kind.UNREACHABLE);
    model.next(ModelAnswer.text("half").cutAfter(1));
    assertThat(kind(programs)).isEqualTo(Kind.UNREACHABLE);
    model.next(ModelAnswer.rateLimited(Duration.ofSeconds(7)));
    assertThat(kind(programs)).isEqualTo(Kind.RATE_LIMIT);
  }

  private static Kind kind(Programs programs) {
    return refused(LanguageModelFailed.class, programs.execute(qa(), Map.of("question", "?")))
        .kind();
  }

  @Test
  void aRateLimitIsRetriedAsOftenAsTheModelSays() {
    model.next(ModelAnswer.error(429, "slow down"));

    Prediction answer =
        global.with(fake(model).withRetries(2)).execute(qa(), Map.of("question", "again")).join();

    assertThat(answer.text("answer")).isEqualTo("42.5");
  }

  @Test
  void aSecretIsGivenWhenAWorkerAsksAndIsInNoState() {
    Programs programs =
        global
            .session("secret")
            .withSecrets(name -> name.equals("vault") ? "sk-from-the-vault" : null);
    LanguageModel own =
        LanguageModel.of("openai/gpt-4o-mini").withBaseUrl(model.url()).withSecret("vault");
    programs.configure(own).join();
    programs.create("qa", qa()).join();

    programs.execute("qa", Map.of("question", "?")).join();

    assertThat(model.lastAsked().authorization()).isEqualTo("Bearer sk-from-the-vault");
    assertThat(get(shared.pool().session("secret").state()).decoded().toString())
        .contains("vault")
        .doesNotContain("sk-from");
    killAll(shared);
    programs.execute("qa", Map.of("question", "?")).join();
    assertThat(model.lastAsked().authorization()).isEqualTo("Bearer sk-from-the-vault");
    programs.cleanup().join();
  }

  @Test
  void aSecretThatWasRefusedIsAskedForAgain() {
    var current = new AtomicReference<>("sk-old");
    Programs programs =
        global.withSecrets(name -> current.get()).with(fake(model).withSecret("rotating"));
    model.next(ModelAnswer.error(401, "it has expired"));
    assertThat(kind(programs)).isEqualTo(Kind.UNAUTHORIZED);

    current.set("sk-new");
    for (int i = 0; i < 10; i++) { // whichever worker
      Running<Prediction> running = programs.execute(qa(), Map.of("question", "?"));
      assertThat(running.join().text("answer")).isEqualTo("42.5");
    }

    assertThat(model.lastAsked().authorization()).isEqualTo("Bearer sk-new");
  }

  @Test
  void withoutAModelOrItsKeyItSaysSo() {
    Programs none = Programs.on(shared.pool());
    assertThat(kind(none)).isEqualTo(Kind.MISCONFIGURED);
    LanguageModelFailed noKey =
        refused(
            LanguageModelFailed.class,
            none.with(fake(model).withKeyFromEnvironment("NO_SUCH_VARIABLE"))
                .execute(qa(), Map.of("question", "?")));
    assertThat(noKey).hasMessageContaining("NO_SUCH_VARIABLE");
    LanguageModelFailed noSecret =
        refused(
            LanguageModelFailed.class,
            none.withSecrets(
                    name -> {
                      throw new IllegalStateException("the vault's password is xyz");
                    })
                .with(fake(model).withSecret("vault"))
                .execute(qa(), Map.of("question", "?")));
    assertThat(noSecret.kind()).isEqualTo(Kind.MISCONFIGURED);
    assertThat(noSecret.getMessage()).doesNotContain("xyz");
  }

  @Test
  void theHistoryIsKeptAsFarAsIsAskedFor() {
    for (Programs programs :
        List.of(global.withHistory(2), global.session("history").withHistory(2))) {
      programs.cleanup().join();
      programs.create("qa", qa()).join();
      for (int i = 0; i < 3; i++) {
        Prediction made = programs.execute("qa", Map.of("question", "number " + i)).join();
        assertThat(made.history()).hasSize(1);
      }

      List<Exchange> kept = programs.history().join();

      assertThat(kept).hasSize(2);
      assertThat(kept.get(1).messages().toString()).contains("number 2");
      assertThat(kept.get(1).outputs().get(0)).contains("42.5");
    }
  }

  @Test
  void aGlobalProgramThatIsUsedDoesNotExpire() {
    Duration ttl = Duration.ofSeconds(1);
    try (TestPool pool = TestPool.start(SETTINGS, "session.ttl = 1s, session.sweep = 100ms")) {
      Programs programs = Programs.on(pool.pool()).with(fake(model));
      programs.create("qa", qa()).join();
      long end = System.nanoTime() + ttl.multipliedBy(3).toNanos();
      while (System.nanoTime() < end) {
        programs.execute("qa", Map.of("question", "?")).join();
      }

      assertThat(programs.list().join().names()).containsExactly("qa");
    }
  }

  @Test
  void withoutDspyItSaysWhatToInstall(@TempDir Path directory) throws IOException {
    Files.writeString(
        directory.resolve("dspy.py"), "raise ModuleNotFoundError('no dspy', name='dspy')\n");
    try (TestPool pool = TestPool.start("path = [\"" + directory + "\"]")) {
      Programs programs = Programs.on(pool.pool()).with(fake(model));

      NotInstalled missing = refused(NotInstalled.class, programs.ping());

      assertThat(missing.what()).isEqualTo("DSPy");
      assertThat(missing.remedy()).contains("pip install dspy");
      assertThat(refused(NotInstalled.class, programs.create("qa", qa()))).isNotNull();
    }
  }
}
