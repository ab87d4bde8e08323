package io.gorgon.pool;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * This knows which targets are short: those of whose calls 99 in 100 take less than a limit. Each
 * short call earns a point, each longer one costs {@value #COST}; a target is short from {@value
 * #ENOUGH} points on and has {@value #MOST} at most, so that a pause of the machine is forgiven and
 * a habit is not. Bounded; thread-safe.
 */
final class Pace {

  private static final int ENOUGH = 100;
  private static final int COST = 100;
  private static final int MOST = 400;
  private static final int TARGETS = 1_000;

  private final long limit;
  private final ConcurrentHashMap<String, AtomicInteger> byTarget = new ConcurrentHashMap<>();

  /** Calls are short that take less than {@code limit} nanoseconds. */
  Pace(long limit) {
    this.limit = limit;
  }

  void measured(String target, long nanos) {
    AtomicInteger points = byTarget.get(target);
    if (points == null) {
      if (byTarget.size() >= TARGETS) {
        return;
      }
      points = byTarget.computeIfAbsent(target, any -> new AtomicInteger());
    }
    if (nanos >= limit) {
      points.updateAndGet(had -> Math.max(0, had - COST));
    } else if (points.get() < MOST) {
      points.incrementAndGet();
    }
  }

  boolean isShort(String target) {
    AtomicInteger points = byTarget.get(target);
    return points != null && points.get() >= ENOUGH;
  }
}
