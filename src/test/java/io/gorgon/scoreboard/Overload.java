package io.gorgon.scoreboard;

import io.gorgon.RunningCall;
import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.Reply;
import io.gorgon.pool.CheckoutKind;
import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.proving.TestPool;
import io.gorgon.proving.history.Fact;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;

/**
 * Row 14: calls come twice as fast as two workers can serve them. First come, first served is
 * looked at where the order is exact: the starts of one worker, and the pool's grants.
 */
final class Overload {

  private static final int WORKERS = 2;
  private static final int CALLS = 1_000;
  private static final int IN_ORDER = 1_000;
  private static final double SERVICE_SECONDS = 0.004;
  private static final long SLACK = TimeUnit.MILLISECONDS.toNanos(50);

  private record Waited(int ahead, long nanos) {}

  private Overload() {}

  static Row measure() {
    long inversions = inversionsOfCalls() + inversionsOfCheckouts();
    var service = new Histogram(3);
    List<Waited> waits = new ArrayList<>();
    try (var tested = TestPool.start("queue-capacity = 10000").awaitReady(WORKERS)) {
      var outstanding = new AtomicInteger();
      record Sent(int ahead, RunningCall call) {}
      List<Sent> sent = new ArrayList<>();
      long between = (long) (SERVICE_SECONDS * 1e9 / WORKERS / 2);
      long next = System.nanoTime();
      for (int i = 0; i < CALLS; i++) {
        LockSupport.parkNanos(next - System.nanoTime());
        next += between;
        int ahead = outstanding.getAndIncrement();
        RunningCall call = tested.pool().call(Call.of("targets:sleep", SERVICE_SECONDS));
        call.whenComplete((reply, failure) -> outstanding.decrementAndGet());
        sent.add(new Sent(ahead, call));
      }
      for (Sent one : sent) {
        Reply reply = TestPool.get(one.call());
        service.recordValue(reply.ran().toNanos());
        waits.add(new Waited(one.ahead(), reply.queued().toNanos()));
      }
    }
    long each = service.getValueAtPercentile(99);
    double worst =
        waits.stream()
            .mapToDouble(w -> (double) w.nanos() / ((w.ahead() / WORKERS + 1) * each + SLACK))
            .max()
            .orElse(0);
    return Row.of(
        14,
        "first come, first served: inversions; longest wait at 2× overload",
        "0; ≤ (place / workers + 1) · service p99 + 50 ms",
        Figure.none("", inversions),
        Figure.within("", worst, 1, "of that bound"));
  }

  private static long inversionsOfCalls() {
    RecordedPool pool = RecordedPool.start("min-workers = 1, max-workers = 1");
    try (pool) {
      pool.tested.awaitReady(1);
      List<CompletableFuture<Void>> all = new ArrayList<>();
      var terms = Fact.Terms.once(Duration.ofSeconds(30), failure -> false);
      for (int i = 0; i < IN_ORDER; i++) {
        all.add(pool.call(call -> pool.pool().call(call), terms, "", "call", 0).told());
      }
      all.forEach(TestPool::get);
    }
    long bad = pool.violations().size();
    long before = 0;
    for (Fact.Started run : pool.history.all(Fact.Started.class)) {
      bad += Long.parseLong(run.call()) < before ? 1 : 0;
      before = Long.parseLong(run.call());
    }
    return bad;
  }

  /** Each has a session of its own, by which its grant is known. */
  private static long inversionsOfCheckouts() {
    RecordedPool pool = RecordedPool.start("queue-capacity = 10000");
    try (pool) {
      pool.tested.awaitReady(WORKERS);
      List<CompletableFuture<Void>> all = new ArrayList<>();
      for (int i = 0; i < IN_ORDER; i++) {
        all.add(
            pool.pool()
                .checkout(
                    CheckoutKind.session("c" + i, Affinity.PREFER),
                    Optional.empty(),
                    Duration.ofSeconds(30))
                .thenAccept(checkout -> checkout.close())
                .toCompletableFuture());
      }
      all.forEach(TestPool::get);
    }
    long bad = 0;
    int before = -1;
    int granted = 0;
    for (Fact.Event event : pool.history.all(Fact.Event.class)) {
      if (event.event() instanceof PoolEvent.LeaseGranted one && one.session() != null) {
        int number = Integer.parseInt(one.session().substring(1));
        bad += number < before ? 1 : 0;
        before = number;
        granted++;
      }
    }
    return bad + Math.abs(IN_ORDER - granted);
  }
}
