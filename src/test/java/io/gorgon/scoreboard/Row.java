package io.gorgon.scoreboard;

import java.util.List;
import java.util.stream.Collectors;

/**
 * One row of the scoreboard.
 *
 * @param number 1 to 25
 * @param figure what is promised
 * @param target how much of it, in words
 */
record Row(int number, String figure, String target, List<Figure> figures) {

  static Row of(int number, String figure, String target, Figure... figures) {
    return new Row(number, figure, target, List.of(figures));
  }

  String measured() {
    return figures.stream().map(Figure::text).collect(Collectors.joining(", "));
  }

  boolean failsTheRun() {
    return figures.stream().anyMatch(Figure::failsTheRun);
  }

  /** met, missed, or FAILED where that fails the run. */
  String verdict() {
    return failsTheRun() ? "FAILED" : figures.stream().allMatch(Figure::isMet) ? "met" : "missed";
  }
}
