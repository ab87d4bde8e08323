package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.Exit;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.WorkerLost;
import io.gorgon.proving.Journal;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Workers that run several calls at once: they wait together, and share one fate only. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class ConcurrencyTest {

  private static final Duration SHORT = Duration.ofMillis(300);

  @TempDir Path directory;

  /** One worker with so many places. */
  private static TestPool one(int concurrency, String... more) {
    return TestPool.start(
            "min-workers = 1, max-workers = 1, concurrency = " + concurrency,
            String.join("\n", more))
        .awaitReady(1);
  }

  private static Call waiting(String function, Object... arguments) {
    return Call.of("waiting:" + function, arguments);
  }

  private static List<RunningCall> several(int count, PythonPool pool, Call call) {
    return IntStream.range(0, count).mapToObj(i -> pool.call(call)).toList();
  }

  /** The worker's pid, when so many calls have arrived there. */
  private static long awaitArrivals(PythonPool pool, String name, int count) {
    return get(pool.call(waiting("await_arrivals", name, count))).as(Long.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"wait", "wait_async"})
  void row39_aThousandCallsThatWaitTakeAsLongAsSixteen(String function) {
    try (var tested = one(64)) {
      several(64, tested.pool(), waiting(function, 0)).forEach(TestPool::get);
      long began = System.nanoTime();
      several(1_000, tested.pool(), waiting(function, 0.05)).forEach(TestPool::get);
      long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);

      assertThat(took).isBetween(780L, 1_500L);
    }
  }

  @Test
  void aDeadlineOfOneLeavesItsNeighboursAndTheWorkerAlone() {
    try (var tested = one(8)) {
      PythonPool pool = tested.pool();
      for (String function : List.of("say_and_spin", "say_and_wait_async")) {
        RunningCall neighbour = pool.call(waiting("gate", function));
        var late = failureOf(pool.call(waiting(function, "x").withTimeout(SHORT)));

        assertThat(late)
            .isInstanceOfSatisfying(
                DeadlineExceeded.class,
                it -> assertThat(it.phase()).isEqualTo(DeadlineExceeded.Phase.RUNNING));
        get(pool.call(waiting("open_gate", function)));
        assertThat(get(neighbour).as(String.class)).isEqualTo(function);
      }
      assertThat(tested.eventsOf(PoolEvent.WorkerGone.class)).isEmpty();
    }
  }

  @Test
  void aSyncCallThatOutlivesItsCancelsGraceCostsTheWorkerAndItsNeighboursAreLostWithIt() {
    try (var tested = one(8)) {
      PythonPool pool = tested.pool();
      List<RunningCall> neighbours = several(3, pool, waiting("arrive", "n"));
      RunningCall async = pool.call(waiting("arrive_async", "n"));
      awaitArrivals(pool, "n", 4);
      var late = failureOf(pool.call(waiting("say_and_wait", "x").withTimeout(SHORT)));

      assertThat(late).isInstanceOf(DeadlineExceeded.class);
      neighbours.forEach(neighbour -> assertLostInIt(failureOf(neighbour)));
      assertLostInIt(failureOf(async));
      assertThat(get(pool.call(waiting("wait", 0))).as(String.class)).isEqualTo("waited");
    }
  }

  private static void assertLostInIt(PythonFailure failure) {
    assertThat(failure)
        .isInstanceOfSatisfying(
            WorkerLost.class,
            lost -> {
              assertThat(lost.started()).isTrue();
              assertThat(lost.retryable()).isFalse();
              assertThat(lost.getMessage()).contains("did not end within its grace");
            });
  }

  @ParameterizedTest
  @ValueSource(strings = {"arrive_and_spin", "arrive_async"})
  void aCancelOfOneAmongManyLeavesTheOthers(String function) {
    try (var tested = one(16)) {
      PythonPool pool = tested.pool();
      List<RunningCall> calls = several(10, pool, waiting(function, "c", 1.0));
      awaitArrivals(pool, "c", 10);

      assertThat(calls.get(4).cancel()).isTrue();
      assertThat(failureOf(calls.get(4)))
          .isInstanceOfSatisfying(Cancelled.class, it -> assertThat(it.started()).isTrue());
      for (int i = 0; i < 10; i++) {
        if (i != 4) {
          assertThat(get(calls.get(i)).as(String.class)).isEqualTo("c");
        }
      }
      assertThat(tested.eventsOf(PoolEvent.WorkerGone.class)).isEmpty();
    }
  }

  @Test
  void row04_aWorkerKilledWithSixtyFourInFlightEndsEachOnceAndTheRestRunsElsewhere()
      throws IOException {
    try (var tested = one(65)) {
      PythonPool pool = tested.pool();
      List<RunningCall> started = several(64, pool, waiting("arrive", "k"));
      long pid = awaitArrivals(pool, "k", 64);
      var load = new Load();
      for (int i = 0; i < 200; i++) {
        load.call(pool, WorkerLost.class::isInstance);
      }
      ProcessHandle.of(pid).orElseThrow().destroyForcibly();

      for (RunningCall call : started) {
        assertThat(failureOf(call))
            .isInstanceOfSatisfying(
                WorkerLost.class,
                lost -> {
                  assertThat(lost.started()).isTrue();
                  assertThat(lost.exit()).isEqualTo(Exit.signal(9));
                });
      }
      load.end();
      // One place was left for the load: what waited behind it ran elsewhere.
      assertThat(tested.stats().workers().get(0).lost()).isBetween(64L, 65L);
    }
  }

  @Test
  void aCheckoutWaitsUntilAllPlacesAreIdleAndHasTheWorkerAlone() {
    try (var tested = one(4)) {
      PythonPool pool = tested.pool();
      RunningCall before = pool.call(waiting("arrive", "c", 0.5));
      awaitArrivals(pool, "c", 1);
      CompletableFuture<Checkout> asked = pool.checkout().toCompletableFuture();
      // The stats pass the same actor behind the checkout: by now the claim is there.
      assertThat(tested.stats().waitingCheckouts()).isEqualTo(1);
      RunningCall behind = pool.call(waiting("wait", 0));
      assertThat(before.isDone()).isFalse();
      assertThat(asked).isNotDone();

      Checkout mine = get(asked);
      assertThat(before.isDone()).isTrue();
      assertThat(get(mine.call(waiting("wait", 0))).as(String.class)).isEqualTo("waited");
      assertThat(behind.isDone()).isFalse();
      mine.close();
      assertThat(get(behind).as(String.class)).isEqualTo("waited");
      assertThat(tested.eventsOf(PoolEvent.WorkerGone.class)).isEmpty();
      // All places are there again: this one ends only if three others run beside it.
      List<RunningCall> others = several(3, pool, waiting("arrive", "again", 5));
      awaitArrivals(pool, "again", 3);
      assertThat(others).noneMatch(RunningCall::isDone);
    }
  }

  @Test
  void aLeasedCallThatOutlivesItsDeadlineEndsItsWorkerAsEver() {
    try (var tested = one(4)) {
      Checkout mine = get(tested.pool().checkout());
      var late = failureOf(mine.call(waiting("say_and_spin", "x").withTimeout(SHORT)));

      assertThat(late).isInstanceOf(DeadlineExceeded.class);
      tested.awaitEvent(PoolEvent.WorkerGone.class, gone -> !gone.planned());
      assertThat(get(tested.pool().call(waiting("wait", 0))).as(String.class)).isEqualTo("waited");
    }
  }

  /** Calls without a pause that write down where they ran; each told once, with its own answer. */
  private final class Load {
    private final Journal journal = new Journal();
    private final Path file = directory.resolve("journal-" + System.nanoTime());
    private final List<CompletableFuture<Void>> told = new ArrayList<>();
    private int calls;

    Load() throws IOException {
      Files.createFile(file);
    }

    RunningCall call(PythonPool pool, Predicate<PythonFailure> mayFailWith) {
      String id = Integer.toString(calls++);
      journal.asked(id, "n" + id, 1, mayFailWith);
      RunningCall call =
          pool.call(
              Call.of(
                  id.endsWith("7") ? "waiting:journal_async" : "targets:journal",
                  file.toString(),
                  id,
                  "n" + id));
      var done = new CompletableFuture<Void>();
      told.add(done);
      call.whenComplete(
          (reply, failure) -> {
            journal.told(id, reply, failure);
            done.complete(null);
          });
      return call;
    }

    /** The lines, when all have been told. */
    List<String> end() throws IOException {
      told.forEach(TestPool::get);
      List<String> lines = Files.readAllLines(file);
      assertThat(journal.violations(lines)).isEmpty();
      return lines;
    }
  }

  @Test
  void row09_aWorkerIsReplacedAfterItsCallsAndNoneIsLostInIt() throws IOException {
    try (var tested = one(4, "recycle.max-calls = 20, recycle.jitter = 0")) {
      var load = new Load();
      for (int i = 0; i < 400; i++) {
        load.call(tested.pool(), any -> false);
      }
      Map<String, Long> served =
          load.end().stream()
              .collect(Collectors.groupingBy(line -> line.split(" ")[2], Collectors.counting()));

      // Each place may take a last call at the same moment.
      assertThat(served.values()).allMatch(count -> count <= 20 + 3);
    }
  }

  @Test
  void row17_resetsUnderLoadFailNoCall() throws IOException {
    try (var tested =
        TestPool.start("min-workers = 2, max-workers = 2, concurrency = 8").awaitReady(2)) {
      var load = new Load();
      for (int reset = 1; reset <= 3; reset++) {
        tested.pool().reset();
        while (tested.eventsOf(PoolEvent.WorkerGone.class).size() < 2 * reset) {
          for (int i = 0; i < 50; i++) {
            load.call(tested.pool(), any -> false);
          }
          get(load.call(tested.pool(), any -> false));
        }
      }
      load.end();
      assertThat(tested.eventsOf(PoolEvent.WorkerGone.class))
          .allMatch(PoolEvent.WorkerGone::planned);
    }
  }

  @Test
  void row16_aDrainLetsEveryRunningCallEnd() {
    try (var tested = one(8)) {
      List<RunningCall> calls = several(4, tested.pool(), waiting("arrive", "d", 0.4));
      RunningCall async = tested.pool().call(waiting("arrive_async", "d", 0.4));
      awaitArrivals(tested.pool(), "d", 5);
      get(tested.pool().drain(Duration.ofSeconds(5)));

      calls.forEach(call -> assertThat(get(call).as(String.class)).isEqualTo("d"));
      assertThat(get(async).as(String.class)).isEqualTo("d");
    }
  }

  @Test
  void row13b_callsThatAreCancelledAtRandomHitNoNeighbour() throws IOException {
    try (var tested = one(16, "timeouts.cancel-grace = 1ms").withBystanders()) {
      var load = new Load();
      for (int i = 0; i < 3_000; i++) {
        boolean cancels = i % 3 == 0;
        RunningCall call = load.call(tested.pool(), why -> cancels && why instanceof Cancelled);
        if (cancels) {
          call.cancel();
        }
        if (i % 64 == 63) {
          get(load.told.get(i));
        }
      }
      load.end();
      assertThat(tested.eventsOf(PoolEvent.WorkerGone.class)).isEmpty();
    }
  }
}
