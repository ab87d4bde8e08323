package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.pool.ModelAction.What;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
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

  @Test
  void everyOrderOfLeaseEvents() {
    assertThat(Exploration.leases(DEPTH)).isPositive();
  }

  @Test
  void everyOrderOfSessionEventsAndDeaths() {
    assertThat(Exploration.sessionsAndDeaths(DEPTH)).isPositive();
  }

  @Test
  void everyOrderOfStartsAndEnds() {
    assertThat(Exploration.startsAndEnds(DEPTH)).isPositive();
  }

  @Test
  void everyOrderAroundTheLane() {
    assertThat(Exploration.aroundTheLane(DEPTH)).isPositive();
  }

  @Test
  void samplesOfEverythingTogether() {
    sample("everything, starting", PoolModel.fresh(CLIENTS), SECONDS / 3);
    sample("everything, serving", PoolModel.ready(CLIENTS), SECONDS / 3);
    sample("everything, bound", PoolModel.bound(CLIENTS), SECONDS / 3);
  }

  /** Breadth first too, but of a layer that is too large only a part is followed. */
  private static void sample(String name, PoolModel start, long seconds) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    Exploration.explore(name, start, EnumSet.allOf(What.class), 40, MOST_KEPT, end);
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
    var seen = new Exploration.Seen();
    for (int i = 0; i < 300_000; i++) {
      assertThat(seen.add("1:1STARTING " + i + " [0.1]")).isTrue();
    }
  }
}
