package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.type.TypeReference;
import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.PythonRaised;
import io.gorgon.message.PythonFailure.WorkerLost;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import io.gorgon.stream.JavaSource;
import io.gorgon.tool.Tools;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.Source;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Python calls Java: tools, and sources as arguments, on real Python. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class ToolsTest {

  private static TestPool shared;

  @BeforeAll
  static void start() {
    shared = TestPool.start().awaitReady(2);
    shared
        .pool()
        .offer(
            Tools.NONE
                .with("echo", call -> call.argument(0, Object.class))
                .with("keys", call -> List.copyOf(call.keywords()))
                .withAsync(
                    "later",
                    call ->
                        CompletableFuture.supplyAsync(
                            () -> 2 * call.argument(0, Integer.class),
                            CompletableFuture.delayedExecutor(
                                20, java.util.concurrent.TimeUnit.MILLISECONDS)))
                .with(
                    "fail",
                    call -> {
                      throw new IllegalStateException("out of stock");
                    })
                .with(
                    "never",
                    call ->
                        new CountDownLatch(1).await(20, java.util.concurrent.TimeUnit.SECONDS)));
  }

  @AfterAll
  static void stop() {
    shared.close();
  }

  private static List<String> told(String tool, Object... arguments) {
    List<Object> all = new ArrayList<>(List.of(tool));
    all.addAll(Arrays.asList(arguments));
    return get(shared.pool().call(Call.of("streaming:ask_and_tell", all.toArray())))
        .as(new TypeReference<List<String>>() {});
  }

  @Test
  void box22_valuesOfEveryKindGoThereAndBack() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("list", List.of(1, 2.5, "three"));
    map.put("nothing", null);
    for (Object value : new Object[] {null, true, 7, "text", List.of(), map, new byte[] {1, 2}}) {
      assertThat(get(shared.pool().call(Call.of("streaming:ask", "echo", value))).value())
          .isEqualTo(value);
    }
  }

  @Test
  void box22b_keywordsArriveByName() {
    Call call = Call.of("streaming:ask", "keys").with("first", 1).with("second", 2);

    assertThat(get(shared.pool().call(call)).as(new TypeReference<List<String>>() {}))
        .containsExactly("first", "second");
  }

  @Test
  void box22c_asyncCodeAsksSeveralAtOnce() {
    assertThat(
            get(shared.pool().call(Call.of("streaming:ask_async", "later", 1, 2, 3)))
                .as(new TypeReference<List<Integer>>() {}))
        .containsExactly(2, 4, 6);
  }

  @Test
  void box22d_aToolThatFailsIsATypedExceptionInPython() {
    assertThat(told("fail"))
        .containsExactly("HostError", "java.lang.IllegalStateException", "out of stock");
  }

  @Test
  void box22e_whatPythonDoesNotCatchComesBack() {
    var raised = (PythonRaised) failureOf(shared.pool().call(Call.of("streaming:ask", "fail")));

    assertThat(raised.type()).isEqualTo("HostError");
    assertThat(raised).hasMessageContaining("out of stock");
  }

  @Test
  void box22f_anUnknownToolIsNamedWithThoseThatThereAre() {
    assertThat(told("nothing").get(0)).isEqualTo("UnknownTool");
    assertThat(told("nothing").get(2)).contains("nothing").contains("echo");
    List<Object> described =
        get(shared.pool().call(Call.of("talking:ask_and_describe", "nothing")))
            .as(new TypeReference<List<Object>>() {});
    assertThat(described.get(4)).isEqualTo(List.of("echo", "keys", "later", "fail", "never"));
  }

  @Test
  void box22g_missingArgumentsAreToldToPython() {
    assertThat(told("echo").get(0)).isEqualTo("BadToolArguments");
  }

  @Test
  void box22h_aTimeoutOfPythonsOwnIsRaisedThere() {
    Call call = Call.of("streaming:ask_and_tell", "never").with("timeout", 0.1);

    assertThat(get(shared.pool().call(call)).as(new TypeReference<List<String>>() {}).get(0))
        .isEqualTo("HostTimeout");
  }

  @Test
  void aToolThatNeverAnswersEndsWithTheCall() {
    Call call = Call.of("streaming:ask", "never").withTimeout(Duration.ofMillis(300));

    assertThat(failureOf(shared.pool().call(call))).isInstanceOf(DeadlineExceeded.class);
  }

  @Test
  void aSessionsToolsAreItsOwnAndGoBeforeThePools() {
    Session session =
        shared
            .pool()
            .session("s")
            .with(Tools.NONE.with("fail", call -> "well").with("mine", call -> 1));

    assertThat(get(session.call(Call.of("streaming:ask", "fail"))).as(String.class))
        .isEqualTo("well");
    assertThat(told("mine").get(0)).isEqualTo("UnknownTool");
  }

  @Test
  void pythonCallsJavaWhichCallsPython() {
    try (var pool = TestPool.start().awaitReady(2)) {
      pool.pool()
          .offer(
              Tools.NONE.withAsync(
                  "root",
                  call ->
                      pool.pool()
                          .call(Call.of("math:sqrt", call.argument(0, Double.class)))
                          .thenApply(reply -> reply.as(Double.class))));

      assertThat(get(pool.pool().call(Call.of("streaming:ask", "root", 16))).as(Double.class))
          .isEqualTo(4.0);
    }
  }

  @Test
  void aChainThatFindsNoWorkerEndsByTheOuterDeadline() {
    try (var pool = TestPool.start("min-workers = 1, max-workers = 1").awaitReady(1)) {
      pool.pool()
          .offer(
              Tools.NONE.withAsync("again", call -> pool.pool().call(Call.of("targets:echo", 1))));
      Call outer = Call.of("streaming:ask", "again").withTimeout(Duration.ofMillis(500));

      assertThat(failureOf(pool.pool().call(outer))).isInstanceOf(DeadlineExceeded.class);
      assertThat(get(pool.pool().call(Call.of("targets:echo", 1))).as(Integer.class)).isEqualTo(1);
    }
  }

  @Test
  void nestingHasALimitThatIsToldToPython() {
    try (var pool =
        TestPool.start("min-workers = 3, max-workers = 3", "max-nesting = 2").awaitReady(3)) {
      var depth = new AtomicInteger();
      pool.pool()
          .offer(
              Tools.NONE.withAsync(
                  "deeper",
                  call -> {
                    depth.incrementAndGet();
                    return pool.pool()
                        .call(Call.of("streaming:ask_and_tell", "deeper"))
                        .thenApply(reply -> reply.value());
                  }));

      assertThat(
              get(pool.pool().call(Call.of("streaming:ask", "deeper")))
                  .as(new TypeReference<List<String>>() {})
                  .get(0))
          .isEqualTo("NestedTooDeep");
      assertThat(depth).hasValue(2);
    }
  }

  // ---- sources as arguments

  @Test
  void aJavaSourceIsAnIterator() {
    assertThat(
            get(shared
                    .pool()
                    .call(Call.of("streaming:total", JavaSource.of(Source.range(1, 1_000)))))
                .as(Integer.class))
        .isEqualTo(500_500);
  }

  @Test
  void pythonTakesFromASourceOnlyWhatItWants() {
    List<Integer> taken = Collections.synchronizedList(new ArrayList<>());
    Source<Integer, ?> source = Source.range(0, 1_000_000).wireTap(taken::add);

    assertThat(
            get(shared.pool().call(Call.of("streaming:first", JavaSource.of(source), 5)))
                .as(new TypeReference<List<Integer>>() {}))
        .containsExactly(0, 1, 2, 3, 4);
    assertThat(taken.size()).isLessThan(100);
  }

  @Test
  void aCallThatHasTakenFromASourceIsNotRunAgain() {
    try (var pool = TestPool.start("min-workers = 1, max-workers = 1").awaitReady(1)) {
      var runs = new AtomicInteger();
      Source<Integer, ?> source =
          Source.range(1, 100)
              .mapMaterializedValue(
                  none -> {
                    runs.incrementAndGet();
                    return none;
                  });
      Call call = Call.of("streaming:take_and_die", JavaSource.of(source)).idempotent(2);

      var lost = (WorkerLost) failureOf(pool.pool().call(call));
      assertThat(lost.started()).isTrue();
      assertThat(runs).hasValue(1);
    }
  }

  @Test
  void aSourceThatFailsIsRaisedInPython() {
    Source<Integer, ?> source =
        Source.range(1, 3).concat(Source.failed(new IllegalStateException("the well is dry")));

    var raised =
        (PythonRaised)
            failureOf(shared.pool().call(Call.of("streaming:total", JavaSource.of(source))));
    assertThat(raised.type()).isEqualTo("HostError");
    assertThat(raised).hasMessageContaining("the well is dry");
  }

  @Test
  void aStreamOfAStreamFlowsBothWays() {
    List<Integer> doubled =
        get(
            shared.pool().stream(
                    Call.of("streaming:doubled", JavaSource.of(Source.range(0, 4_999))))
                .map(chunk -> chunk.as(Integer.class))
                .runWith(Sink.seq(), shared.system()));

    assertThat(doubled).isEqualTo(IntStream.range(0, 5_000).map(n -> 2 * n).boxed().toList());
  }
}
