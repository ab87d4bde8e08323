package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.gorgon.message.Call;
import io.gorgon.message.Chunk;
import io.gorgon.message.Exit;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.NotAStream;
import io.gorgon.message.PythonFailure.NotSerializable;
import io.gorgon.message.PythonFailure.PythonRaised;
import io.gorgon.message.PythonFailure.WorkerLost;
import io.gorgon.message.Reply;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.apache.pekko.Done;
import org.apache.pekko.japi.Pair;
import org.apache.pekko.stream.javadsl.Keep;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.stream.javadsl.SourceWithContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Python generators as Pekko Streams, on real Python. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class StreamsTest {

  private static TestPool shared;

  @TempDir Path directory;

  @BeforeAll
  static void start() {
    shared = TestPool.start().awaitReady(2);
  }

  @AfterAll
  static void stop() {
    shared.close();
  }

  private static List<Integer> integers(List<Chunk> chunks) {
    return chunks.stream().map(chunk -> chunk.as(Integer.class)).toList();
  }

  private static List<Integer> upTo(int last) {
    return IntStream.range(0, last).boxed().toList();
  }

  private static List<Integer> run(TestPool pool, Source<Chunk, ?> source) {
    return integers(get(source.runWith(Sink.seq(), pool.system())));
  }

  @ParameterizedTest
  @ValueSource(strings = {"streaming:count", "streaming:count_async"})
  void box30_aGeneratorIsASourceInOrder(String target) {
    assertThat(run(shared, shared.pool().stream(Call.of(target, 1_000)))).isEqualTo(upTo(1_000));
  }

  @Test
  void theReplyIsWhatTheGeneratorReturned() {
    Pair<RunningCall, CompletionStage<Done>> running =
        shared.pool().stream(Call.of("streaming:count", 3))
            .toMat(Sink.ignore(), Keep.both())
            .run(shared.system());

    assertThat(get(running.first()).as(Integer.class)).isEqualTo(3);
    get(running.second());
  }

  @Test
  void anythingToGoThroughIsAStreamAndEachRunIsACall() {
    Source<Chunk, RunningCall> source = shared.pool().stream(Call.of("builtins:range", 4));

    assertThat(run(shared, source)).isEqualTo(upTo(4));
    assertThat(run(shared, source)).isEqualTo(upTo(4));
  }

  @Test
  void whatCannotBeGoneThroughIsNoStream() {
    assertThat(
            failureOf(
                shared.pool().stream(Call.of("math:sqrt", 4))
                    .runWith(Sink.ignore(), shared.system())))
        .isInstanceOf(NotAStream.class)
        .hasMessageContaining("float");
  }

  @Test
  void row54_aSlowConsumerStopsTheGeneratorAfterTheWindow() throws IOException {
    Path note = directory.resolve("note");
    try (var pool = TestPool.start("min-workers = 1, max-workers = 1", "stream-window = 4")) {
      pool.awaitReady(1);
      var probe =
          pool.pool().stream(Call.of("streaming:count_and_note", 1_000, note.toString()))
              .map(chunk -> chunk.as(Integer.class))
              .runWith(Sink.queue(), pool.system());
      for (int i = 0; i < 10; i++) {
        assertThat(get(probe.pull()).orElseThrow()).isEqualTo(i);
      }
      probe.cancel();

      await().until(() -> Files.exists(note) && Files.readString(note).endsWith("closed\n"));
      int made = Integer.parseInt(Files.readString(note).split(" ")[0]);
      assertThat(made).isBetween(10, 10 + 4 + 16);
      assertThat(get(pool.pool().call(Call.of("targets:echo", 1))).worker().generation())
          .as("the worker was kept")
          .isEqualTo(1);
    }
  }

  @Test
  void aMillionElementsLeaveTheMemoryOfBothSidesFlat() throws IOException {
    try (var pool = TestPool.start("min-workers = 1, max-workers = 1").awaitReady(1)) {
      long pid = pool.stats().workers().get(0).pid();
      var residents = new ArrayList<Long>();
      var heaps = new ArrayList<Long>();
      long count =
          get(
              pool.pool().stream(Call.of("builtins:range", 1_000_000))
                  .wireTap(
                      chunk -> {
                        if (chunk.index() % 200_000 == 100_000) {
                          residents.add(residentKib(pid));
                          System.gc();
                          heaps.add(usedHeapKib());
                        }
                      })
                  .runWith(Sink.fold(0L, (sum, chunk) -> sum + 1), pool.system()));

      assertThat(count).isEqualTo(1_000_000);
      assertThat(Collections.max(residents) - residents.get(0)).isLessThan(4 * 1_024);
      assertThat(heaps.get(heaps.size() - 1) - heaps.get(0)).isLessThan(16 * 1_024);
    }
  }

  private static long residentKib(long pid) {
    try {
      return Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
          .filter(line -> line.startsWith("VmRSS:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
          .findFirst()
          .orElseThrow();
    } catch (IOException gone) {
      throw new AssertionError(gone);
    }
  }

  private static long usedHeapKib() {
    Runtime runtime = Runtime.getRuntime();
    return (runtime.totalMemory() - runtime.freeMemory()) / 1_024;
  }

  @Test
  void row56_aCancelClosesTheGeneratorAndKeepsTheWorker() throws IOException {
    Path note = directory.resolve("note");
    List<Integer> taken =
        run(
            shared,
            shared.pool().stream(Call.of("streaming:count_and_note", 1_000_000, note.toString()))
                .take(10));

    assertThat(taken).isEqualTo(upTo(10));
    await().until(() -> Files.exists(note) && Files.readString(note).contains("closed"));
  }

  @Test
  void aGeneratorThatDoesNotCloseCostsItsWorkerWithinTheGraces() {
    Path note = directory.resolve("note");
    try (var pool = TestPool.start("min-workers = 1, max-workers = 1").awaitReady(1)) {
      run(pool, pool.pool().stream(Call.of("streaming:stubborn", note.toString())).take(1));

      pool.awaitEvent(PoolEvent.WorkerGone.class, gone -> gone.worker().generation() == 1);
      assertThat(get(pool.pool().call(Call.of("targets:echo", 1))).worker().generation())
          .isEqualTo(2);
    }
  }

  @Test
  void box31_aWorkerThatDiesFailsTheStreamBehindItsChunks() {
    try (var pool = TestPool.start("min-workers = 1, max-workers = 1").awaitReady(1)) {
      List<Chunk> seen = Collections.synchronizedList(new ArrayList<>());
      var lost =
          (WorkerLost)
              failureOf(
                  pool.pool().stream(Call.of("streaming:die_after", 5))
                      .runWith(Sink.foreach(seen::add), pool.system()));

      assertThat(integers(seen)).isEqualTo(upTo(5));
      assertThat(lost.exit()).isEqualTo(Exit.code(7));
      assertThat(lost.started()).isTrue();
    }
  }

  @Test
  void anExceptionInTheGeneratorFailsTheStreamBehindItsChunks() {
    List<Chunk> seen = Collections.synchronizedList(new ArrayList<>());
    var raised =
        (PythonRaised)
            failureOf(
                shared.pool().stream(Call.of("streaming:fail_after", 5))
                    .runWith(Sink.foreach(seen::add), shared.system()));

    assertThat(integers(seen)).isEqualTo(upTo(5));
    assertThat(raised.type()).isEqualTo("ValueError");
  }

  @Test
  void anElementThatCannotTravelIsNamedByItsPath() {
    var refused =
        (NotSerializable)
            failureOf(
                shared.pool().stream(Call.of("streaming:odd_one", 2))
                    .runWith(Sink.ignore(), shared.system()));

    assertThat(refused.path()).isEqualTo("$.deep[0]");
  }

  @Test
  void theDeadlineIsThatOfTheFirstElement() {
    try (var pool = TestPool.start("min-workers = 1, max-workers = 1").awaitReady(1)) {
      Call slow = Call.of("streaming:never").withTimeout(Duration.ofMillis(200));
      var late =
          (DeadlineExceeded)
              failureOf(pool.pool().stream(slow).runWith(Sink.ignore(), pool.system()));
      assertThat(late.phase()).isEqualTo(DeadlineExceeded.Phase.RUNNING);

      // 30 elements take longer than the deadline in all, and that is no matter.
      Call steady = Call.of("streaming:count", 30, 0.02).withTimeout(Duration.ofMillis(400));
      assertThat(run(pool, pool.pool().stream(steady))).hasSize(30);
    }
  }

  @Test
  void theIdleLimitEndsAStreamThatRests() {
    try (var pool = TestPool.start("min-workers = 1, max-workers = 1").awaitReady(1)) {
      Call call = Call.of("streaming:count", 10, 5.0).withIdleTimeout(Duration.ofMillis(200));
      var late =
          (DeadlineExceeded)
              failureOf(pool.pool().stream(call).runWith(Sink.ignore(), pool.system()));

      assertThat(late.phase()).isEqualTo(DeadlineExceeded.Phase.STREAMING);
    }
  }

  @Test
  void box31b_aStreamWaitsForAWorkerAsACallDoes() {
    try (var pool = TestPool.start("min-workers = 1, max-workers = 1").awaitReady(1)) {
      RunningCall busy = pool.pool().call(Call.of("targets:sleep", 0.3));
      assertThat(run(pool, pool.pool().stream(Call.of("streaming:count", 5)))).hasSize(5);
      assertThat(busy.isDone()).isTrue();
    }
  }

  @Test
  void aRunningStreamCanBeGivenUpByHand() {
    Pair<RunningCall, CompletionStage<Done>> running =
        shared.pool().stream(Call.of("streaming:count", 1_000_000, 0.01))
            .toMat(Sink.ignore(), Keep.both())
            .run(shared.system());
    running.first().cancel();

    assertThat(failureOf(running.second())).isInstanceOf(Cancelled.class);
  }

  @Test
  void sessionsAndCheckoutsStreamToo() {
    assertThat(run(shared, shared.pool().session("s").stream(Call.of("streaming:count", 5))))
        .isEqualTo(upTo(5));
    try (Checkout checkout = get(shared.pool().checkout())) {
      assertThat(run(shared, checkout.stream(Call.of("streaming:count", 5)))).isEqualTo(upTo(5));
    }
  }

  @Test
  void aFlowCallsForEachElementInOrder() {
    List<Integer> doubled =
        get(
            Source.range(0, 99)
                .via(shared.pool().flow(4, number -> Call.of("operator:mul", number, 2)))
                .map(reply -> reply.as(Integer.class))
                .runWith(Sink.seq(), shared.system()));

    assertThat(doubled).isEqualTo(IntStream.range(0, 100).map(n -> 2 * n).boxed().toList());
  }

  @Test
  void anUnorderedFlowGivesRepliesAsTheyCome() {
    List<Double> naps =
        get(
            Source.from(List.of(0.5, 0.0))
                .via(shared.pool().<Double>flowUnordered(2, nap -> Call.of("targets:sleep", nap)))
                .map(reply -> reply.ran().toMillis() / 1000.0)
                .runWith(Sink.seq(), shared.system()));

    assertThat(naps.get(0)).isLessThan(naps.get(1));
  }

  @Test
  void aFlowWithContextKeepsTheOffsets() {
    List<Pair<Reply, Long>> replies =
        get(
            SourceWithContext.<Integer, Long, org.apache.pekko.NotUsed>fromPairs(
                    Source.range(0, 9).map(n -> Pair.create(n, 100L + n)))
                .via(
                    shared
                        .pool()
                        .<Integer, Long>flowWithContext(2, n -> Call.of("targets:echo", n)))
                .asSource()
                .runWith(Sink.seq(), shared.system()));

    assertThat(replies).hasSize(10);
    replies.forEach(pair -> assertThat(pair.second() - 100).isEqualTo(pair.first().as(Long.class)));
  }

  @Test
  void callsOfAFlowEndWithItsStream() {
    try (var pool = TestPool.start("min-workers = 1, max-workers = 1").awaitReady(1)) {
      var started = new AtomicInteger();
      get(
          Source.range(1, 3)
              .via(
                  pool.pool()
                      .<Integer>flow(
                          3,
                          n -> {
                            started.incrementAndGet();
                            return n == 1
                                ? Call.of("targets:echo", n)
                                : Call.of("targets:sleep", 15);
                          }))
              .take(1)
              .runWith(Sink.ignore(), pool.system()));

      // The sleepers are given up, so the worker is free long before they would have ended.
      assertThat(get(pool.pool().call(Call.of("targets:echo", "free"))).queued())
          .isLessThan(Duration.ofSeconds(10));
    }
  }
}
