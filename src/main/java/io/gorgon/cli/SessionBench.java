package io.gorgon.cli;

import io.gorgon.PythonPool;
import io.gorgon.Session;
import io.gorgon.cli.BenchCommand.Figure;
import io.gorgon.message.Call;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;

/**
 * Measures calls of sessions against plain calls, one at a time in turns, and what a session that
 * nobody uses takes of the JVM's memory.
 */
final class SessionBench {

  private static final Call ECHO = Call.of("builtins:abs", 16);
  private static final int CALLS = 2_000;
  private static final int KIBIBYTE = 1_024;
  private static final int IDLE = 10_000;

  private final PoolOptions options;
  private final int rounds;
  private final List<Figure> figures = new ArrayList<>();

  SessionBench(PoolOptions options, int rounds) {
    this.options = options;
    this.rounds = rounds;
  }

  List<Figure> run() throws Exception {
    // One worker: a call that goes to another process each time is not what is compared.
    try (var running = new CommandPool(options, Map.of("min-workers", 1, "max-workers", 1))) {
      PythonPool pool = running.pool();
      Session session = pool.session("bench");
      compare(
          "session call, state unchanged",
          1.3,
          number -> pool.call(ECHO).join(),
          number -> session.call(ECHO).join());
      Session writer = pool.session("writer");
      compare(
          "session call, 1 KiB changed, memory store",
          1.6,
          number -> pool.call(Call.of("gorgon.examples.sessions:no_note", KIBIBYTE, number)).join(),
          number -> writer.call(Call.of("gorgon.examples.sessions:note", KIBIBYTE, number)).join());
    }
    try (var running = new CommandPool(options, Map.of("queue-capacity", 2 * IDLE))) {
      idle(running.pool());
    }
    figures.addAll(new CommitBench(options, rounds).run());
    return figures;
  }

  private void compare(String what, double most, IntConsumer plain, IntConsumer inSession) {
    double[][] p50 = new double[2][rounds];
    for (int round = -2; round < rounds; round++) {
      double without = Statistics.percentile(latencies(CALLS, plain), 50);
      double with = Statistics.percentile(latencies(CALLS, inSession), 50);
      if (round >= 0) { // the others warm up
        p50[0][round] = without;
        p50[1][round] = with;
      }
    }
    figures.add(Figure.plain(what + ", p50", Statistics.median(p50[1]), "us"));
    figures.add(
        new Figure(
            "  against the same plain call",
            Statistics.median(Statistics.ratios(p50[1], p50[0])),
            "x",
            Runtime.getRuntime().availableProcessors() == 1 ? most : Double.NaN,
            true));
  }

  /** Sorted, in microseconds. */
  static double[] latencies(int count, IntConsumer exchange) {
    var micros = new double[count];
    for (int i = 0; i < count; i++) {
      long began = System.nanoTime();
      exchange.accept(i);
      micros[i] = (System.nanoTime() - began) / 1_000.0;
    }
    Arrays.sort(micros);
    return micros;
  }

  /** Each session keeps eleven bytes, besides which it should take little. */
  private void idle(PythonPool pool) throws InterruptedException {
    open(pool, "warm-up", 1_000);
    long before = usedMemory();
    open(pool, "idle", IDLE);
    double each = (usedMemory() - before) / (double) IDLE;
    figures.add(
        new Figure("memory of one of 10 000 idle sessions", each / KIBIBYTE, "KiB", 2, true));
  }

  private static void open(PythonPool pool, String name, int count) {
    List<CompletableFuture<?>> calls = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      calls.add(
          pool.session(name + i)
              .call(Call.of("gorgon.examples.sessions:note", 8, i))
              .toCompletableFuture());
    }
    CompletableFuture.allOf(calls.toArray(CompletableFuture<?>[]::new)).join();
  }

  /** After the collector has done what it can. */
  private static long usedMemory() throws InterruptedException {
    long least = Long.MAX_VALUE;
    for (int i = 0; i < 5; i++) {
      System.gc();
      TimeUnit.MILLISECONDS.sleep(100);
      least = Math.min(least, ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
    }
    return least;
  }
}
