package io.gorgon.proving.history;

import io.gorgon.proving.history.SessionStory.Change;
import io.gorgon.proving.history.SessionStory.Promise;
import java.util.Collections;
import java.util.List;

/**
 * Every change that somebody was told is kept is there once, and none is there that a failure
 * promised away. Each commit has one change, so the state's version counts them.
 */
final class CommitRules implements History.Rules {

  @Override
  public Subject.Kind about() {
    return Subject.Kind.SESSION;
  }

  @Override
  public void check(Subject subject, List<Fact> facts, History joined, List<Violation> found) {
    SessionStory story = SessionStory.of(subject, facts, joined);
    story
        .sights()
        .forEach(
            sight ->
                story.that(sight.count() != sight.size(), Breach.CHANGE_TORN, sight.fact(), found));
    if (story.end() == null) {
      return;
    }
    List<String> kept = story.kept();
    story.changes().forEach((name, change) -> check(story, change, found));
    story.that(
        story.end().version() != kept.size(),
        Breach.CHANGE_UNDER_ANOTHER_VERSION,
        story.end(),
        found);
  }

  private static void check(SessionStory story, Change change, List<Violation> found) {
    List<String> kept = story.kept();
    String name = change.made().change();
    int times = Collections.frequency(kept, name);
    story.that(
        times == 0 && change.promise() == Promise.KEPT, Breach.CHANGE_LOST, change.toldBy(), found);
    story.that(times > 1, Breach.CHANGE_DOUBLED, change.toldBy(), found);
    story.that(
        times > 0 && change.promise() == Promise.NOT_KEPT,
        Breach.CHANGE_KEPT_THOUGH_FAILED,
        change.toldBy(),
        found);
    story.that(
        times > 0 && change.version() > 0 && change.version() != kept.indexOf(name) + 1,
        Breach.CHANGE_UNDER_ANOTHER_VERSION,
        change.toldBy(),
        found);
  }
}
