package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;
import static org.awaitility.Awaitility.await;

import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.NotSerializable;
import io.gorgon.message.PythonFailure.PythonRaised;
import io.gorgon.message.PythonFailure.SessionExpired;
import io.gorgon.message.PythonFailure.SessionQuota;
import io.gorgon.message.PythonFailure.TooLarge;
import io.gorgon.message.PythonFailure.WorkerLost;
import io.gorgon.message.Reply;
import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;
import org.apache.pekko.stream.javadsl.Sink;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Sessions on real Python: their state, their order, and what faults do to them. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class SessionsTest {

  private static final Duration QUICKLY = Duration.ofSeconds(20);

  private static TestPool shared;

  @BeforeAll
  static void start() {
    shared = TestPool.start("min-workers = 3, max-workers = 3");
  }

  @AfterAll
  static void stop() {
    shared.close();
  }

  private static Session session(String key) {
    return shared.pool().session(key);
  }

  private static Call increment() {
    return Call.of("sessions:increment");
  }

  private static Object value(Session session, Call call) {
    return get(session.call(call)).value();
  }

  private static Map<String, Object> state(Session session) {
    return get(session.state()).decoded();
  }

  @Test
  void whatACallChangesIsThereInTheNextOneWhoeverRunsIt() {
    Session session = session("a");

    assertThat(IntStream.range(0, 50).mapToObj(i -> value(session, increment())).toList())
        .isEqualTo(IntStream.rangeClosed(1, 50).boxed().toList());
    assertThat(state(session)).containsExactly(entry("count", 50));
    assertThat(value(session, Call.of("sessions:who"))).isEqualTo("a");
    assertThat(value(session("b"), Call.of("sessions:everything"))).isEqualTo(Map.of());
  }

  @Test
  void theLastWorkerIsPreferredAndKeepsItsCache() {
    Session session = session("cached");
    Set<Object> served = new HashSet<>();
    for (int i = 0; i < 20; i++) {
      served.add(value(session, Call.of("sessions:pid_and_cached")));
    }

    assertThat(served).hasSize(20);
    assertThat(served.stream().map(seen -> ((List<?>) seen).get(0)).distinct()).hasSize(1);
  }

  @Test
  void changesDeepInsideAValueAreSeenAndValuesOfAllKindsAreKept() {
    Session session = session("deep");
    value(session, Call.of("sessions:append", 1));
    value(session, Call.of("sessions:append", Map.of("two", List.of(2))));
    value(session, Call.of("sessions:put", "bytes", new byte[] {0, 1, (byte) 0xff}));
    value(session, Call.of("sessions:put", "gone", "x"));
    value(session, Call.of("sessions:put", "set", Set.of(1)));
    value(session, Call.of("sessions:remove", "gone"));

    Map<String, Object> state = state(session);
    assertThat(state).containsOnlyKeys("items", "bytes", "set");
    assertThat(state.get("items")).isEqualTo(List.of(1, Map.of("two", List.of(2))));
    assertThat((byte[]) state.get("bytes")).containsExactly(0, 1, 0xff);
    assertThat(state.get("set")).isEqualTo(Set.of(1));
    // Another worker has the same.
    kill(get(session.call(Call.of("sessions:who"))));
    assertThat(((Map<?, ?>) value(session, Call.of("sessions:everything"))).keySet())
        .isEqualTo(Set.of("items", "bytes", "set"));
  }

  private static void kill(Reply served) {
    long pid =
        get(shared.pool().stats()).workers().stream()
            .filter(worker -> worker.slot() == served.worker().slot())
            .findFirst()
            .orElseThrow()
            .pid();
    ProcessHandle.of(pid).orElseThrow().destroyForcibly();
  }

  @Test
  void aCallThatFailsInAnyWayLeavesTheStateAsItWas() {
    Session session = session("failing");
    value(session, increment());

    assertThat(failureOf(session.call(Call.of("sessions:increment_then", "raise"))))
        .isInstanceOf(PythonRaised.class);
    assertThat(failureOf(session.call(Call.of("sessions:increment_then", "exit"))))
        .isInstanceOf(WorkerLost.class);
    assertThat(
            failureOf(
                session.call(
                    Call.of("sessions:increment_then", "sleep", 0.5)
                        .withTimeout(Duration.ofMillis(100)))))
        .isInstanceOf(DeadlineExceeded.class);
    RunningCall cancelled = session.call(Call.of("sessions:increment_then", "sleep", 0.5));
    cancelled.cancel();
    assertThat(failureOf(cancelled)).isInstanceOf(Cancelled.class);
    PythonFailure unsendable = failureOf(session.call(Call.of("sessions:unsendable")));
    assertThat(unsendable).isInstanceOf(NotSerializable.class);
    assertThat(unsendable).hasMessageContaining("gorgon.session.state['box'].inner[1]");
    assertThat(failureOf(session.call(Call.of("sessions:put", "big", "x".repeat(1 << 20)))))
        .isInstanceOf(TooLarge.class)
        .hasMessageContaining("the state of session failing");

    assertThat(state(session)).containsExactly(entry("count", 1));
    assertThat(value(session, increment())).isEqualTo(2);
  }

  @Test
  void callsOfOneSessionRunInOrderAndOfManyInParallel() {
    List<RunningCall> calls = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      calls.add(session("order" + i % 4).call(Call.of("sessions:append", i)));
    }
    calls.forEach(TestPool::get);

    for (int key = 0; key < 4; key++) {
      int first = key;
      assertThat(state(session("order" + key)).get("items"))
          .isEqualTo(IntStream.range(0, 50).mapToObj(i -> first + 4 * i).toList());
    }
  }

  @Test
  void aStreamCommitsAtItsEndAndAtEachCheckpoint() throws Exception {
    assertThat(run("s1", Call.of("sessions:counting", 3))).hasSize(3);
    assertThat(state(session("s1"))).containsExactly(entry("count", 3));

    assertThat(streamFailure("s2", Call.of("sessions:counting", 3, false, true)))
        .isInstanceOf(PythonRaised.class);
    assertThat(state(session("s2"))).isEmpty();

    assertThat(streamFailure("s3", Call.of("sessions:counting", 3, true, true)))
        .isInstanceOf(PythonRaised.class);
    assertThat(state(session("s3"))).containsExactly(entry("count", 3));
  }

  private static List<?> run(String key, Call call) {
    return get(session(key).stream(call).runWith(Sink.seq(), shared.system()));
  }

  private static Throwable streamFailure(String key, Call call) {
    return failureOf(session(key).stream(call).runWith(Sink.seq(), shared.system()));
  }

  @Test
  void whatACheckpointHasKeptStaysWhateverBecomesOfTheCall() {
    Session session = session("checkpoint");

    assertThat(failureOf(session.call(Call.of("sessions:checkpoint_then", "raise"))))
        .isInstanceOf(PythonRaised.class);
    assertThat(state(session)).containsExactly(entry("count", 1));
    assertThat(failureOf(session.call(Call.of("sessions:checkpoint_then", "exit"))))
        .isInstanceOf(WorkerLost.class);
    assertThat(state(session)).containsExactly(entry("count", 2));
    assertThat(value(session, Call.of("sessions:checkpoint_then", "return"))).isEqualTo(4);
    assertThat(state(session)).containsExactly(entry("count", 4));
    assertThat(value(session("versions"), Call.of("sessions:checkpoint_versions")))
        .isEqualTo(List.of(0, 1, 1));
    assertThat(get(session("versions").state()).version()).isEqualTo(1);
  }

  @Test
  void anAsyncFunctionHasTheStateToo() {
    assertThat(value(session("async"), Call.of("sessions:increment_async"))).isEqualTo(1);
    assertThat(state(session("async"))).containsExactly(entry("count", 1));
  }

  @ParameterizedTest
  @EnumSource
  void everyAffinityHasTheState(Affinity affinity) {
    Session session = session("affinity-" + affinity).with(affinity);

    for (int i = 1; i <= 10; i++) {
      assertThat(value(session, increment())).isEqualTo(i);
    }
    assertThat(state(session)).containsExactly(entry("count", 10));
  }

  @Test
  void outsideASessionThereIsNoState() {
    assertThat(get(shared.pool().call(Call.of("sessions:outside"))).value())
        .asString()
        .contains("pool.session(key).call");
  }

  @Test
  void anEndedSessionStartsAnewWithAnEmptyStateAndCache() {
    Session session = session("ended");
    value(session, increment());
    value(session, Call.of("sessions:pid_and_cached"));

    get(session.end());

    assertThat(state(session)).isEmpty();
    assertThat(((List<?>) value(session, Call.of("sessions:pid_and_cached"))).get(1)).isEqualTo(1);
    assertThat(value(session, increment())).isEqualTo(1);
  }

  @Test
  void severalSessionsRunAtOnceInOneConcurrentWorker() {
    try (TestPool pool = TestPool.start("min-workers = 1, max-workers = 1, concurrency = 8")) {
      List<RunningCall> calls = new ArrayList<>();
      for (int i = 0; i < 400; i++) {
        String how = i % 2 == 0 ? "sessions:increment" : "sessions:increment_async";
        calls.add(pool.pool().session("c" + i % 10).call(Call.of(how)));
      }
      calls.forEach(TestPool::get);
      for (int i = 0; i < 10; i++) {
        assertThat(state(pool.pool().session("c" + i))).containsExactly(entry("count", 40));
      }
    }
  }

  @Test
  void aBridgeRefusesNoCallThatFollowsOneThatHasItsAnswer() {
    try (TestPool bridge = TestPool.start("mode = bridge").awaitReady(1)) {
      Session session = bridge.pool().session("one-by-one");
      for (int i = 1; i <= 500; i++) {
        assertThat(value(session, increment())).isEqualTo(i);
      }
    }
  }

  @Test
  void row19_anExpiredSessionSaysSoOnceAndStartsAnew() {
    try (TestPool pool =
        TestPool.start(
            "min-workers = 1, max-workers = 1, session.ttl = 300ms, session.sweep = 1d")) {
      Session session = pool.pool().session("s");
      value(session, increment());
      await().atMost(QUICKLY).until(() -> failureOrNull(session) instanceof SessionExpired);

      assertThat(failureOf(session.call(increment()))).isInstanceOf(SessionExpired.class);
      assertThat(value(session, increment())).isEqualTo(1);
    }
  }

  private static Throwable failureOrNull(Session session) {
    try {
      session.state().toCompletableFuture().join();
      return null;
    } catch (CompletionException failed) {
      return failed.getCause();
    }
  }

  @Test
  void aSweepTakesExpiredSessionsOut() {
    try (TestPool pool =
        TestPool.start(
            "min-workers = 1, max-workers = 1, session { ttl = 200ms, sweep = 100ms, quota = 1 }")) {
      value(pool.pool().session("old"), increment());
      assertThat(failureOf(pool.pool().session("new").call(increment())))
          .isInstanceOf(SessionQuota.class);

      await()
          .atMost(QUICKLY)
          .until(
              () ->
                  pool.pool()
                      .session("new")
                      .call(increment())
                      .handle((reply, failed) -> failed == null)
                      .toCompletableFuture()
                      .join());
    }
  }

  @Test
  void row20_oneMoreThanTheQuotaIsRefusedUntilAnotherEnds() {
    try (TestPool pool = TestPool.start("min-workers = 1, max-workers = 1, session.quota = 2")) {
      value(pool.pool().session("1"), increment());
      value(pool.pool().session("2"), increment());

      assertThat(failureOf(pool.pool().session("3").call(increment())))
          .isInstanceOf(SessionQuota.class);
      assertThat(value(pool.pool().session("1"), increment())).isEqualTo(2);
      get(pool.pool().session("2").end());
      assertThat(value(pool.pool().session("3"), increment())).isEqualTo(1);
    }
  }

  /** The counters of a hundred sessions are what was acknowledged, though workers are killed. */
  @Test
  void killedWorkersLoseAndDoubleNoChange() throws Exception {
    int increments = 10_000;
    int sessions = 100;
    var random = new Random(5);
    try (TestPool pool =
        TestPool.start("min-workers = 3, max-workers = 3, queue-capacity = 20000")) {
      int[] acknowledged = new int[sessions];
      List<RunningCall> calls = new ArrayList<>();
      for (int i = 0; i < increments; i++) {
        calls.add(pool.pool().session("k" + i % sessions).call(increment()));
        if (i % 200 == 199) {
          calls.get(i - 150).handle((reply, failed) -> true).toCompletableFuture().join();
          killOne(pool, random);
        }
      }
      int unanswered = 0;
      for (int i = 0; i < increments; i++) {
        Throwable failed =
            calls.get(i).handle((reply, failure) -> failure).toCompletableFuture().join();
        if (failed == null) {
          acknowledged[i % sessions]++;
        } else {
          assertThat(failed).isInstanceOf(WorkerLost.class);
          assertThat(((WorkerLost) failed).started()).isTrue();
          unanswered++;
        }
      }
      for (int i = 0; i < sessions; i++) {
        assertThat(state(pool.pool().session("k" + i)))
            .containsExactly(entry("count", acknowledged[i]));
      }
      assertThat(unanswered).isLessThan(60);
    }
  }

  private static void killOne(TestPool pool, Random random) {
    List<Long> pids =
        get(pool.pool().stats()).workers().stream()
            .map(worker -> worker.pid())
            .filter(pid -> pid > 0)
            .toList();
    if (!pids.isEmpty()) {
      ProcessHandle.of(pids.get(random.nextInt(pids.size())))
          .ifPresent(ProcessHandle::destroyForcibly);
    }
  }
}
