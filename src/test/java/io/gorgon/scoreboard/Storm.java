package io.gorgon.scoreboard;

import static io.gorgon.proving.history.Breach.*;

import io.gorgon.pool.Lease;
import io.gorgon.pool.PoolStats;
import io.gorgon.proving.TestPool;
import io.gorgon.proving.history.Breach;
import io.gorgon.proving.history.Fact;
import io.gorgon.proving.history.Violation;
import io.gorgon.scoreboard.StormPlan.What;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * Rows 1 to 9: 32 callers on 4 workers, and everything that may go wrong goes wrong, while an
 * operator resets the pool; then all that was seen is joined.
 */
final class Storm {

  private static final int WORKERS = 4;
  private static final int CALLERS = 32;
  private static final int RESETS = 5;

  private static final Set<Breach> OUTCOME =
      EnumSet.of(
          UNANSWERED,
          ANSWERED_TWICE,
          LATE,
          UNTYPED,
          NOT_ITS_FAULT,
          CANCELLED_BY_NOBODY,
          CANCEL_IGNORED,
          STREAM_ENDLESS,
          STREAM_AND_CALL_DIFFER,
          STREAM_CUT_SHORT,
          QUESTION_UNANSWERED);
  private static final Set<Breach> BARE = EnumSet.of(BARE_TIMEOUT);
  private static final Set<Breach> RUNS =
      EnumSet.of(RAN_TOO_OFTEN, RAN_ALL_THE_SAME, INVENTED, QUESTION_SERVED_TWICE);
  private static final Set<Breach> OVERLAP =
      EnumSet.of(LEASES_OVERLAP, RAN_BESIDE_A_LEASE, TWO_AT_ONCE, LEASED_UNREADY);
  private static final Set<Breach> DIRTY =
      EnumSet.of(REUSED_AFTER_DIRTY_END, RAN_AFTER_GONE, READY_OUT_OF_TURN, GONE_TWICE, NEVER_GONE);
  private static final Set<Breach> LEAKED = EnumSet.of(LEASE_LEAKED, LEASE_ENDED_UNGRANTED);

  /** Have rows of their own. */
  private static final Set<Breach> SESSIONS = SessionStorm.breaches();

  /** What is left: answers, elements and questions that went astray. */
  private static final Set<Breach> CROSSED =
      EnumSet.complementOf(union(OUTCOME, BARE, RUNS, OVERLAP, DIRTY, LEAKED, SESSIONS));

  private final long seed;
  private final Outcomes outcomes = new Outcomes();
  private final List<Violation> violations = new ArrayList<>();
  private long requests;
  private long kills;
  private long unreadySlots;
  private long survivors;
  private long zombies;

  Storm(long seed) {
    this.seed = seed;
  }

  @SafeVarargs
  private static EnumSet<Breach> union(Set<Breach>... sets) {
    EnumSet<Breach> all = EnumSet.noneOf(Breach.class);
    for (Set<Breach> set : sets) {
      all.addAll(set);
    }
    return all;
  }

  /** Counts the calls of sessions too: what holds of each call holds of theirs. */
  void count(SessionStorm other) {
    violations.addAll(other.violations());
    requests += other.calls();
  }

  /** One pool, one plan. */
  void blow(int round) {
    var random = new Random(seed + round);
    List<What> plan = StormPlan.of(random);
    long began = System.nanoTime();
    RecordedPool pool =
        RecordedPool.start(
            "min-workers = " + WORKERS + ", max-workers = " + WORKERS,
            "entry = \"storm_worker:main\", imports = [journaled], restart.budget = 100000",
            "output-lines-per-second = 0");
    pool.tested.awaitReady(WORKERS);
    String token = ProcessTable.runTokenOf(pool.tested.stats().workers().get(0).pid());
    var next = new AtomicInteger();
    var old = new AtomicReference<Lease>();
    var threads = Executors.newFixedThreadPool(CALLERS + 2);
    try {
      List<CompletableFuture<?>> callers = new ArrayList<>();
      for (int i = 0; i < CALLERS; i++) {
        var caller = new StormCaller(pool, outcomes, new Random(random.nextLong()), old);
        callers.add(
            CompletableFuture.runAsync(
                () -> {
                  for (int n; (n = next.getAndIncrement()) < plan.size(); ) {
                    caller.make(plan.get(n));
                  }
                },
                threads));
      }
      var killer = new Random(random.nextLong());
      var killed =
          CompletableFuture.supplyAsync(() -> kill(pool, killer, next, plan.size()), threads);
      var operator = CompletableFuture.runAsync(() -> reset(pool, next, plan.size()), threads);
      CompletableFuture.allOf(callers.toArray(CompletableFuture[]::new)).join();
      kills += killed.join();
      operator.join();
      requests += plan.size();
      unreadySlots += unreadyAfterTwoSeconds(pool);
    } finally {
      threads.shutdown();
      pool.close();
    }
    survivors += ProcessTable.carriersOf(token);
    zombies += ProcessTable.zombiesOfOurs();
    List<Violation> found = pool.violations();
    kills +=
        pool.history.all(Fact.Started.class).stream()
            .filter(s -> s.nonce().contains(":kill"))
            .count();
    kills += plan.stream().filter(what -> what == What.KILLED_AFTER_HEADER).count();
    found.stream().limit(20).forEach(one -> System.out.println("[storm] " + one));
    found.stream()
        .filter(one -> one.breach() == LATE)
        .forEach(
            one ->
                System.out.printf(
                    "[storm] while %s waited, the longest silence of the whole JVM was %.0f ms%n",
                    one.subject(), longestSilence(pool, one.history()) / 1e6));
    violations.addAll(found);
    System.out.printf(
        "[storm] round %d, seed %d: %,d requests, %,d facts, %d violations, %d gave up, %.0f s%n",
        round,
        seed + round,
        plan.size(),
        pool.history.all(Fact.class).size(),
        found.size(),
        outcomes.givenUp.get(),
        (System.nanoTime() - began) / 1e9);
  }

