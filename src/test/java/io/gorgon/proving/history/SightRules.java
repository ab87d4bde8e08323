package io.gorgon.proving.history;

import io.gorgon.proving.history.Fact.StateRead;
import io.gorgon.proving.history.SessionStory.Change;
import io.gorgon.proving.history.SessionStory.Promise;
import io.gorgon.proving.history.SessionStory.Sight;
import java.util.List;

/**
 * Whoever looks at a session's state sees its own, as it was kept at some moment, with everything
 * that had been acknowledged before. Changes are added at the end, so each such state is a
 * beginning of the last one.
 */
final class SightRules implements History.Rules {

  @Override
  public Subject.Kind about() {
    return Subject.Kind.SESSION;
  }

  @Override
  public void check(Subject subject, List<Fact> facts, History joined, List<Violation> found) {
    SessionStory story = SessionStory.of(subject, facts, joined);
    List<String> kept = story.kept();
    // Of the changes from each place on, when the first of them had been acknowledged.
    long[] acknowledged = new long[kept.size() + 1];
    acknowledged[kept.size()] = Long.MAX_VALUE;
    for (int i = kept.size() - 1; i >= 0; i--) {
      acknowledged[i] = Math.min(acknowledged[i + 1], acknowledgedAt(story, kept.get(i)));
    }
    story
        .sights()
        .forEach(
            sight -> {
              if (!isOurs(story, sight)) {
                story.that(true, Breach.STATE_OF_ANOTHER, sight.fact(), found);
              } else if (story.end() != null && !isBeginning(kept, sight)) {
                story.that(true, Breach.STATE_NEVER_KEPT, sight.fact(), found);
              } else if (story.end() != null) {
                story.that(
                    acknowledged[sight.size()] < sight.fact().at(),
                    Breach.STATE_STALE,
                    sight.fact(),
                    found);
              }
            });
  }

  private static long acknowledgedAt(SessionStory story, String name) {
    Change change = story.changes().get(name);
    return change != null && change.promise() == Promise.KEPT
        ? change.toldBy().at()
        : Long.MAX_VALUE;
  }

  private static boolean isOurs(SessionStory story, Sight sight) {
    String owner = sight.size() == 0 ? Fact.NOBODY : story.subject().name();
    return sight.session().equals(story.subject().name())
        && sight.owner().equals(owner)
        && (!(sight.fact() instanceof StateRead read)
            || story.changes().keySet().containsAll(read.changes()));
  }

  private static boolean isBeginning(List<String> kept, Sight sight) {
    if (sight.fact() instanceof StateRead read) {
      return sight.size() <= kept.size() && kept.subList(0, sight.size()).equals(read.changes());
    }
    return sight.size() == 0
        || (sight.size() <= kept.size() && kept.get(sight.size() - 1).equals(sight.last()));
  }
}
