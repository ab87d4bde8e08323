package io.gorgon.pool;

import io.gorgon.pool.ModelAction.What;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.IntUnaryOperator;
import java.util.stream.Stream;

/**
 * Tries every order of events that may befall a pool of 2 slots with 3 clients, to a depth, for
 * groups of events that belong together. What must always hold is checked after every step, and
 * listed in {@link ModelInvariants}; a violation is thrown. The counts are printed.
 */
public final class Exploration {

  private static final int CLIENTS = 3;

  private Exploration() {}

  /**
   * What has been seen, as 64 bits of each fingerprint: a clash hides a state, never invents one.
   */
  static final class Seen {
    private final Set<Long> hashes = new HashSet<>();

    boolean add(String fingerprint) {
      long hash = 0xcbf29ce484222325L;
      for (int i = 0; i < fingerprint.length(); i++) {
        hash = (hash ^ fingerprint.charAt(i)) * 0x100000001b3L;
        hash ^= hash >>> 29;
      }
      return hashes.add(hash);
    }

    int size() {
      return hashes.size();
    }
  }

  /** All groups, as many at once as there are cores; how many different states were met. */
  public static int everything(int depth) {
    return Stream.<IntUnaryOperator>of(
            Exploration::sessionsAndDeaths,
            Exploration::leases,
            Exploration::startsAndEnds,
            Exploration::aroundTheLane)
        .parallel()
        .mapToInt(group -> group.applyAsInt(depth))
        .sum();
  }

  /** Checkouts, grants, returns, owners. */
  static int leases(int depth) {
    return exploreAll(
        depth,
        "leases",
        PoolModel.ready(CLIENTS),
        EnumSet.of(
            What.ASK,
            What.TAKE,
            What.ACKNOWLEDGE,
            What.USE,
            What.FINISH,
            What.HEAR,
            What.RETURN,
            What.CANCEL,
            What.OWNER_DIES,
            What.TIME));
  }

  /** Sessions, and workers that die. */
  static int sessionsAndDeaths(int depth) {
    return exploreAll(
        depth,
        "sessions and deaths",
        PoolModel.bound(CLIENTS),
        EnumSet.of(
            What.ASK,
            What.TAKE,
            What.RETURN,
            What.DIES,
            What.BURY,
            What.HEAR,
            What.START_WORKS,
            What.FINISH,
            What.END_SESSION));
  }

  /** Starts, failed starts, ends, resets, resizes. */
  static int startsAndEnds(int depth) {
    return exploreAll(
        depth,
        "starts and ends",
        PoolModel.fresh(1),
        EnumSet.of(
            What.ASK,
            What.TAKE,
            What.HEAR,
            What.START_WORKS,
            What.START_FAILS,
            What.DIES,
            What.BURY,
            What.VANISH,
            What.TIME,
            What.RETIRE,
            What.RESET,
            What.RESIZE,
            What.DRAIN));
  }

  /** The lane, health checks, retirement. */
  static int aroundTheLane(int depth) {
    return exploreAll(
        depth,
        "lane, checks and retirement",
        PoolModel.bound(2),
        EnumSet.of(
            What.ASK,
            What.TAKE,
            What.HEAR,
            What.LANE_CALL,
            What.LANE_CALL_ENDS,
            What.IDLE,
            What.PONG,
            What.RETIRE,
            What.RETURN,
            What.CANCEL,
            What.START_WORKS));
  }

  /** Breadth first, nothing left out. */
  private static int exploreAll(int depth, String name, PoolModel start, Set<What> alphabet) {
    return explore(name, start, alphabet, depth, Integer.MAX_VALUE, Long.MAX_VALUE);
  }

  static int explore(
      String name, PoolModel start, Set<What> alphabet, int most, int kept, long end) {
    var seen = new Seen();
    List<PoolModel> layer = List.of(start);
    var random = new Random(7);
    int depth = 0;
    long steps = 0;
    for (; depth < most && !layer.isEmpty() && System.nanoTime() - end < 0; depth++) {
      var next = new ArrayList<PoolModel>();
      int met = 0;
      boolean last = depth + 1 == most;
      for (PoolModel model : layer) {
        if (System.nanoTime() - end > 0) {
          break;
        }
        if (steps % 64 == 0) {
          model.checkStrangersAreHarmless();
        }
        for (ModelAction action : ModelActions.of(model)) {
          if (!alphabet.contains(action.what())) {
            continue;
          }
          PoolModel after = model.copy();
          after.apply(action);
          steps++;
          if (seen.add(after.fingerprint()) && !last) {
            met++;
            if (next.size() < kept) {
              next.add(after);
            } else if (random.nextInt(met) < kept) {
              next.set(random.nextInt(kept), after);
            }
          }
        }
      }
      layer = next;
    }
    System.out.printf(
        "[exploration] %s: %,d states, %,d steps, depth %d%s%n",
        name, seen.size(), steps, depth, kept == Integer.MAX_VALUE ? "" : " (samples)");
    return seen.size();
  }
}
