package io.gorgon.cli;

import io.gorgon.cli.BenchCommand.Figure;
import io.gorgon.message.Attachment;
import io.gorgon.message.Call;
import io.gorgon.message.Reply;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;

/**
 * Measures arrays there and back: through shared memory against copying them twice in Java, and
 * through the socket against a raw one, in turns. What is told are bytes both ways per second.
 */
final class DataBench {

  private static final int SHARED = 4 << 20;
  private static final int INLINE = 1 << 20;

  /** Bytes of one turn. */
  private static final long TURN = 512L << 20;

  private static final double LEAST_SHARED = 0.7;
  private static final double LEAST_INLINE = 0.8;

  private final PoolOptions options;
  private final int rounds;

  /** What was copied last, so that no compiler leaves the copy out. */
  private volatile byte[] copied = new byte[0];

  DataBench(PoolOptions options, int rounds) {
    this.options = options;
    this.rounds = rounds;
  }

  /** Something that moves an array there and back. */
  private interface Exchange {
    void run() throws IOException;
  }

  List<Figure> run() throws IOException {
    byte[] bytes = random(SHARED);
    Call shared = echo(bytes);
    Call inline = echo(random(INLINE));
    Map<String, Object> one = Map.of("min-workers", 1, "max-workers", 1);
    Map<String, Object> socketOnly =
        Map.of("min-workers", 1, "max-workers", 1, "shared-memory", Map.of("limit", 0));
    try (var sharing = new CommandPool(options, one);
        var through = new CommandPool(options, socketOnly);
        var floor = new Floor(through.pool().settings().python(), inline)) {
      List<Exchange> exchanges =
          List.of(
              () -> {
                copied = bytes.clone();
                copied = copied.clone();
              },
              () -> read(sharing.pool().call(shared).join()),
              () -> {
                try (Reply reply = sharing.pool().call(shared.borrowing()).join()) {
                  read(reply);
                }
              },
              floor::exchange,
              () -> read(through.pool().call(inline).join()));
      int[] sizes = {SHARED, SHARED, SHARED, INLINE, INLINE};
      double[][] speeds = new double[exchanges.size()][rounds];
      for (int round = -1; round < rounds; round++) {
        for (int i = 0; i < exchanges.size(); i++) {
          double speed = speed(exchanges.get(i), sizes[i]);
          if (round >= 0) {
            speeds[i][round] = speed;
          }
        }
      }
      return List.of(
          Figure.plain("4 MiB copied twice in Java", median(speeds[0]), "GB/s"),
          Figure.plain("4 MiB array, shared, in place", median(speeds[1]), "GB/s"),
          ratio("  against copying twice", speeds[1], speeds[0], LEAST_SHARED),
          Figure.plain("4 MiB array, shared, in place, borrowed", median(speeds[2]), "GB/s"),
          ratio("  against copying twice", speeds[2], speeds[0], Double.NaN),
          Figure.plain("1 MiB over the raw socket", median(speeds[3]), "GB/s"),
          Figure.plain("1 MiB array, through the socket", median(speeds[4]), "GB/s"),
          ratio("  against the raw socket", speeds[4], speeds[3], LEAST_INLINE));
    }
  }

  /** The smallest of one array is that array: no module is needed in Python. */
  private static Call echo(byte[] bytes) {
    return Call.of("builtins:min", List.of(Attachment.of(bytes)));
  }

  private static byte[] random(int size) {
    var bytes = new byte[size];
    new Random(1).nextBytes(bytes);
    return bytes;
  }

  private static void read(Reply reply) {
    Objects.requireNonNull(reply.value());
  }

  private static double speed(Exchange exchange, int size) throws IOException {
    long count = TURN / size;
    long began = System.nanoTime();
    for (long i = 0; i < count; i++) {
      exchange.run();
    }
    return 2.0 * count * size / (System.nanoTime() - began);
  }

  private static Figure ratio(String name, double[] above, double[] below, double bound) {
    var ratios = new double[above.length];
    Arrays.setAll(ratios, i -> above[i] / below[i]);
    return new Figure(name, median(ratios), "x", bound, false);
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
