package io.gorgon.cli;

import io.gorgon.cli.BenchCommand.Figure;
import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.pool.PoolStats;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.apache.pekko.stream.javadsl.Sink;

/**
 * Measures what {@code preload} gives: eight workers with NumPy, forked from a template against
 * fresh interpreters, in turns. Where the interpreter has no NumPy, its heaviest standard modules
 * stand in, and there are no targets.
 */
final class StartBench {

  private static final int WORKERS = 8;
  private static final double MOST_TIME = 0.4;
  private static final double MOST_MEMORY = 0.35;
  private static final List<String> STAND_IN = List.of("asyncio", "unittest.mock", "decimal");

  private final PoolOptions options;
  private final int rounds;

  StartBench(PoolOptions options, int rounds) {
    this.options = options;
    this.rounds = rounds;
  }

  /** One start. */
  private record Start(double millis, double mebibytes) {}

  List<Figure> run() throws InterruptedException, IOException {
    boolean numpy = hasNumPy();
    List<String> modules = numpy ? List.of("numpy") : STAND_IN;
    Map<String, Object> forked = Map.of("preload", modules, "start-method", "auto");
    Map<String, Object> fresh = Map.of("imports", modules, "start-method", "fresh");
    start(forked);
    start(fresh);
    double[][] figures = new double[6][rounds];
    for (int round = 0; round < rounds; round++) {
      Start fromTemplate = start(forked);
      Start byItself = start(fresh);
      figures[0][round] = fromTemplate.millis();
      figures[1][round] = byItself.millis();
      figures[2][round] = fromTemplate.millis() / byItself.millis();
      figures[3][round] = fromTemplate.mebibytes();
      figures[4][round] = byItself.mebibytes();
      figures[5][round] = fromTemplate.mebibytes() / byItself.mebibytes();
    }
    String what = numpy ? "8 with NumPy" : "8 with " + STAND_IN.size() + " modules";
    return List.of(
        Figure.plain(what + " ready, preloaded", Statistics.median(figures[0]), "ms"),
        Figure.plain(what + " ready, fresh", Statistics.median(figures[1]), "ms"),
        ratio("  preloaded against fresh", figures[2], numpy ? MOST_TIME : Double.NaN),
        Figure.plain(what + ", memory of each, preloaded", Statistics.median(figures[3]), "MiB"),
        Figure.plain(what + ", memory of each, fresh", Statistics.median(figures[4]), "MiB"),
        ratio("  preloaded against fresh (PSS)", figures[5], numpy ? MOST_MEMORY : Double.NaN));
  }

  private static Figure ratio(String name, double[] values, double bound) {
    double value = Statistics.median(values);
    return new Figure(name, value, "x", Double.isNaN(value) ? value : bound, true);
  }

  private boolean hasNumPy() {
    try (var running = new CommandPool(options, Map.of("min-workers", 1, "max-workers", 1))) {
      return running
          .pool()
          .call(Call.of("importlib.metadata:version", "numpy"))
          .handle((version, missing) -> missing == null)
          .toCompletableFuture()
          .join();
    }
  }

  /** From the making of the pool until all its workers are ready; then their share of memory. */
  private Start start(Map<String, Object> how) throws InterruptedException, IOException {
    Map<String, Object> settings = new HashMap<>(how);
    settings.put("min-workers", WORKERS);
    settings.put("max-workers", WORKERS);
    settings.put("restart", Map.of("concurrent", WORKERS));
    settings.put("eager", false);
    var ready = new CountDownLatch(WORKERS);
    try (var running = new CommandPool(options, settings)) {
      running
          .pool()
          .events()
          .runWith(
              Sink.foreach(
                  event -> {
                    if (event instanceof PoolEvent.WorkerReady) {
                      ready.countDown();
                    }
                  }),
              running.system());
      long began = System.nanoTime();
      running.pool().call(Call.of("math:sqrt", 16)).join();
      ready.await();
      double millis = (System.nanoTime() - began) / 1e6;
      PoolStats stats = running.pool().stats().toCompletableFuture().join();
      double[] shares = new double[WORKERS];
      for (int i = 0; i < WORKERS; i++) {
        shares[i] = proportionalSet(stats.workers().get(i).pid());
      }
      return new Start(millis, Arrays.stream(shares).average().orElse(Double.NaN));
    }
  }

  /**
   * The memory that a process has to itself, and its part of what it shares, in MiB; NaN where the
   * system does not tell ({@code /proc/PID/smaps_rollup}, Linux 4.14).
   */
  private static double proportionalSet(long pid) throws IOException {
    Path rollup = Path.of("/proc", Long.toString(pid), "smaps_rollup");
    if (!Files.isReadable(rollup)) {
      return Double.NaN;
    }
    for (String line : Files.readAllLines(rollup)) {
      if (line.startsWith("Pss:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) / 1024.0;
      }
    }
    return Double.NaN;
  }
}
