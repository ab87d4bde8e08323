package io.gorgon.scoreboard;

import io.gorgon.Checkout;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure.CheckoutRefused;
import io.gorgon.pool.CheckoutKind;
import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.proving.TestPool;
import io.gorgon.proving.history.Fact;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;

/**
 * Row 15: checkouts whose time is over while they wait, in the moment of a grant or long before.
 */
final class ExpiringCheckouts {

  private static final int RACING = 600;
  private static final int WATCHED = 40;

  private ExpiringCheckouts() {}

  static Row measure(Random random) {
    Set<String> refused = ConcurrentHashMap.newKeySet();
    RecordedPool pool = RecordedPool.start("queue-capacity = 10000");
    var kept = new Histogram(3);
    try (pool) {
      pool.tested.awaitReady(2);
      race(pool, random, refused);
      watch(pool, random, kept);
    }
    Set<String> granted = new HashSet<>();
    for (Fact.Event event : pool.history.all(Fact.Event.class)) {
      if (event.event() instanceof PoolEvent.LeaseGranted one && one.session() != null) {
        granted.add(one.session());
      }
    }
    long both = refused.stream().filter(granted::contains).count();
    return Row.of(
        15,
        "grants to expired requests; stay in the line after the deadline",
        "0; ≤ 100 ms",
        Figure.none("", both),
        Figure.within("at most", kept.getMaxValue() / 1e6, 100, "ms"),
        Figure.atLeast("of", refused.size(), 50, "expired"));
  }

  /** Leases last about as long as others wait, so that deadlines meet grants. */
  private static void race(RecordedPool pool, Random random, Set<String> refused) {
    List<CompletableFuture<Void>> all = new ArrayList<>();
    for (int i = 0; i < RACING; i++) {
      String key = "x" + i;
      long hold = random.nextInt(6_000);
      all.add(
          pool.pool()
              .checkout(
                  CheckoutKind.session(key, Affinity.PREFER),
                  Optional.empty(),
                  Duration.ofMillis(1 + random.nextInt(30)))
              .handle(
                  (checkout, failure) -> {
                    if (failure != null) {
                      refused.add(key);
                      return CompletableFuture.<Void>completedFuture(null);
                    }
                    return CompletableFuture.runAsync(
                        checkout::close,
                        CompletableFuture.delayedExecutor(hold, TimeUnit.MICROSECONDS));
                  })
              .thenCompose(held -> held)
              .toCompletableFuture());
      LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(random.nextInt(1_500)));
    }
    all.forEach(TestPool::get);
  }

  /** How long one is counted as waiting after its time. */
  private static void watch(RecordedPool pool, Random random, Histogram kept) {
    List<Checkout> held = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      held.add(TestPool.get(pool.pool().checkout()));
    }
    for (int i = 0; i < WATCHED; i++) {
      Duration limit = Duration.ofMillis(5 + random.nextInt(30));
      long until = System.nanoTime() + limit.toNanos();
      var waits = pool.pool().checkout(CheckoutKind.anonymous(), Optional.empty(), limit);
      while (TestPool.get(pool.pool().stats()).waitingCheckouts() > 0) {
        LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(200));
      }
      kept.recordValue(Math.max(0, System.nanoTime() - until));
      if (!(TestPool.failureOf(waits) instanceof CheckoutRefused)) {
        throw new AssertionError("it was not refused");
      }
    }
    held.forEach(Checkout::close);
  }
}
