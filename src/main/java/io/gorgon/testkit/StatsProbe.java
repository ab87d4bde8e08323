package io.gorgon.testkit;

import io.gorgon.pool.PoolStats;
import io.gorgon.pool.PoolStats.WorkerStats;
import java.time.Duration;
import java.util.function.Predicate;

/** Waits for a pool's figures to be as a test wants them. Time is the kit's. */
public final class StatsProbe {

  private final GorgonTestKit kit;

  StatsProbe(GorgonTestKit kit) {
    this.kit = kit;
  }

  /** Figures of this moment. */
  public PoolStats now() {
    return kit.stats();
  }

  /**
   * Waits until the figures are so.
   *
   * @param what said where they never are
   * @return the figures that were
   * @throws AssertionError if they are not within the kit's patience
   */
  public PoolStats await(String what, Predicate<PoolStats> so) {
    return awaitWithin(kit.patience(), what, so);
  }

  /** The same, within {@code limit}. */
  public PoolStats awaitWithin(Duration limit, String what, Predicate<PoolStats> so) {
    PoolStats[] last = {now()};
    boolean came =
        kit.await(
            () -> {
              PoolStats current = now();
              last[0] = current;
              return so.test(current);
            },
            limit);
    if (!came) {
      throw new AssertionError(
          "waited " + limit.toMillis() + " ms for " + what + ", and got " + text(last[0]));
    }
    return last[0];
  }

  /** Waits until so many workers are ready. */
  public PoolStats awaitReady(int workers) {
    return await(workers + " ready workers", stats -> stats.ready() >= workers);
  }

  /** Waits until nobody waits, nothing runs and nothing is checked out. */
  public PoolStats awaitIdle() {
    return await("an idle pool", StatsProbe::isIdle);
  }

  private static boolean isIdle(PoolStats stats) {
    return stats.leased() == 0
        && stats.waitingCalls() == 0
        && stats.waitingCheckouts() == 0
        && stats.workers().stream().noneMatch(WorkerStats::running);
  }

  /** The figures, for a reader. */
  static String text(PoolStats stats) {
    var text = new StringBuilder();
    text.append(
        String.format(
            "pool %s %s: %d of %d..%d workers ready, %d leased, %d calls and %d checkouts waiting",
            stats.pool(),
            stats.status(),
            stats.ready(),
            stats.minWorkers(),
            stats.maxWorkers(),
            stats.leased(),
            stats.waitingCalls(),
            stats.waitingCheckouts()));
    for (WorkerStats worker : stats.workers()) {
      text.append(
          String.format(
              "%n  slot %d, generation %d, pid %d: %s%s, %d restarts",
              worker.slot(),
              worker.generation(),
              worker.pid(),
              worker.state(),
              worker.running() ? ", running" : "",
              worker.restarts()));
    }
    return text.toString();
  }

  @Override
  public String toString() {
    return text(now());
  }
}
