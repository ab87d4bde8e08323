package io.gorgon.scoreboard;

import io.gorgon.PythonPool;
import io.gorgon.message.Attachment;
import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure;
import io.gorgon.pool.PoolStats;
import io.gorgon.proving.TestPool;
import io.gorgon.scoreboard.StormPlan.What;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/**
 * Row 18: calls, streams, questions to Java, big arrays, cancels, kills, recycling and resizes for
 * a long time, in turns; after each turn, when all has come to rest, the heap after a collection,
 * descriptors, threads, shared memory and processes are counted.
 */
final class Soak {

  private static final int WORKERS = 3;
  private static final int CALLERS = 8;
  private static final int KEPT_CLASSES = 4;
  private static final int ARRAY = 300_000;

  private static final String[] SETTINGS = {
    "min-workers = " + WORKERS + ", max-workers = " + WORKERS,
    "recycle.max-calls = 700, recycle.jitter = 0.5",
    "restart.budget = 100000, output-lines-per-second = 0",
    "shared-memory.limit = 16MiB"
  };

  private static final What[] MIX = {
    What.CALL,
    What.CALL,
    What.REPEATED,
    What.SESSION,
    What.STREAM,
    What.STREAM_FAILS,
    What.STREAM_LEFT,
    What.ASKS_JAVA,
    What.CANCELLED,
    What.CHECKOUT
  };

  /** What was counted after a turn. */
  record Sample(
      double hours,
      double heapMegabytes,
      long descriptors,
      long threads,
      long keeperDescriptors,
      long segments,
      long processes,
      long workers) {}

  private final List<Sample> samples = new ArrayList<>();
  private final AtomicLong calls = new AtomicLong();
  private final AtomicLong bad = new AtomicLong();
  private final long began = System.nanoTime();

  /**
   * Soaks for so long; the first turns, in which classes are loaded and pools filled, are not
   * judged.
   */
  static Soak run(long seconds, Random random) {
    var soak = new Soak();
    ActorSystem<?> system = ActorSystem.create(Behaviors.empty(), "soak");
    // Not the kit's pool, which keeps every event for the test.
    PythonPool pool = PythonPool.start(system, TestPool.settings(system, "soak", SETTINGS));
    try {
      atRest(pool);
      long turn = Math.max(2, Math.min(12, seconds / 14));
      while (System.nanoTime() - soak.began < TimeUnit.SECONDS.toNanos(seconds)) {
        soak.turn(system, pool, new Random(random.nextLong()), turn);
        soak.samples.add(soak.sample(pool));
        System.out.println("[soak] " + soak.samples.get(soak.samples.size() - 1));
      }
    } finally {
      TestPool.get(pool.drain(Duration.ofSeconds(1)));
      system.terminate();
      TestPool.get(system.getWhenTerminated());
    }
    return soak;
  }

