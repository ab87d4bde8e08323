package io.gorgon.pool;

import java.util.function.Function;

/** Lives histories through, twice at a time: once by the {@link Reference}, once for real. */
final class Comparison {

  private Comparison() {}

  /** Where the two differ first, in words; null if they do not. */
  static String difference(History history, Function<Boolean, Subject> subjects) {
    var reference = new Reference(history.lazy());
    int at = 0;
    try (Subject subject = subjects.apply(history.lazy())) {
      String difference = difference(reference, subject);
      for (; at < history.steps().size() && difference == null; at++) {
        Step step = reference.resolved(history.steps().get(at));
        if (step != null) {
          reference.apply(step);
          subject.apply(step);
          difference = difference(reference, subject);
        }
      }
      return difference == null ? null : "after step " + at + ":\n" + difference;
    } catch (RuntimeException | AssertionError broken) {
      return "in step " + at + ": " + broken;
    }
  }

  private static String difference(Reference reference, Subject subject) {
    String expected = reference.seen();
    String seen = subject.seen();
    return expected.equals(seen) ? null : "expected\n" + expected + "\nand saw\n" + seen;
  }

  /** Fails, with the smallest history that shows it, if the two differ. */
  static void check(long seed, History history, Function<Boolean, Subject> subjects) {
    if (difference(history, subjects) != null) {
      History smallest = Shrinker.shrunk(history, shorter -> difference(shorter, subjects) != null);
      throw new AssertionError(
          "seed " + seed + ", made smaller:\n" + smallest + "\n" + difference(smallest, subjects));
    }
  }
}
