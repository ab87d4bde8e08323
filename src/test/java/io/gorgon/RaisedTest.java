package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.gorgon.message.Call;
import io.gorgon.message.Exceptions;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonException;
import io.gorgon.message.PythonFailure.PythonRaised;
import io.gorgon.message.PythonFailure.UnknownTarget;
import io.gorgon.message.Reply;
import io.gorgon.pool.Pool;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestMachine;
import io.gorgon.proving.TestPool;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.pattern.StatusReply;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.Source;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What Python raises, as Java sees it: real exceptions of every sort, and the user's own for it.
 */
@NeedsLayer(Layer.BRIDGE_MOCK)
class RaisedTest {

  private static TestPool tested;

  private static final class OutOfStock extends RuntimeException {
    OutOfStock(PythonRaised raised) {
      super(raised.exception().message(), raised);
    }
  }

  private static final Exceptions SHOP =
      Exceptions.NONE.with("raising.OutOfStock", OutOfStock::new);

  @BeforeAll
  static void start() {
    tested = TestPool.start().awaitReady(2);
  }

  @AfterAll
  static void noWorkerWasHarmed() {
    try {
      assertThat(tested.eventsOf(PoolEvent.WorkerGone.class)).isEmpty();
    } finally {
      tested.close();
    }
  }

  private static PythonRaised raised(String function, Object... arguments) {
    return (PythonRaised) failureOf(tested.pool().call(Call.of("raising:" + function, arguments)));
  }

  private static void needsPython311() {
    Assumptions.assumeTrue(
        Arrays.compare(version(), new int[] {3, 11}) >= 0,
        "notes and groups came with Python 3.11");
  }

  private static int[] version() {
    return Arrays.stream(TestMachine.CURRENT.pythonVersion().orElse("0").split("\\."))
        .limit(2)
        .mapToInt(Integer::parseInt)
        .toArray();
  }

  // ---- what is told

  @Test
  void row23_aClassOfTheUsersIsKnownByItsBases() {
    PythonRaised raised = raised("sell", "SoldOut");

    assertThat(raised.type()).isEqualTo("SoldOut");
    assertThat(raised.exception().module()).isEqualTo("raising");
    assertThat(raised.exception().classes())
        .containsSubsequence(
            "raising.SoldOut", "raising.OutOfStock", "raising.ShopError", "builtins.LookupError");
    assertThat(raised.isA("raising.ShopError")).isTrue();
    assertThat(raised.isA("LookupError")).isTrue();
    assertThat(raised.isA("ValueError")).isFalse();
  }

  @Test
  void row23_aChainIsAChainOfCauses() {
    PythonRaised raised = raised("chained", 3);

    assertThat(raised.exception().message()).isEqualTo("step 3");
    assertThat(raised)
        .hasRootCauseMessage(
            raised.getMessage().replace("ShopError: step 3", "KeyError: 'the root'"));
    int length = 0;
    for (Throwable each = raised; each != null; each = each.getCause()) {
      assertThat(each.getStackTrace()[0].getMethodName()).isEqualTo("chained");
      length++;
    }
    assertThat(length).isEqualTo(4);
  }

  @Test
  void row23_aChainThatIsVeryLongIsCutAndOneThatIsACircleEnds() {
    assertThat(raised("chained", 200).getCause()).isInstanceOf(PythonRaised.class);
    assertThat(raised("circular").getCause()).hasNoCause();
  }

  @Test
  void row23_aContextIsACauseUnlessItWasSuppressed() {
    assertThat(raised("in_context", false).getCause()).hasMessageContaining("KeyError: 'first'");
    assertThat(raised("in_context", true)).hasNoCause();
  }

  @Test
  void row23_notesEndTheMessage() {
    needsPython311();
    PythonRaised raised = raised("noted");

    assertThat(raised.exception().notes())
        .containsExactly("first note", "second note\nin two lines");
    assertThat(raised)
        .hasMessageEndingWith("\nnotes:\n  | first note\n  | second note\n  | in two lines");
  }

