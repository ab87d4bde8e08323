package io.gorgon.pool;

import io.gorgon.connection.SharedFigures;
import io.gorgon.worker.Tally;
import java.util.ArrayList;
import java.util.List;

/** This puts a pool's figures together. */
final class StatsReport {

  /** What is known of an incarnation's process. */
  record Seen(long pid, boolean running) {}

  private StatsReport() {}

  static PoolStats of(
      Entrance entrance, PoolState state, Lane lane, Hands hands, SharedFigures shared) {
    List<PoolStats.WorkerStats> workers = new ArrayList<>();
    int ready = 0;
    int leased = 0;
    for (Slot slot : state.slots()) {
      for (Slot.Member member : slot.members()) {
        ready += member.phase.isServing() ? 1 : 0;
        leased += member.phase == Slot.Phase.LEASED ? 1 : 0;
      }
      workers.add(worker(entrance.settings().name(), slot, hands.tally(slot.number), hands));
    }
    return new PoolStats(
        entrance.settings().name(),
        entrance.status(),
        state.min(),
        state.max(),
        ready,
        leased,
        lane.waiting(),
        state.line().size(),
        lane.accepted(),
        lane.refused(),
        state.staleMessages(),
        shared,
        workers);
  }

  private static PoolStats.WorkerStats worker(String pool, Slot slot, Tally tally, Hands hands) {
    Slot.Member member = slot.current;
    long generation = member == null ? 0 : member.generation;
    Seen seen = hands.seen(slot.number, generation);
    return new PoolStats.WorkerStats(
        pool,
        slot.number,
        generation,
        seen.pid(),
        member == null ? "empty" : member.phase.name().toLowerCase(java.util.Locale.ROOT),
        seen.running(),
        slot.restarts,
        tally.answered(),
        tally.failed(),
        tally.lost(),
        slot.checkouts,
        slot.cleanReturns,
        slot.failedReturns,
        tally.lastActivity(),
        tally.latency(50),
        tally.latency(99));
  }
}
