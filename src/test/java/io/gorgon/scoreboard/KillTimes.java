package io.gorgon.scoreboard;

import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure.WorkerLost;
import io.gorgon.message.WorkerId;
import io.gorgon.proving.TestPool;
import io.gorgon.proving.history.Fact;
import io.gorgon.proving.history.Fact.Terms;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;

/**
 * Rows 10 and 11: how soon the caller of a killed process is told, and how soon another one serves.
 * Four callers keep four workers in calls that wait, and one process after the other is killed.
 */
final class KillTimes {

  private static final int KILLS = 200;
  private static final Terms CALL =
      Terms.once(Duration.ofSeconds(30), WorkerLost.class::isInstance);

  private KillTimes() {}

  static Row[] measure(Random random) {
    var told = new Histogram(3);
    var ready = new Histogram(3);
    RecordedPool pool =
        RecordedPool.start("min-workers = 4, max-workers = 4, restart.budget = 100000");
    try (pool) {
      pool.tested.awaitReady(4);
      for (int i = 0; i < 200; i++) {
        TestPool.get(pool.pool().call(Call.of("targets:echo", i)));
      }
      var sent = new HashMap<Integer, RecordedPool.Sent>();
      Set<WorkerId> killed = new HashSet<>();
      while (killed.size() < KILLS) {
        for (int i = 0; i < 4; i++) {
          if (!sent.containsKey(i) || sent.get(i).told().isDone()) {
            sent.put(i, pool.call(call -> pool.pool().call(call), CALL, "", "call", 10));
          }
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(60 + random.nextInt(20)));
        List<RecordedPool.Process> there = pool.processes();
        if (there.size() == 4) {
          var victim = there.get(random.nextInt(4));
          if (killed.add(victim.worker())) {
            pool.kill(victim);
          }
        }
      }
      pool.tested.awaitEvents(PoolEvent.WorkerGone.class, KILLS);
      pool.tested.awaitReady(4);
      sent.values().forEach(one -> one.running().cancel());
    }
    pool.violations();
    Map<WorkerId, Long> kills = new HashMap<>();
    pool.history.all(Fact.Harm.class).forEach(harm -> kills.put(harm.worker(), harm.at()));
    for (Fact.Told one : pool.history.all(Fact.Told.class)) {
      if (one.failure() instanceof WorkerLost) {
        pool.history.all(Fact.Started.class).stream()
            .filter(run -> run.call().equals(one.call()) && kills.containsKey(run.worker()))
            .forEach(run -> told.recordValue(one.at() - kills.get(run.worker())));
      }
    }
    for (Fact.Event event : pool.history.all(Fact.Event.class)) {
      if (event.event() instanceof PoolEvent.WorkerReady up) {
        WorkerId before =
            new WorkerId(up.worker().pool(), up.worker().slot(), up.worker().generation() - 1);
        if (kills.containsKey(before)) {
          ready.recordValue(event.at() - kills.get(before));
        }
      }
    }
    return new Row[] {
      Row.of(
          10,
          "SIGKILL → its caller is told `WorkerLost`",
          "p99 ≤ 100 ms",
          Figure.within("p99", millis(told, 99), 100, "ms"),
          Figure.within("p50", millis(told, 50), 100, "ms").shown(),
          Figure.atLeast("of", told.getTotalCount(), 100, "kills in a call")),
      Row.of(
          11,
          "SIGKILL → replacement ready",
          "p50 ≤ 100 ms, p99 ≤ 1 s",
          Figure.within("p50", millis(ready, 50), 100, "ms"),
          Figure.within("p99", millis(ready, 99), 1_000, "ms"))
    };
  }

  private static double millis(Histogram nanos, double percentile) {
    return nanos.getValueAtPercentile(percentile) / 1e6;
  }
}