  @Test
  void row23_theMembersOfAGroupAreSuppressedExceptions() {
    needsPython311();
    PythonRaised raised = raised("grouped");

    assertThat(raised.isA("ExceptionGroup")).isTrue();
    assertThat(raised.exception().group())
        .extracting(PythonException::type)
        .containsExactly("KeyError", "OutOfStock", "ExceptionGroup");
    assertThat(raised.getSuppressed()).hasSize(3).allMatch(PythonRaised.class::isInstance);
    assertThat(raised.getSuppressed()[1].getStackTrace()[0].getMethodName()).isEqualTo("grouped");
    assertThat(raised.getSuppressed()[2].getSuppressed())
        .singleElement()
        .asString()
        .contains("TypeError: deep");
    assertThat(raised.getCause()).hasMessageContaining("ValueError");
    var printed = new StringWriter();
    raised.printStackTrace(new PrintWriter(printed));
    assertThat(printed.toString()).contains("Suppressed: ", "TypeError: deep", "Caused by: ");
  }

  @Test
  void row23_aRecursionTellsBothItsEnds() {
    StackTraceElement[] frames = raised("recurse").getStackTrace();

    assertThat(frames).hasSizeBetween(50, 200);
    assertThat(frames[0].getMethodName()).isEqualTo("recurse");
    assertThat(frames[frames.length - 1].getMethodName()).isEqualTo("recurse");
  }

  @Test
  void row23_aSyntaxErrorTellsItsPlace() {
    PythonRaised raised = raised("compile_nonsense");

    assertThat(raised.isA("SyntaxError")).isTrue();
    assertThat(raised).hasMessageContaining("nonsense.py, line 1");
    assertThat(raised.getStackTrace()[0].getMethodName()).isEqualTo("compile_nonsense");
    var unknown = (UnknownTarget) failureOf(tested.pool().call(Call.of("invalid.syntax_error:f")));
    assertThat(unknown.reason()).isEqualTo(UnknownTarget.Reason.IMPORT_FAILED);
    assertThat(unknown.exception()).extracting(PythonException::type).isEqualTo("SyntaxError");
  }

  @Test
  void row23_whatWasRaisedInAnotherThreadKeepsItsFrames() {
    assertThat(raised("in_thread").getStackTrace())
        .extracting(StackTraceElement::getMethodName)
        .containsSubsequence("sell", "work", "in_thread");
  }

  @ParameterizedTest
  @ValueSource(strings = {"Mute", "Talkative"})
  void row23_whatSpeaksOddlyIsToldAllTheSame(String kind) {
    PythonRaised raised = raised("sell", kind);

    assertThat(raised.type()).isEqualTo(kind);
    assertThat(raised.exception().message()).isNotBlank().hasSizeLessThan(20_000);
  }

  @Test
  void row23_aMetaclassThatHidesItsClassesHarmsNobody() {
    assertThat(raised("secretive").type()).isEqualTo("Secret");
  }

  // ---- where it was called

  @Test
  void whoJoinsFindsItsOwnFramesBehindPythons() {
    RunningCall call = tested.pool().call(Call.of("raising:sell", "SoldOut"));

    var first = catchThrowableOfType(PythonRaised.class, call::join);
    var second = catchThrowableOfType(PythonRaised.class, call::join);

    assertThat(first.getStackTrace()[0].getMethodName()).isEqualTo("sell");
    assertThat(first.getStackTrace())
        .extracting(StackTraceElement::getMethodName)
        .containsSubsequence("sell", "join", "whoJoinsFindsItsOwnFramesBehindPythons");
    assertThat(second.getStackTrace()).hasSizeGreaterThan(1);
    assertThat(second).isNotSameAs(first);
    assertThat(failureOf(call).getStackTrace())
        .extracting(StackTraceElement::getMethodName)
        .containsExactly("sell");
  }

  // ---- the user's own