  /** Whether it was the pool that was late, or a JVM that stood still, in which nobody notes. */
  private static long longestSilence(RecordedPool pool, List<Fact> around) {
    long from = around.get(0).at();
    long to = around.get(around.size() - 1).at();
    long[] noted =
        pool.history.all(Fact.class).stream()
            .filter(fact -> !(fact instanceof Fact.Started || fact instanceof Fact.Ended))
            .mapToLong(Fact::at)
            .filter(at -> at >= from && at <= to)
            .sorted()
            .toArray();
    long longest = 0;
    for (int i = 1; i < noted.length; i++) {
      longest = Math.max(longest, noted[i] - noted[i - 1]);
    }
    return longest;
  }

  /** Kills at any moment, evenly over the requests; how many. */
  private static long kill(RecordedPool pool, Random random, AtomicInteger next, int requests) {
    long killed = 0;
    Set<Long> pids = new java.util.HashSet<>();
    while (killed < StormPlan.KILLS_FROM_OUTSIDE && next.get() < requests) {
      LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(500 + random.nextInt(8_000)));
      List<RecordedPool.Process> processes = pool.processes();
      if (killed * requests > (long) next.get() * StormPlan.KILLS_FROM_OUTSIDE
          || processes.isEmpty()) {
        continue;
      }
      var victim = processes.get(random.nextInt(processes.size()));
      if (pids.add(victim.pid()) && pool.kill(victim)) {
        killed++;
      }
    }
    return killed;
  }

  private static void reset(RecordedPool pool, AtomicInteger next, int requests) {
    for (int reset = 1; reset <= RESETS; reset++) {
      while (next.get() < (long) requests * reset / (RESETS + 1)) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
      }
      pool.pool().reset();
    }
  }

  /** Slots that do not serve, and leases that are out, when two seconds are over. */
  private static long unreadyAfterTwoSeconds(RecordedPool pool) {
    long end = System.nanoTime() + Duration.ofSeconds(2).toNanos();
    PoolStats stats;
    do {
      stats = TestPool.get(pool.pool().stats());
    } while ((stats.ready() != WORKERS || stats.leased() != 0) && System.nanoTime() < end);
    long unready = Math.abs(WORKERS - stats.ready()) + stats.leased();
    if (unready > 0) {
      System.out.println("[storm] two seconds after the last fault: " + stats);
    }
    return unready;
  }

  private long count(Set<Breach> breaches) {
    return violations.stream().filter(one -> breaches.contains(one.breach())).count();
  }

  Row[] rows(long aliveAfterJvmKill, int jvmKills) {
    return new Row[] {
      Row.of(
          1,
          "requests without exactly one typed outcome by deadline + 250 ms",
          "0",
          Figure.none("", count(OUTCOME) + outcomes.bad.get()),
          Figure.atLeast("of", requests, StormPlan.REQUESTS, "requests")),
      Row.of(
          2,
          "bare ask timeouts seen by callers",
          "0",
          Figure.none("", count(BARE) + outcomes.bareTimeouts.get())),
      Row.of(
          3,
          "requests run more often than allowed, or though told as not started",
          "0",
          Figure.none("", count(RUNS)),
          Figure.atLeast("with", kills, 300, "SIGKILL")),
      Row.of(
          4,
          "replies, elements and questions that reached another than theirs",
          "0",
          Figure.none("", count(CROSSED))),
      Row.of(5, "overlaps on one incarnation", "0", Figure.none("", count(OVERLAP))),
      Row.of(6, "use of an incarnation after a dirty end", "0", Figure.none("", count(DIRTY))),
      Row.of(
          7,
          "leases leaked, slots not ready 2 s after the last fault",
          "0, 0",
          Figure.none("leases", count(LEAKED)),
          Figure.none("slots", unreadySlots)),
      Row.of(
          8,
          "our processes alive after a stop; 1 s after SIGKILL of the JVM",
          "0, 0",
          Figure.none("", survivors),
          Figure.none("", aliveAfterJvmKill),
          Figure.atLeast("with", jvmKills, 20, "JVMs killed")),
      Row.of(9, "zombies of our JVM", "0", Figure.none("", zombies))
    };
  }
}
