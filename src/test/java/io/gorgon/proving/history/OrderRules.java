package io.gorgon.proving.history;

import io.gorgon.proving.history.Fact.Asked;
import io.gorgon.proving.history.Fact.Ended;
import io.gorgon.proving.history.Fact.InSession;
import io.gorgon.proving.history.Fact.Started;
import io.gorgon.proving.history.SessionStory.Change;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Calls of a session run one after another in the order in which they were sent, and what they
 * changed stands in that order. Calls that were sent at the same time have none.
 */
final class OrderRules implements History.Rules {

  @Override
  public Subject.Kind about() {
    return Subject.Kind.SESSION;
  }

  @Override
  public void check(Subject subject, List<Fact> facts, History joined, List<Violation> found) {
    SessionStory story = SessionStory.of(subject, facts, joined);
    Map<String, Long> taken = new HashMap<>();
    History.only(InSession.class, facts).forEach(one -> taken.put(one.call(), one.at()));
    Map<String, Asked> asked = story.asked();
    long newestAsked = Long.MIN_VALUE;
    Run before = null;
    for (Started run : story.runs()) {
      story.that(
          taken.getOrDefault(run.call(), Long.MAX_VALUE) < newestAsked,
          Breach.SESSION_ORDER_BROKEN,
          run,
          found);
      story.that(
          before != null && !before.call().equals(run.call()) && before.end() > run.at(),
          Breach.SESSION_OVERLAP,
          run,
          found);
      Asked own = asked.get(run.call());
      newestAsked = Math.max(newestAsked, own == null ? Long.MIN_VALUE : own.at());
      before = later(before, new Run(run.call(), end(run, joined)));
    }
    inTheState(story, found);
  }

  private record Run(String call, long end) {}

  private static Run later(@Nullable Run one, Run other) {
    return one == null || one.end() <= other.end() ? other : one;
  }

  /** One whose end was not noted, because it was interrupted there, says nothing. */
  private static long end(Started run, History joined) {
    return History.only(Ended.class, joined.of(Subject.call(run.call()))).stream()
        .filter(end -> end.worker().equals(run.worker()) && end.at() >= run.at())
        .mapToLong(Ended::at)
        .findFirst()
        .orElse(Long.MIN_VALUE);
  }

  private static void inTheState(SessionStory story, List<Violation> found) {
    long newest = Long.MIN_VALUE;
    String last = "";
    for (String name : story.kept()) {
      Change change = story.changes().get(name);
      if (change == null || name.equals(last)) {
        continue;
      }
      last = name;
      story.that(change.made().at() < newest, Breach.SESSION_ORDER_BROKEN, change.made(), found);
      newest = Math.max(newest, change.made().at());
    }
  }
}
