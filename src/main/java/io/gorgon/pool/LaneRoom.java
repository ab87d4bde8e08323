package io.gorgon.pool;

import io.gorgon.message.WorkerId;
import io.gorgon.worker.Runner;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * This is the room that the workers of a {@link Lane} have: a worker has as many places as it runs
 * calls at once, and each place is busy, idle or held. Held places wait until all of their worker's
 * are, and it can be handed out whole. Guarded by the lane's lock.
 */
final class LaneRoom {

  /** Claimed by name, or for nobody in particular. */
  static final long BY_NAME = 0;

  private final Set<Runner> members = new LinkedHashSet<>();

  /** One entry for each idle place; the worker that was used last first, since it is warmest. */
  private final Deque<Runner> idle = new ArrayDeque<>();

  private final Map<Runner, Integer> held = new HashMap<>();

  /** Workers that are to be handed out, and the requests that they are for. */
  private final Map<Runner, Long> wanted = new HashMap<>();

  /** Those among them that are wanted by name, whether for a request besides or not. */
  private final Set<Runner> named = new HashSet<>();

  void add(Runner runner) {
    members.add(runner);
  }

  boolean contains(Runner runner) {
    return members.contains(runner);
  }

  boolean isEmpty() {
    return members.isEmpty();
  }

  int size() {
    return members.size();
  }

  /**
   * Forgets a worker.
   *
   * @return the request that it was to be handed out for, {@link #BY_NAME} if none
   */
  long remove(Runner runner) {
    members.remove(runner);
    idle.removeIf(runner::equals);
    held.remove(runner);
    named.remove(runner);
    Long request = wanted.remove(runner);
    return request == null ? BY_NAME : request;
  }

  /** Takes an idle place of that worker, or of any other if it has none. */
  @Nullable Runner pollIdle(@Nullable WorkerId preferred) {
    if (preferred != null) {
      for (Runner runner : idle) {
        if (runner.id().equals(preferred) && isUsable(runner)) {
          idle.removeFirstOccurrence(runner);
          return runner;
        }
      }
    }
    return pollIdle();
  }

  /** Takes an idle place; a worker that closed is left out, and one whose calls are spent. */
  @Nullable Runner pollIdle() {
    Runner runner = idle.pollFirst();
    while (runner != null && !isUsable(runner)) {
      runner = idle.pollFirst();
    }
    return runner;
  }

  /** The places of a worker that waits for its replacement are held, until it is claimed. */
  private boolean isUsable(Runner runner) {
    boolean open = runner.isOpen();
    boolean spent = open && runner.concurrency() > 1 && runner.callsLeft() == 0;
    if (spent) {
      hold(runner);
    }
    return open && !spent;
  }

  /** A place has nothing to do. Workers with several places take turns. */
  void rest(Runner runner) {
    if (runner.concurrency() == 1) {
      idle.addFirst(runner);
    } else {
      idle.addLast(runner);
    }
  }

  boolean isWanted(Runner runner) {
    return wanted.containsKey(runner);
  }

  /** Wants a worker, for a request or by name; its idle places are held from now on. */
  void want(Runner runner, long request) {
    if (request == BY_NAME) {
      named.add(runner);
    }
    wanted.merge(runner, request, (old, added) -> old == BY_NAME ? added : old);
    int resting = 0;
    while (idle.removeFirstOccurrence(runner)) {
      resting++;
    }
    held.merge(runner, resting, Integer::sum);
  }

  /** A place has ended what it did, and gets nothing new. */
  void hold(Runner runner) {
    held.merge(runner, 1, Integer::sum);
  }

  /** Whether a worker that is wanted has nothing more to do. */
  boolean isWhole(Runner runner) {
    return wanted.containsKey(runner) && held.getOrDefault(runner, 0) >= runner.concurrency();
  }

  /**
   * Takes back that a worker is wanted for {@code request}.
   *
   * @return the worker, if that waits still and is wanted no more; not if it is wanted by name too
   */
  @Nullable Runner unwant(long request) {
    for (Map.Entry<Runner, Long> entry : wanted.entrySet()) {
      if (entry.getValue() == request) {
        Runner runner = entry.getKey();
        if (named.contains(runner)) {
          entry.setValue(BY_NAME);
          return null;
        }
        wanted.remove(runner);
        return runner;
      }
    }
    return null;
  }

  /** Lets the held places of a worker go. */
  int release(Runner runner) {
    Integer places = held.remove(runner);
    return places == null ? 0 : places;
  }

  /** A worker for a claim: {@code preferred} if all of it is idle, else the idlest; or null. */
  @Nullable Runner idlest(@Nullable Runner preferred) {
    Map<Runner, Integer> places = new HashMap<>();
    Runner best = null;
    for (Runner runner : idle) {
      if (runner.isOpen()) {
        int count = places.merge(runner, 1, Integer::sum);
        if (runner == preferred && count == runner.concurrency()) {
          return runner;
        }
        if (best == null || count > places.getOrDefault(best, 0)) {
          best = runner;
        }
      }
    }
    return best;
  }

  /** Workers that have an idle place and nothing else, the one that was used last first. */
  List<Runner> idle() {
    Map<Runner, Integer> places = new HashMap<>();
    List<Runner> whole = new ArrayList<>();
    for (Runner runner : idle) {
      if (places.merge(runner, 1, Integer::sum) == runner.concurrency()) {
        whole.add(runner);
      }
    }
    return whole;
  }
}
