package io.gorgon.pool;

import io.gorgon.pool.Step.What;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;

/**
 * What happens to a pool, one step after the other, each of which comes to rest before the next.
 *
 * @param lazy whether the pool has no worker before somebody wants one
 */
record History(boolean lazy, List<Step> steps) {

  static final int MOST_STEPS = 60;

  /** How often each kind of step comes, among the sum of these. */
  private static final int[] WEIGHTS = {
    24, 7, 10, 12, 4, 8, 20, 7, 3, 14, 6, 4, 8, 4, 14, 3, 3, 1, 3,
  };

  /** The history of that seed, always the same. */
  static History of(long seed) {
    var random = new Random(seed * 0x9E3779B97F4A7C15L);
    int length = 1 + random.nextInt(MOST_STEPS);
    boolean lazy = random.nextInt(4) == 0;
    var steps = new ArrayList<Step>(length);
    for (int i = 0; i < length; i++) {
      steps.add(step(random));
    }
    return new History(lazy, steps);
  }

  private static Step step(Random random) {
    What what = what(random);
    int who = random.nextInt(4) == 0 ? random.nextInt(12) : random.nextInt(3);
    int how =
        switch (what) {
          case ASK -> kind(random) + (random.nextInt(4) == 0 ? 8 * (1 + random.nextInt(2)) : 0);
          case SUBMIT -> random.nextInt(5);
          case RETURN -> random.nextInt(8) == 0 ? 3 : random.nextInt(3);
          case START -> random.nextInt(5) / 2;
          case MODE -> random.nextInt(4) % 3;
          case TIME -> new int[] {1, 1, 4, 8, 18, 36}[random.nextInt(6)];
          case RESIZE -> random.nextInt(5);
          case DRAIN -> random.nextInt(2);
          default -> 0;
        };
    return new Step(what, who, how);
  }

  /** One in twelve kinds is no kind. */
  private static int kind(Random random) {
    return random.nextInt(12) == 0 ? 6 + random.nextInt(2) : random.nextInt(6);
  }

  private static What what(Random random) {
    int sum = 0;
    for (int weight : WEIGHTS) {
      sum += weight;
    }
    int drawn = random.nextInt(sum);
    for (What what : What.values()) {
      drawn -= WEIGHTS[what.ordinal()];
      if (drawn < 0) {
        return what;
      }
    }
    throw new AssertionError("the weights do not add up");
  }

  History with(List<Step> others) {
    return new History(lazy, List.copyOf(others));
  }

  /** The history as Java, to be pasted into a test. */
  @Override
  public String toString() {
    return steps.stream()
        .map(Step::toString)
        .collect(
            Collectors.joining(
                ",\n        ", "new History(\n    " + lazy + ",\n    List.of(\n        ", "))"));
  }
}
