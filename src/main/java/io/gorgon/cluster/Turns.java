package io.gorgon.cluster;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import org.apache.pekko.Done;
import org.jspecify.annotations.Nullable;

/**
 * These are the calls of one session that this node has, in the order in which they were made. One
 * of them is at the session's node, the others wait here: a session that is on its way to another
 * node can neither change their order, nor take more than one with it when its node dies. Touched
 * under the lock of {@link ShardedSessions}.
 */
final class Turns {

  /** What is done in the session's order. */
  sealed interface Step permits SessionCrossing, Ending {}

  /** The end of the session's state, behind the calls before it. */
  record Ending(String key, CompletableFuture<Done> ended) implements Step {}

  /** Where a step is. */
  enum Place {
    WAITING,
    UNDER_WAY,
    NOWHERE
  }

  private final Deque<Step> waiting = new ArrayDeque<>(2);
  private @Nullable Step current;
  private boolean resting;

  /** Whether a step would begin at once, were the session's node to be reached. */
  boolean isFree() {
    return current == null && waiting.isEmpty() && !resting;
  }

  /** The step that is under way. */
  @Nullable Step current() {
    return current;
  }

  void add(Step step) {
    waiting.addLast(step);
  }

  /** The step that is next, which begins now; null if none can. */
  @Nullable Step begin() {
    if (current == null && !resting) {
      current = waiting.pollFirst();
      return current;
    }
    return null;
  }

  /** It has ended, or need not begin any more; where it was. */
  Place end(Step step) {
    if (current == step) {
      current = null;
      return Place.UNDER_WAY;
    }
    return waiting.remove(step) ? Place.WAITING : Place.NOWHERE;
  }

  /** It has to begin again, before all others, but not yet. */
  void restBefore(Step before, Step again) {
    if (current == before) {
      current = null;
    }
    waiting.addFirst(again);
    resting = true;
  }

  void rested() {
    resting = false;
  }

  /** Takes out all that wait. */
  Deque<Step> clear() {
    var left = new ArrayDeque<>(waiting);
    waiting.clear();
    return left;
  }
}
