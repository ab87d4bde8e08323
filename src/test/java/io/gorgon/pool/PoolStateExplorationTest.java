package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import com.typesafe.config.ConfigFactory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Every order of events, to a depth: two slots, three clients. The state is the real one; the lane,
 * the workers and the clients are a model that does what the pool's actor would do with each
 * effect.
 */
class PoolStateExplorationTest {

  static PoolSettings settings() {
    return PoolSettings.of(
        "explored",
        ConfigFactory.parseString(
            "min-workers = 2, max-workers = 2, queue-capacity = 2, restart.concurrent = 2,"
                + " restart.budget = 2, size.idle-check = 0, size.idle-timeout = 0"),
        ConfigFactory.load());
  }

  /**
   * All events together to a depth that fits the time; and to depth 8 the two families that hardly
   * touch each other: what clients do with healthy workers, and what becomes of workers while a
   * client waits.
   */
  @ParameterizedTest
  @CsvSource({"EVERYTHING, 6", "LEASES, 10", "LIVES, 8"})
  void noOrderOfEventsBreaksAnInvariant(ExploredPool.Family family, int depth) {
    Map<Long, Integer> explored = new HashMap<>();
    var steps = new long[1];
    explore(new ExploredPool(settings(), family), depth, explored, steps);
    System.out.println(
        "[exploration] "
            + family
            + ": "
            + explored.size()
            + " distinct states, "
            + steps[0]
            + " steps, depth "
            + depth);
    assertThat(explored.size()).isGreaterThan(1_000);
  }

  /** Depth first; a state is looked at again only if more steps are left than the last time. */
  private static void explore(
      ExploredPool from, int depth, Map<Long, Integer> explored, long[] steps) {
    Integer before = explored.put(hash(from.fingerprint()), depth);
    if (before != null && before >= depth) {
      explored.put(hash(from.fingerprint()), before);
      return;
    }
    if (depth == 0) {
      return;
    }
    for (ExploredPool.Step step : from.steps()) {
      ExploredPool next = from.copy();
      try {
        next.take(step);
        next.checkInvariants();
      } catch (AssertionError | RuntimeException broken) {
        throw new AssertionError(String.join("\n  ", next.history()), broken);
      }
      steps[0]++;
      explore(next, depth - 1, explored, steps);
    }
  }

  /** 64 bits (FNV-1a): of a million states two share one by a chance of one in ten million. */
  private static long hash(String text) {
    long hash = 0xcbf29ce484222325L;
    for (int i = 0; i < text.length(); i++) {
      hash = (hash ^ text.charAt(i)) * 0x100000001b3L;
    }
    return hash;
  }

  @Test
  void longRandomHistoriesBreakNoInvariantAndEndWell() {
    for (int seed = 0; seed < 3_000; seed++) {
      var random = new Random(seed);
      var pool = new ExploredPool(settings(), ExploredPool.Family.EVERYTHING);
      try {
        for (int i = 0; i < 60; i++) {
          List<ExploredPool.Step> steps = pool.steps();
          pool.take(steps.get(random.nextInt(steps.size())));
          pool.checkInvariants();
        }
        pool.letAllGoWell();
        pool.checkInvariants();
        pool.checkEndedWell();
      } catch (AssertionError | RuntimeException broken) {
        throw new AssertionError(
            "seed " + seed + ": " + String.join("\n  ", new ArrayList<>(pool.history())), broken);
      }
    }
  }
}
