package io.gorgon.scoreboard;

import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.Draining;
import io.gorgon.proving.TestPool;
import io.gorgon.proving.history.Fact;
import io.gorgon.proving.history.Fact.Terms;
import io.gorgon.proving.history.Violation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/**
 * Rows 16 and 17: callers without a pause, each of whom makes his next call in the answer of his
 * last, while an operator resets or drains the pool.
 */
public final class CallLoad {

  private static final int CALLERS = 16;
  private static final int WORKERS = 3;

  private final RecordedPool pool;
  private final AtomicInteger calls = new AtomicInteger();
  private final AtomicBoolean over = new AtomicBoolean();
  private final List<CompletableFuture<Void>> callers = new ArrayList<>();

  private CallLoad(RecordedPool pool, Predicate<PythonFailure> mayFailWith) {
    this.pool = pool;
    for (int i = 0; i < CALLERS; i++) {
      var done = new CompletableFuture<Void>();
      callers.add(done);
      next(Terms.once(Duration.ofSeconds(20), mayFailWith), done);
    }
  }

  private void next(Terms terms, CompletableFuture<Void> done) {
    calls.incrementAndGet();
    var sent = pool.call(call -> pool.pool().call(call), terms, "", "call", 0);
    sent.running()
        .whenComplete(
            (reply, failure) -> {
              if (over.get() || failure != null) {
                sent.told().thenRun(() -> done.complete(null));
              } else {
                next(terms, done);
              }
            });
  }

  private void end() {
    over.set(true);
    callers.forEach(TestPool::get);
  }

  private static RecordedPool start() {
    RecordedPool pool =
        RecordedPool.start("min-workers = " + WORKERS + ", max-workers = " + WORKERS);
    pool.tested.awaitReady(WORKERS);
    return pool;
  }

  /**
   * What rolling resets did.
   *
   * @param violations every call that failed or went wrong otherwise
   * @param fewestReady workers that were ready at any time
   * @param unplanned processes that were lost instead of replaced
   */
  public record Resets(int calls, List<Violation> violations, int fewestReady, long unplanned) {
    /** How many workers there are. */
    public static final int TARGET = WORKERS;

    Row row(int resets) {
      return Row.of(
          17,
          resets + " rolling resets under load: failed requests; workers ready",
          "0; ≥ target − 1",
          Figure.none("", violations.size() + unplanned),
          Figure.atLeast("at least", fewestReady, WORKERS - 1, "of " + WORKERS),
          Figure.atLeast("in", calls, 100, "requests"));
    }
  }

  /** Resets the pool so many times, one after the other. */
  public static Resets resets(int times) {
    RecordedPool pool = start();
    try (pool) {
      var load = new CallLoad(pool, failure -> false);
      for (int reset = 1; reset <= times; reset++) {
        pool.pool().reset();
        pool.tested.awaitEvents(PoolEvent.WorkerGone.class, reset * WORKERS);
        pool.tested.awaitEvents(PoolEvent.WorkerReady.class, (reset + 1) * WORKERS);
      }
      load.end();
      List<PoolEvent> events = pool.tested.eventsOf(PoolEvent.class);
      pool.close();
      return new Resets(
          load.calls.get(),
          pool.violations(),
          fewestReady(events),
          events.stream()
              .filter(event -> event instanceof PoolEvent.WorkerGone gone && !gone.planned())
              .count());
    }
  }

  /** The fewest that were ready at once, from when all were ready first. */
  private static int fewestReady(List<PoolEvent> events) {
    Set<Object> ready = new HashSet<>();
    int fewest = Integer.MAX_VALUE;
    for (PoolEvent event : events) {
      if (event instanceof PoolEvent.WorkerReady up) {
        ready.add(up.worker());
      } else if (event instanceof PoolEvent.WorkerGone gone) {
        ready.remove(gone.worker());
      }
      if (fewest != Integer.MAX_VALUE || ready.size() == WORKERS) {
        fewest = Math.min(fewest, ready.size());
      }
    }
    return fewest;
  }

  /**
   * What a drain did.
   *
   * @param violations calls that were lost, or ran though they were told that the pool drains
   * @param startedAndLost calls that Python had started and whose callers got no value
   */
  public record Drain(
      int calls, List<Violation> violations, long startedAndLost, double seconds, double limit) {

    Row row() {
      return Row.of(
          16,
          "drain under load: accepted requests lost; total time",
          "0; ≤ timeout + 2 s",
          Figure.none("", violations.size() + startedAndLost),
          Figure.within("", seconds, limit + 2, "s"),
          Figure.atLeast("in", calls, 100, "requests"));
    }
  }

  /** Drains it when it has answered some calls. */
  public static Drain drain(Duration timeout) {
    RecordedPool pool = start();
    try (pool) {
      var load = new CallLoad(pool, Draining.class::isInstance);
      Terms patient = Terms.once(Duration.ofSeconds(20), failure -> false);
      var slow = pool.call(call -> pool.pool().call(call), patient, "", "call", 0.3);
      while (load.calls.get() < 20 * CALLERS) {
        TestPool.get(pool.call(call -> pool.pool().call(call), patient, "", "call", 0).told());
      }
      long began = System.nanoTime();
      TestPool.get(pool.pool().drain(timeout));
      double seconds = (System.nanoTime() - began) / 1e9;
      load.end();
      TestPool.get(slow.told());
      pool.close();
      List<Violation> violations = pool.violations();
      Set<String> answered = new HashSet<>();
      pool.history.all(Fact.Told.class).stream()
          .filter(told -> told.failure() == null)
          .forEach(told -> answered.add(told.call()));
      return new Drain(
          load.calls.get(),
          violations,
          pool.history.all(Fact.Started.class).stream()
              .filter(run -> !answered.contains(run.call()))
              .count(),
          seconds,
          timeout.toMillis() / 1e3);
    }
  }
}
