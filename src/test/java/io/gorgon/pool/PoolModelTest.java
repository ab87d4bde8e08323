package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.pool.ModelAction.What;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * Every order of events that may befall a pool of 2 slots with 3 clients: exhaustively to a depth
 * ({@code -Dgorgon.exploration.depth}, 8) for groups of events that belong together, by samples and
 * deeper ({@code -Dgorgon.exploration.seconds}) for all of them at once. What must always hold is
 * checked after every step, and listed in {@link ModelInvariants}; the counts are printed.
 */
class PoolModelTest {

  private static final int CLIENTS = 3;
  private static final int DEPTH = Integer.getInteger("gorgon.exploration.depth", 8);
  private static final long SECONDS = Long.getLong("gorgon.exploration.seconds", 9);
  private static final int MOST_KEPT = 3_000;

  /**
   * What has been seen, as 64 bits of each fingerprint: a clash hides a state, never invents one.
   */
  private static final class Seen {
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

  @Test
  void everyOrderOfLeaseEvents() {
    exploreAll(
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

  @Test
  void everyOrderOfSessionEventsAndDeaths() {
    exploreAll(
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

  @Test
  void everyOrderOfStartsAndEnds() {
    exploreAll(
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

  @Test
  void everyOrderAroundTheLane() {
    exploreAll(
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

  @Test
  void samplesOfEverythingTogether() {
    sample("everything, starting", PoolModel.fresh(CLIENTS), SECONDS / 3);
    sample("everything, serving", PoolModel.ready(CLIENTS), SECONDS / 3);
    sample("everything, bound", PoolModel.bound(CLIENTS), SECONDS / 3);
  }

  /** Breadth first, nothing left out. */
  private static void exploreAll(String name, PoolModel start, Set<What> alphabet) {
    explore(name, start, alphabet, DEPTH, Integer.MAX_VALUE, Long.MAX_VALUE);
  }

  /** Breadth first too, but of a layer that is too large only a part is followed. */
  private static void sample(String name, PoolModel start, long seconds) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    explore(name, start, EnumSet.allOf(What.class), 40, MOST_KEPT, end);
  }

  private static void explore(
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
  }

  @Test
  void fromAnywhereAllEndsWellIfEverythingGoesWell() {
    var random = new Random(20_261_124);
    long steps = 0;
    int walks = 4_000;
    for (int walk = 0; walk < walks; walk++) {
      PoolModel model =
          switch (walk % 3) {
            case 0 -> PoolModel.fresh(6);
            case 1 -> PoolModel.ready(6);
            default -> PoolModel.bound(6);
          };
      int length = 5 + random.nextInt(60);
      for (int step = 0; step < length; step++) {
        List<ModelAction> actions = ModelActions.of(model);
        model.apply(actions.get(random.nextInt(actions.size())));
        steps++;
      }
      model.checkStrangersAreHarmless();
      model.goWell(250, true);
      model.checkAllWell();
    }
    System.out.printf("[exploration] %,d random walks of %,d steps all ended well%n", walks, steps);
  }

  @Test
  void theHashOfAFingerprintIsGoodEnough() {
    var seen = new Seen();
    for (int i = 0; i < 300_000; i++) {
      assertThat(seen.add("1:1STARTING " + i + " [0.1]")).isTrue();
    }
  }
}