  @Test
  void callsFailWithTheUsersExceptionAndWhatIsNotNamedStays() {
    try (var pool = TestPool.start().awaitReady(2)) {
      RunningCall before = pool.pool().call(Call.of("raising:sell", "SoldOut"));
      pool.pool().translate(SHOP);

      assertThat(failureOf(before)).isInstanceOf(PythonRaised.class);
      RunningCall call = pool.pool().call(Call.of("raising:sell", "SoldOut", "no more tea"));
      var joined = catchThrowableOfType(OutOfStock.class, call::join);
      assertThat(joined).hasMessage("no more tea").hasCauseInstanceOf(PythonRaised.class);
      assertThat(joined.getStackTrace())
          .extracting(StackTraceElement::getMethodName)
          .contains("callsFailWithTheUsersExceptionAndWhatIsNotNamedStays");
      assertThat(joined.getCause().getStackTrace()[0].getMethodName()).isEqualTo("sell");
      assertThat(outOfStock(call.thenApply(Reply::json))).hasMessage("no more tea");
      assertThat(outOfStock(call.toCompletableFuture())).hasMessage("no more tea");
      assertThat(failureOf(pool.pool().call(Call.of("raising:sell", "ShopError"))))
          .isInstanceOf(PythonRaised.class);
      assertThat(failureOf(pool.pool().call(Call.of("nowhere:f"))))
          .isInstanceOf(UnknownTarget.class);
      assertThat(get(pool.pool().call(Call.of("targets:echo", 1))).as(Integer.class)).isEqualTo(1);
      assertThat(pool.pool().call(Call.of("targets:echo", 2)).join().as(Integer.class))
          .isEqualTo(2);
    }
  }

  @Test
  void sessionsAndCheckoutsFailWithItTooAndActorsAreToldWhatWasRaised() {
    Call sell = Call.of("raising:sell", "OutOfStock");
    try (var pool = TestPool.start().awaitReady(2)) {
      pool.pool().translate(SHOP);

      assertThat(outOfStock(pool.pool().session("s").call(sell))).hasMessage("nothing left");
      try (var checkout = get(pool.pool().checkout())) {
        assertThat(outOfStock(checkout.call(sell))).hasMessage("nothing left");
      }
      CompletionStage<Reply> asked =
          AskPattern.askWithStatus(
              pool.pool().ref(),
              (ActorRef<StatusReply<Reply>> replyTo) -> new Pool.Execute(sell, replyTo),
              Duration.ofSeconds(20),
              pool.system().scheduler());
      assertThat(failureOf(asked)).isInstanceOf(PythonRaised.class);
    }
  }

  @Test
  void aStreamFailsWithItBehindItsElements() {
    try (var pool = TestPool.start().awaitReady(2)) {
      pool.pool().translate(SHOP);
      var seen = new CopyOnWriteArrayList<Integer>();

      CompletionStage<Done> end =
          pool.pool().stream(Call.of("raising:sell_some", 3))
              .map(chunk -> chunk.as(Integer.class))
              .runForeach(seen::add, pool.system());

      assertThat(outOfStock(end)).hasMessage("nothing left").hasCauseInstanceOf(PythonRaised.class);
      assertThat(seen).containsExactly(0, 1, 2);
      assertThat(
              outOfStock(
                  Source.single(1)
                      .via(pool.pool().flow(1, any -> Call.of("raising:sell", "OutOfStock")))
                      .runWith(Sink.ignore(), pool.system())))
          .hasMessage("nothing left");
    }
  }

  @Test
  void theUsersCodeRunsOnTheCallbackDispatcherAndMayFail() {
    var thread = new AtomicReference<>("");
    var mistake = new IllegalStateException("my own mistake");
    try (var pool = TestPool.start().awaitReady(2)) {
      pool.pool()
          .translate(
              SHOP.with(
                  "raising.ShopError",
                  raised -> {
                    thread.set(Thread.currentThread().getName());
                    throw mistake;
                  }));

      var told = failureOf(pool.pool().call(Call.of("raising:sell", "ShopError")));

      assertThat(told).isInstanceOf(PythonRaised.class);
      assertThat(told.getSuppressed()).containsExactly(mistake);
      assertThat(thread.get()).contains("callback-dispatcher");
    }
  }

  @Test
  void aCancelOfATranslatedCallIsStillACancel() {
    try (var pool = TestPool.start().awaitReady(2)) {
      pool.pool().translate(SHOP);
      RunningCall call = pool.pool().call(Call.of("targets:sleep", 20));

      assertThat(call.cancel()).isTrue();
      assertThat(call.isDone()).isTrue();
      assertThat(failureOf(call).name()).isEqualTo("Cancelled");
    }
  }

  private static OutOfStock outOfStock(CompletionStage<?> stage) {
    CompletableFuture<Throwable> failure =
        stage.handle((value, failed) -> failed).toCompletableFuture();
    Throwable found = get(failure);
    return (OutOfStock)
        List.of(found, found.getCause() == null ? found : found.getCause()).stream()
            .filter(OutOfStock.class::isInstance)
            .findFirst()
            .orElseThrow(() -> new AssertionError(found));
  }
}
