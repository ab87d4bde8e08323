package io.gorgon.proving.history;

import java.util.List;
import java.util.Locale;

/**
 * Something that must not be, with the history of whom it befell.
 *
 * @param history the lines around it, in the order of time
 */
public record Violation(Breach breach, Subject subject, List<Fact> history) {

  private static final int AROUND = 15;

  /** Keeps what lies around the fact that shows it. */
  static Violation of(Breach breach, Subject subject, List<Fact> facts, Fact shownBy) {
    int at = Math.max(0, facts.indexOf(shownBy));
    return new Violation(
        breach,
        subject,
        List.copyOf(
            facts.subList(Math.max(0, at - AROUND), Math.min(facts.size(), at + AROUND + 1))));
  }

  /** The name and the subject, then a line for each fact, with milliseconds since the first. */
  @Override
  public String toString() {
    var text = new StringBuilder().append(breach).append(": ").append(subject);
    long first = history.isEmpty() ? 0 : history.get(0).at();
    for (Fact fact : history) {
      text.append(
          String.format(Locale.ROOT, "%n    %+10.3f ms  %s", (fact.at() - first) / 1e6, fact));
    }
    return text.toString();
  }
}
