package io.gorgon.proving.history;

import io.gorgon.message.PythonFailure.CommitUnknown;
import io.gorgon.proving.history.Fact.Asked;
import io.gorgon.proving.history.Fact.Changed;
import io.gorgon.proving.history.Fact.CheckpointAsked;
import io.gorgon.proving.history.Fact.CheckpointKept;
import io.gorgon.proving.history.Fact.CheckpointRefused;
import io.gorgon.proving.history.Fact.InSession;
import io.gorgon.proving.history.Fact.Started;
import io.gorgon.proving.history.Fact.StateRead;
import io.gorgon.proving.history.Fact.Told;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one session: what its calls changed, what was promised of each change, and what
 * is there in the end.
 *
 * @param facts its own and those of its calls, in the order of time
 * @param changes every change that a call made, by its name
 * @param end what the store had at last; null if nobody looked
 */
record SessionStory(
    Subject subject, List<Fact> facts, Map<String, Change> changes, @Nullable StateRead end) {

  /** What somebody was told of a change. */
  enum Promise {
    KEPT,
    NOT_KEPT,
    NOTHING
  }

  /**
   * One change.
   *
   * @param made when it was made last, for a call that ran again makes it again
   * @param toldBy what the promise came with: an answer, a checkpoint, or what there is instead
   * @param version that it must have if it is kept, as far as somebody was told; else 0
   */
  record Change(Changed made, Promise promise, Fact toldBy, long version) {}

  static SessionStory of(Subject subject, List<Fact> own, History joined) {
    Set<Fact> all = new LinkedHashSet<>(own);
    Map<String, Change> changes = new LinkedHashMap<>();
    for (InSession one : History.only(InSession.class, own)) {
      List<Fact> call = joined.of(Subject.call(one.call()));
      all.addAll(call);
      changes.putAll(promises(call));
    }
    StateRead end =
        History.only(StateRead.class, own).stream()
            .filter(StateRead::last)
            .findFirst()
            .orElse(null);
    return new SessionStory(
        subject, all.stream().sorted(Comparator.comparingLong(Fact::at)).toList(), changes, end);
  }

  /**
   * What a call's changes were promised. A failure promises that nothing was kept since the last
   * checkpoint, but for the one that says that this is not known; a checkpoint that was asked for
   * and had no answer promises nothing.
   */
  private static Map<String, Change> promises(List<Fact> call) {
    Map<String, Change> changes = new LinkedHashMap<>();
    List<Changed> open = new ArrayList<>();
    for (Fact fact : call) {
      if (fact instanceof Started) {
        open.clear(); // it runs again: what it did before was dropped
      } else if (fact instanceof Changed made) {
        open.add(made);
        changes.put(made.change(), new Change(made, Promise.NOT_KEPT, made, 0));
      } else if (fact instanceof CheckpointAsked) {
        promise(changes, open, Promise.NOTHING, fact, 0);
      } else if (fact instanceof CheckpointKept kept) {
        promise(changes, open, Promise.KEPT, fact, kept.version());
        open.clear();
      } else if (fact instanceof CheckpointRefused refused) {
        boolean unknown = refused.failure().endsWith(CommitUnknown.class.getSimpleName());
        promise(changes, open, unknown ? Promise.NOTHING : Promise.NOT_KEPT, fact, 0);
        open.clear();
      }
    }
    Told told = History.only(Told.class, call).stream().findFirst().orElse(null);
    if (told == null) {
      promise(changes, open, Promise.NOTHING, call.get(call.size() - 1), 0);
    } else if (told.failure() == null) {
      promise(changes, open, Promise.KEPT, told, 0);
    } else if (told.failure() instanceof CommitUnknown unknown) {
      promise(changes, open, Promise.NOTHING, told, unknown.version());
    }
    return changes;
  }

  private static void promise(
      Map<String, Change> changes, List<Changed> of, Promise promise, Fact by, long version) {
    for (Changed made : of) {
      // Only the last of several is what a version was told of.
      long own = made.equals(of.get(of.size() - 1)) ? version : 0;
      changes.put(made.change(), new Change(made, promise, by, own));
    }
  }

  /** What the store had at last, oldest first; empty if nobody looked. */
  List<String> kept() {
    return end == null ? List.of() : end.changes();
  }

  /** Every run of its calls, in the order in which they began. */
  List<Started> runs() {
    return History.only(Started.class, facts);
  }

  /** When a call was asked for, and when the session had taken it in. */
  Map<String, Asked> asked() {
    Map<String, Asked> asked = new LinkedHashMap<>();
    History.only(Asked.class, facts).forEach(one -> asked.put(one.call(), one));
    return asked;
  }

  /** Adds a violation. */
  void that(boolean broken, Breach breach, Fact shownBy, Collection<Violation> found) {
    if (broken) {
      found.add(Violation.of(breach, subject, facts, shownBy));
    }
  }

  /** Every look at the state, whoever looked. */
  Stream<Sight> sights() {
    return facts.stream()
        .<Sight>mapMulti(
            (fact, next) -> {
              if (fact instanceof Fact.Saw saw) {
                next.accept(
                    new Sight(
                        saw, saw.session(), saw.owner(), saw.count(), saw.size(), saw.last()));
              } else if (fact instanceof StateRead read) {
                List<String> seen = read.changes();
                next.accept(
                    new Sight(
                        read,
                        read.session(),
                        read.owner(),
                        read.count(),
                        seen.size(),
                        seen.isEmpty() ? Fact.NOBODY : seen.get(seen.size() - 1)));
              }
            });
  }

  /** What somebody saw of the state. */
  record Sight(Fact fact, String session, String owner, long count, int size, String last) {}
}
