package io.gorgon.cli;

import java.util.Arrays;
import java.util.List;

/** What is told of several measurements. */
final class Statistics {

  private Statistics() {}

  /** Each of {@code above} by its neighbour in {@code below}. */
  static double[] ratios(double[] above, double[] below) {
    var ratios = new double[above.length];
    Arrays.setAll(ratios, i -> above[i] / below[i]);
    return ratios;
  }

  static double median(List<Double> values) {
    return median(values.stream().mapToDouble(Double::doubleValue).toArray());
  }

  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return percentile(sorted, 50);
  }

  /** The value that {@code percent} of a sorted array stay within; NaN of an empty one. */
  static double percentile(double[] sorted, int percent) {
    return sorted.length == 0
        ? Double.NaN
        : sorted[Math.min(sorted.length - 1, sorted.length * percent / 100)];
  }
}