  private void turn(ActorSystem<?> system, PythonPool tested, Random random, long seconds) {
    // A history of its own, so that what is kept for the checker is not taken for a leak.
    RecordedPool pool = RecordedPool.over(system, tested);
    var over = new AtomicBoolean();
    var old = new AtomicReference<io.gorgon.pool.Lease>();
    var outcomes = new Outcomes();
    var threads = Executors.newFixedThreadPool(CALLERS + 1);
    try {
      List<CompletableFuture<?>> all = new ArrayList<>();
      for (int i = 0; i < CALLERS; i++) {
        var own = new Random(random.nextLong());
        var caller = new StormCaller(pool, outcomes, own, old);
        all.add(
            CompletableFuture.runAsync(
                () -> {
                  while (!over.get()) {
                    caller.make(MIX[own.nextInt(MIX.length)]);
                    if (own.nextInt(20) == 0) {
                      bigArray(tested, own);
                    }
                    calls.incrementAndGet();
                  }
                },
                threads));
      }
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
      for (int i = 0; System.nanoTime() < end; i++) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100 + random.nextInt(300)));
        List<RecordedPool.Process> there = pool.processes();
        if (!there.isEmpty()) {
          pool.kill(there.get(random.nextInt(there.size())));
        }
        if (i % 6 == 5) {
          int size = 1 + random.nextInt(WORKERS + 1);
          tested.resize(size, size);
        }
      }
      over.set(true);
      all.forEach(CompletableFuture::join);
    } finally {
      threads.shutdown();
    }
    tested.resize(WORKERS, WORKERS);
    atRest(tested);
    // New processes all, for a connection's buffer is as large as what it has carried.
    Set<Long> before = pids(tested);
    tested.reset();
    until(() -> Collections.disjoint(before, pids(tested)));
    atRest(tested);
    pool.leave();
    var violations = pool.violations();
    violations.stream().limit(5).forEach(one -> System.out.println("[soak] " + one));
    bad.addAndGet(violations.size() + outcomes.bad.get() + outcomes.bareTimeouts.get());
  }

  private void bigArray(PythonPool tested, Random random) {
    var bytes = new byte[ARRAY << random.nextInt(3)];
    bytes[bytes.length - 1] = 7;
    try (var reply =
        tested.call(Call.of("targets:echo", Attachment.of(bytes)).borrowing()).join()) {
      Object value = reply.value();
      byte[] same = value instanceof Attachment array ? array.toByteArray() : (byte[]) value;
      bad.addAndGet(same.length == bytes.length && same[same.length - 1] == 7 ? 0 : 1);
    } catch (PythonFailure lost) {
      bad.addAndGet(lost instanceof PythonFailure.WorkerLost ? 0 : 1);
    }
  }

  private static void until(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean() && System.nanoTime() < end) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
    }
  }

  private static void atRest(PythonPool pool) {
    until(
        () -> {
          PoolStats stats = TestPool.get(pool.stats());
          return stats.ready() == WORKERS
              && stats.leased() == 0
              && pids(pool).size() == WORKERS
              && childrenOf(keeperOf(stats)) == WORKERS;
        });
  }

  private static Set<Long> pids(PythonPool pool) {
    return TestPool.get(pool.stats()).workers().stream()
        .map(PoolStats.WorkerStats::pid)
        .filter(pid -> pid > 0)
        .collect(Collectors.toSet());
  }

  private static long keeperOf(PoolStats stats) {
    return stats.workers().stream()
        .filter(worker -> worker.pid() > 0)
        .flatMap(worker -> ProcessHandle.of(worker.pid()).flatMap(ProcessHandle::parent).stream())
        .mapToLong(ProcessHandle::pid)
        .findFirst()
        .orElse(-1);
  }

  private static long childrenOf(long pid) {
    return ProcessHandle.of(pid).map(keeper -> keeper.descendants().count()).orElse(0L);
  }

  private Sample sample(PythonPool pool) {
    PoolStats stats = TestPool.get(pool.stats());
    long keeper = keeperOf(stats);
    return new Sample(
        (System.nanoTime() - began) / 3.6e12,
        heapAfterCollections() / 1e6,
        ProcessTable.descriptorsOfOurs(),
        ManagementFactory.getThreadMXBean().getThreadCount(),
        ProcessTable.count(Path.of("/proc/" + keeper + "/fd")),
        stats.shared().segments(),
        ProcessHandle.current().descendants().count(),
        stats.workers().stream().filter(worker -> worker.pid() > 0).count());
  }

  /** The least of a few: each may come before a reference is cleared. */
  private static double heapAfterCollections() {
    double least = Double.MAX_VALUE;
    for (int i = 0; i < KEPT_CLASSES; i++) {
      System.gc();
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
      least = Math.min(least, ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
    }
    return least;
  }

  private List<Sample> judged() {
    return samples.subList(Math.min(samples.size() - 2, samples.size() / 3), samples.size());
  }

  /** Theil and Sen: the median of the slopes between all pairs; an outlier does not move it. */
  private double slope(java.util.function.ToDoubleFunction<Sample> figure) {
    List<Sample> kept = judged();
    List<Double> slopes = new ArrayList<>();
    for (int i = 0; i < kept.size(); i++) {
      for (int j = i + 1; j < kept.size(); j++) {
        slopes.add(
            (figure.applyAsDouble(kept.get(j)) - figure.applyAsDouble(kept.get(i)))
                / (kept.get(j).hours() - kept.get(i).hours()));
      }
    }
    slopes.sort(Double::compare);
    return slopes.get(slopes.size() / 2);
  }

  /** By how much it has changed from the first half of the judged samples to the second. */
  private double drift(java.util.function.ToDoubleFunction<Sample> figure) {
    List<Sample> kept = judged();
    int half = kept.size() / 2;
    return median(kept.subList(half, kept.size()), figure)
        - median(kept.subList(0, Math.max(1, half)), figure);
  }

  /** The same of the greatest: executors let idle threads go and take new ones all the time. */
  private double peakDrift(java.util.function.ToDoubleFunction<Sample> figure) {
    List<Sample> kept = judged();
    int half = kept.size() / 2;
    return peak(kept.subList(half, kept.size()), figure)
        - peak(kept.subList(0, Math.max(1, half)), figure);
  }

  private static double peak(
      List<Sample> some, java.util.function.ToDoubleFunction<Sample> figure) {
    return some.stream().mapToDouble(figure).max().orElse(0);
  }

  private static double median(
      List<Sample> some, java.util.function.ToDoubleFunction<Sample> figure) {
    return some.stream().mapToDouble(figure).sorted().toArray()[some.size() / 2];
  }

  /** Slopes and peaks of so short a run are noise: they are judged from nine minutes on. */
  Row row() {
    boolean isLong = samples.get(samples.size() - 1).hours() * 60 > 9;
    return Row.of(
        18,
        "soak: heap after GC, descriptors, threads, shared memory, workers",
        "≤ 1 MB/h, ± 2, ± 2, flat, = target",
        isLong
            ? Figure.within("heap", slope(Sample::heapMegabytes), 1, "MB/h")
            : Figure.within(
                "heap (too short for a slope)", median(judged(), Sample::heapMegabytes), 64, "MB"),
        Figure.atMost("descriptors ±", Math.abs(drift(Sample::descriptors)), 2, ""),
        isLong
            ? Figure.atMost("most threads +", peakDrift(Sample::threads), 2, "")
            : Figure.atMost("most threads", peak(samples, Sample::threads), 64, ""),
        Figure.atMost("keeper's descriptors +", drift(Sample::keeperDescriptors), 2, ""),
        Figure.atMost("segments +", drift(Sample::segments), 2, ""),
        Figure.none(
            "turns with other workers or processes",
            samples.stream()
                .filter(one -> one.workers() != WORKERS || one.processes() != WORKERS + 1)
                .count()),
        Figure.none("violations", bad.get()),
        Figure.atLeast("in", calls.get(), 100, "operations"));
  }

  @Override
  public String toString() {
    return String.format(
        "%d turns, %,d operations; slopes per hour: heap %.2f MB, descriptors %.1f, threads %.1f,"
            + " keeper's descriptors %.1f, segments %.1f",
        samples.size(),
        calls.get(),
        slope(Sample::heapMegabytes),
        slope(Sample::descriptors),
        slope(Sample::threads),
        slope(Sample::keeperDescriptors),
        slope(Sample::segments));
  }
}
