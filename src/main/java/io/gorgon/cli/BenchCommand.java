package io.gorgon.cli;

import io.gorgon.message.Values;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures the pool against the raw socket, in one run. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description = {
      "Measures calls against a raw socket to the same interpreter, starts, and recovery.",
      "Compare the ratios: run it under 'taskset -c 0' for the latency that counts."
    })
@SuppressWarnings("NullAway.Init")
final class BenchCommand implements Callable<Integer> {

  @Mixin PoolOptions options;

  @Spec CommandSpec spec;

  @Option(names = "--json", paramLabel = "FILE", description = "write the figures there too")
  @Nullable File json;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "7",
      description = "interleaved rounds; medians are taken over them (default: ${DEFAULT-VALUE})")
  int rounds;

  @Override
  public Integer call() throws Exception {
    List<Figure> figures = new Bench(options, rounds, spec.commandLine().getErr()).run();
    PrintWriter out = spec.commandLine().getOut();
    out.printf("%-44s%14s%14s%10s%n", "figure", "value", "target", "");
    figures.forEach(
        figure ->
            out.printf(
                "%-44s%14s%14s%10s%n",
                figure.name(), figure.shown(), figure.target(), figure.verdict()));
    out.flush();
    if (json != null) {
      write(json, figures);
    }
    boolean met = figures.stream().allMatch(Figure::isMet);
    return (met ? ExitCode.OK : ExitCode.UNHEALTHY).number();
  }

  private static void write(File file, List<Figure> figures) throws IOException {
    Values.mapper()
        .writerWithDefaultPrettyPrinter()
        .writeValue(
            file,
            Map.of(
                "processors", Runtime.getRuntime().availableProcessors(),
                "java", Runtime.version().toString(),
                "figures", figures));
  }

  /**
   * One figure.
   *
   * @param bound the target, NaN for none
   * @param isLimit true if the target is a limit from above
   */
  record Figure(String name, double value, String unit, double bound, boolean isLimit) {

    static Figure plain(String name, double value, String unit) {
      return new Figure(name, value, unit, Double.NaN, true);
    }

    String shown() {
      return value >= 1_000 ? "%,.0f %s".formatted(value, unit) : "%.2f %s".formatted(value, unit);
    }

    String target() {
      return Double.isNaN(bound) ? "" : "%s %s %s".formatted(isLimit ? "<=" : ">=", bound, unit);
    }

    boolean isMet() {
      return Double.isNaN(bound) || (isLimit ? value <= bound : value >= bound);
    }

    String verdict() {
      return Double.isNaN(bound) ? "" : isMet() ? "met" : "MISSED";
    }
  }
}
