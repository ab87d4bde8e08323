package io.gorgon.scoreboard;

import java.util.Locale;

/**
 * One measured figure of a row.
 *
 * @param name what it is
 * @param measured in {@code unit}
 * @param target what is wanted at most, or at least
 * @param gate what becomes of the run when it is missed
 */
record Figure(
    String name, double measured, double target, boolean atLeast, String unit, Gate gate) {

  /**
   * By how much a time may exceed its target before it fails the run: 99th percentiles of some
   * milliseconds are stretched tenfold by a neighbour who compiles on the same two cores, so less
   * would fail runs in which nothing is wrong; what hangs or polls is off by more.
   */
  static final double SLACK = 10;

  /** What a missed target does. */
  enum Gate {
    /** Fails the run: counts, which no load excuses. */
    COUNT,
    /** Fails the run when it is off by more than {@link #SLACK}. */
    TIME,
    /** Is only shown. */
    SHOWN
  }

  /** Nothing of this may be. */
  static Figure none(String name, long measured) {
    return new Figure(name, measured, 0, false, "", Gate.COUNT);
  }

  /** A count with a limit. */
  static Figure atMost(String name, double measured, double target, String unit) {
    return new Figure(name, measured, target, false, unit, Gate.COUNT);
  }

  /** A count that must be reached. */
  static Figure atLeast(String name, double measured, double target, String unit) {
    return new Figure(name, measured, target, true, unit, Gate.COUNT);
  }

  /** A time with a limit. */
  static Figure within(String name, double measured, double target, String unit) {
    return new Figure(name, measured, target, false, unit, Gate.TIME);
  }

  /** A rate that should be reached. */
  static Figure paced(String name, double measured, double target, String unit) {
    return new Figure(name, measured, target, true, unit, Gate.TIME);
  }

  /** The same, which is only shown. */
  Figure shown() {
    return new Figure(name, measured, target, atLeast, unit, Gate.SHOWN);
  }

  boolean isMet() {
    return atLeast ? measured >= target : measured <= target;
  }

  boolean failsTheRun() {
    return switch (gate) {
      case COUNT -> !isMet();
      case TIME -> atLeast ? measured * SLACK < target : measured > target * SLACK;
      case SHOWN -> false;
    };
  }

  /** Prints as {@code p99 6.2 ms}. */
  String text() {
    return (name.isEmpty() ? "" : name + " ")
        + number(measured)
        + (unit.isEmpty() ? "" : " " + unit);
  }

  private static String number(double value) {
    if (value == Math.rint(value)) {
      return String.format(Locale.ROOT, "%,d", (long) value).replace(',', ' ');
    }
    if (Math.abs(value) >= 100) {
      return String.format(Locale.ROOT, "%,d", Math.round(value)).replace(',', ' ');
    }
    return String.format(Locale.ROOT, Math.abs(value) < 10 ? "%.2f" : "%.1f", value);
  }
}
