package io.gorgon.cli;

import io.gorgon.cli.BenchCommand.Figure;
import io.gorgon.message.Call;
import java.util.List;
import java.util.Map;
import org.apache.pekko.stream.javadsl.Sink;

/** Measures how many small elements of a stream pass in a second, each sent before the next. */
final class StreamBench {

  private static final int ELEMENTS = 50_000;
  private static final double TARGET = 50_000;

  private final PoolOptions options;
  private final int rounds;

  StreamBench(PoolOptions options, int rounds) {
    this.options = options;
    this.rounds = rounds;
  }

  List<Figure> run() {
    double[] usual = new double[rounds];
    double[] wide = new double[rounds];
    Map<String, Object> one = Map.of("min-workers", 1, "max-workers", 1);
    Map<String, Object> wider = Map.of("min-workers", 1, "max-workers", 1, "stream-window", 256);
    try (var running = new CommandPool(options, one);
        var window = new CommandPool(options, wider)) {
      perSecond(running);
      perSecond(window);
      for (int round = 0; round < rounds; round++) {
        usual[round] = perSecond(running);
        wide[round] = perSecond(window);
      }
    }
    return List.of(
        new Figure("elements of a stream", Statistics.median(usual), "/s", TARGET, false),
        Figure.plain("  with a window of 256", Statistics.median(wide), "/s"));
  }

  private static double perSecond(CommandPool running) {
    long began = System.nanoTime();
    running.pool().stream(Call.of("builtins:range", ELEMENTS))
        .runWith(Sink.ignore(), running.system())
        .toCompletableFuture()
        .join();
    return ELEMENTS * 1e9 / (System.nanoTime() - began);
  }
}
