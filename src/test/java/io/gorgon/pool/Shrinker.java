package io.gorgon.pool;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Makes a history that fails as small as it can be while it still fails: first steps are left out,
 * in halves, quarters and so on down to single ones, then the numbers of those that remain are made
 * smaller; and all of that again until nothing helps any more. Always the same way.
 */
final class Shrinker {

  private final Predicate<History> fails;
  private History best;

  private Shrinker(History failing, Predicate<History> fails) {
    this.best = failing;
    this.fails = fails;
  }

  /** The smallest history that was found; {@code failing} if nothing in it is needless. */
  static History shrunk(History failing, Predicate<History> fails) {
    var shrinker = new Shrinker(failing, fails);
    boolean smaller = true;
    while (smaller) {
      smaller = shrinker.leaveOut() | shrinker.simplify();
    }
    return shrinker.best;
  }

  private boolean accept(History candidate) {
    if (fails.test(candidate)) {
      best = candidate;
      return true;
    }
    return false;
  }

  private boolean leaveOut() {
    boolean any = false;
    for (int size = Math.max(1, best.steps().size() / 2); size > 0; size /= 2) {
      for (int at = best.steps().size() - size; at >= 0; at -= size) {
        if (at + size <= best.steps().size()) {
          List<Step> fewer = new ArrayList<>(best.steps());
          fewer.subList(at, at + size).clear();
          any |= accept(best.with(fewer));
        }
      }
    }
    return any;
  }

  private boolean simplify() {
    boolean any = best.lazy() && accept(new History(false, best.steps()));
    for (int at = 0; at < best.steps().size(); at++) {
      Step step = best.steps().get(at);
      for (int who : smallerThan(step.who())) {
        if (accept(replaced(at, new Step(step.what(), who, step.how())))) {
          any = true;
          break;
        }
      }
      step = best.steps().get(at);
      for (int how : smallerThan(step.how())) {
        if (accept(replaced(at, new Step(step.what(), step.who(), how)))) {
          any = true;
          break;
        }
      }
    }
    return any;
  }

  private static List<Integer> smallerThan(int number) {
    var all = new ArrayList<Integer>();
    for (int smaller = 0; smaller < number; smaller++) {
      all.add(smaller);
    }
    return all;
  }

  private History replaced(int at, Step step) {
    List<Step> changed = new ArrayList<>(best.steps());
    changed.set(at, step);
    return best.with(changed);
  }
}
