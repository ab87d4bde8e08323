package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.type.TypeReference;
import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.UnknownTarget.Reason;
import io.gorgon.message.Reply;
import io.gorgon.pool.Pool;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.pattern.StatusReply;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Calls and their outcomes, on real Python. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class CallsTest {

  private static TestPool tested;
  private static PythonPool pool;

  @BeforeAll
  static void start() {
    tested = TestPool.start().awaitReady(2);
    pool = tested.pool();
  }

  @AfterAll
  static void stop() {
    if (tested != null) {
      tested.close();
    }
  }

  record Row(String name, int size) {}

  @Test
  void answersWithTheValue() {
    Reply reply = pool.call(Call.of("math:sqrt", 16)).join();

    assertThat(reply.as(Double.class)).isEqualTo(4.0);
    assertThat(reply.attempts()).isEqualTo(1);
    assertThat(reply.worker().pool()).isEqualTo(pool.name());
    assertThat(reply.ran()).isPositive();
  }

  @Test
  void passesPositionalAndKeywordArguments() {
    assertThat(pool.call(Call.of("targets:add", 1).with("b", 2)).join().as(Integer.class))
        .isEqualTo(3);
    assertThat(
            pool.call(Call.of("builtins:sorted", List.of(2, 3, 1)).with("reverse", true))
                .join()
                .as(new TypeReference<List<Integer>>() {}))
        .containsExactly(3, 2, 1);
  }

  @Test
  void followsDottedAttributes() {
    assertThat(pool.call(Call.of("datetime:date.fromordinal.__name__.upper")).join().json())
        .isEqualTo("\"FROMORDINAL\"");
  }

  @Test
  void row21_valuesComeBackAsTheyWent() {
    BigInteger big = BigInteger.TWO.pow(80);
    for (Object value :
        List.of(
            true,
            0,
            -1,
            (1L << 60) + 1,
            big,
            0.1,
            "plain",
            "snow \u2603, treble \ud834\udd1e",
            "",
            List.of(),
            Map.of(),
            List.of(1, List.of("two", Map.of("three", 3))))) {
      assertThat(pool.call(Call.of("targets:echo", value)).join().as(Object.class))
          .isEqualTo(value instanceof Long || value instanceof BigInteger ? value : value);
    }
    assertThat(pool.call(Call.of("targets:echo", (Object) null)).join().as(Object.class)).isNull();
    assertThat(pool.call(Call.of("targets:echo", Double.NaN)).join().as(Double.class)).isNaN();
    assertThat(pool.call(Call.of("targets:echo", Double.NEGATIVE_INFINITY)).join().as(Double.class))
        .isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(pool.call(Call.of("targets:echo", new Row("a", 3))).join().as(Row.class))
        .isEqualTo(new Row("a", 3));
  }

  @Test
  void theStageRunsItsDependentsOnTheCallbackDispatcher() {
    String thread =
        get(pool.call(Call.of("targets:pid")).thenApply(any -> Thread.currentThread().getName()));

    assertThat(thread).contains("callback-dispatcher");
  }

  @Test
  void aCallbackThatWaitsForAnotherCallBlocksNoWorker() {
    var chained =
        IntStream.range(0, 8)
            .mapToObj(
                i ->
                    pool.call(Call.of("targets:echo", i))
                        .thenApply(r -> pool.call(Call.of("targets:echo", i)).join().json())
                        .toCompletableFuture())
            .toList();

    get(CompletableFuture.allOf(chained.toArray(CompletableFuture<?>[]::new)));
  }

  @Test
  void row23_exceptionsArriveTypedWithTheirFrames() {
    for (String type :
        List.of(
            "ValueError",
            "KeyError",
            "TypeError",
            "RuntimeError",
            "ZeroDivisionError",
            "OSError",
            "StopIteration",
            "LookupError",
            "AssertionError",
            "NotImplementedError",
            "RecursionError")) {
      var raised =
          (PythonFailure.PythonRaised)
              failureOf(pool.call(Call.of("targets:raise_error", type, "boom")));

      assertThat(raised.type()).isEqualTo(type);
      assertThat(raised.exception().message()).contains("boom");
      assertThat(raised.getStackTrace()[0].getMethodName()).isEqualTo("raise_error");
      assertThat(raised.getStackTrace()[0].getFileName()).endsWith("targets.py");
      assertThat(raised.traceback()).startsWith("Traceback (most recent call last)");
      assertThat(raised.retryable()).isFalse();
    }
    var chained = failureOf(pool.call(Call.of("targets:raise_chained")));
    assertThat(chained.getCause()).isInstanceOf(PythonFailure.PythonRaised.class);
    var custom = (PythonFailure.PythonRaised) failureOf(pool.call(Call.of("targets:raise_custom")));
    assertThat(custom.type()).isEqualTo("CustomError");
    var mute = (PythonFailure.PythonRaised) failureOf(pool.call(Call.of("targets:raise_bad_str")));
    assertThat(mute.exception().message()).isNotBlank();
    assertThat(tested.eventsOf(io.gorgon.message.PoolEvent.WorkerGone.class)).isEmpty();
  }

  @Test
  void row43_targetsThatDoNotExistAreNamedAndDistinguished() {
    assertUnknown("nowhere:f", Reason.MODULE_MISSING, "nowhere");
    assertUnknown("math:nope", Reason.ATTRIBUTE_MISSING, "nope");
    assertUnknown("targets:not_callable", Reason.NOT_CALLABLE, "not_callable");
    assertUnknown("no colon", Reason.MALFORMED, "module:function");
    assertUnknown("broken_import:f", Reason.IMPORT_FAILED, "broken_import");
    assertUnknown("missing_dependency:f", Reason.IMPORT_FAILED, "missing_dependency");
  }

  private static void assertUnknown(String target, Reason reason, String named) {
    var unknown = (PythonFailure.UnknownTarget) failureOf(pool.call(Call.of(target)));
    assertThat(unknown.reason()).isEqualTo(reason);
    assertThat(unknown).hasMessageContaining(named);
  }

  @Test
  void argumentsThatDoNotFitAreToldWithTheSignature() {
    assertThat(failureOf(pool.call(Call.of("targets:add", 1))))
        .isInstanceOf(PythonFailure.BadArguments.class)
        .hasMessageContaining("targets:add(a")
        .hasMessageContaining("'b'");
    assertThat(failureOf(pool.call(Call.of("targets:add", 1, "two"))))
        .isInstanceOf(PythonFailure.PythonRaised.class);
  }

  @Test
  void row27_resultsThatCannotBeSentAreRefusedWithTheirPath() {
    var refused =
        (PythonFailure.NotSerializable) failureOf(pool.call(Call.of("targets:unserializable")));

    assertThat(refused.path()).isEqualTo("$.a[2].b");
  }

  @Test
  void argumentsThatCannotBeSentAreRefusedBeforeAnythingIsSent() {
    var refused =
        (PythonFailure.NotSerializable)
            failureOf(pool.call(Call.of("targets:echo", Map.of("a", List.of(1, LocalDate.MAX)))));

    assertThat(refused.path()).contains("a").contains("[1]");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 65_000, 70_000, 300_000, 5_000_000})
  void row26_payloadsOfAllSizesGoThrough(int size) {
    String text = "x".repeat(size);

    assertThat(pool.call(Call.of("targets:echo", text)).join().as(String.class)).isEqualTo(text);
  }

  @Test
  void askedThroughItsActorItAnswersTheSame() {
    Reply reply =
        get(
            AskPattern.askWithStatus(
                pool.ref(),
                (ActorRef<StatusReply<Reply>> replyTo) ->
                    new Pool.Execute(Call.of("targets:add", 20, 22), replyTo),
                Duration.ofSeconds(5),
                tested.system().scheduler()));

    assertThat(reply.as(Integer.class)).isEqualTo(42);
  }

  @Test
  void aRequestOverTheLimitIsRefusedAtOnceOnEitherWay() {
    Call call = Call.of("builtins:len", ByteBuffer.allocateDirect(65 << 20));

    assertThat(failureOf(pool.call(call))).isInstanceOf(PythonFailure.TooLarge.class);
    assertThat(
            failureOf(
                AskPattern.askWithStatus(
                    pool.ref(),
                    (ActorRef<StatusReply<Reply>> replyTo) -> new Pool.Execute(call, replyTo),
                    Duration.ofSeconds(5),
                    tested.system().scheduler())))
        .isInstanceOf(PythonFailure.TooLarge.class)
        .hasMessageContaining("frame-limit");
  }

  @Test
  void pythonKnowsTheCallAndTheWorker() {
    RunningCall call = pool.call(Call.of("targets:call_id"));

    assertThat(call.join().as(String.class)).isEqualTo(call.id());
    Reply who = pool.call(Call.of("targets:whoami")).join();
    assertThat(who.as(String.class)).isEqualTo(who.worker().toString());
  }

  @Test
  void row46_printsDoNotDisturbTheProtocol() {
    assertThat(pool.call(Call.of("targets:print_lines", 200, "noise")).join().as(Integer.class))
        .isEqualTo(200);
    assertThat(pool.call(Call.of("targets:print_partial", "half")).join()).isNotNull();
  }

  @Test
  void systemExitIsAnExceptionLikeAnyOther() {
    long before = pool.call(Call.of("targets:pid")).join().as(Long.class);
    var raised = (PythonFailure.PythonRaised) failureOf(pool.call(Call.of("targets:sys_exit", 3)));

    assertThat(raised.type()).isEqualTo("SystemExit");
    assertThat(before).isPositive();
    assertThat(tested.eventsOf(io.gorgon.message.PoolEvent.WorkerGone.class)).isEmpty();
  }

  @Test
  void manyCallersGetEachTheirOwnAnswer() {
    var calls =
        IntStream.range(0, 5_000).mapToObj(i -> Map.entry(i, submitWhenThereIsRoom(i))).toList();

    calls.forEach(
        call -> assertThat(get(call.getValue()).as(Integer.class)).isEqualTo(call.getKey()));
  }

  private static RunningCall submitWhenThereIsRoom(int number) {
    RunningCall call = pool.call(Call.of("targets:echo", number));
    if (number % 500 == 499) {
      call.join();
    }
    return call;
  }
}
