package io.gorgon.pool;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * This knows which targets are short: those of whose calls 99 in 100 take less than a limit; and
 * which of them are brief: less than a quarter of it. Each call that keeps the limit earns a point,
 * each longer one costs {@value #COST}; from {@value #ENOUGH} points on a target is taken for what
 * it is, and it has {@value #MOST} at most, so that a pause of the machine is forgiven and a habit
 * is not. Bounded; thread-safe.
 */
final class Pace {

  private static final int ENOUGH = 100;
  private static final int COST = 100;
  private static final int MOST = 400;
  private static final int TARGETS = 1_000;

  /** So many brief calls take no longer than one that is short. */
  private static final int BRIEF = 4;

  private final long limit;
  private final ConcurrentHashMap<String, Points> byTarget = new ConcurrentHashMap<>();

  /** What a target has earned. */
  private static final class Points {

    final AtomicInteger brief = new AtomicInteger();
    final AtomicInteger shorts = new AtomicInteger();
  }

  /** Calls are short that take less than {@code limit} nanoseconds. */
  Pace(long limit) {
    this.limit = limit;
  }

  void measured(String target, long nanos) {
    Points points = byTarget.get(target);
    if (points == null) {
      if (byTarget.size() >= TARGETS) {
        return;
      }
      points = byTarget.computeIfAbsent(target, any -> new Points());
    }
    count(points.shorts, nanos < limit);
    count(points.brief, nanos < limit / BRIEF);
  }

  private static void count(AtomicInteger points, boolean kept) {
    if (!kept) {
      points.updateAndGet(had -> Math.max(0, had - COST));
    } else if (points.get() < MOST) {
      points.incrementAndGet();
    }
  }

  /**
   * How many calls a worker may have in its hands behind which one of this target waits.
   *
   * @param batch so many if it is brief, a quarter of them if it is short, none if it is not
   */
  int room(String target, int batch) {
    Points points = byTarget.get(target);
    if (points == null || points.shorts.get() < ENOUGH) {
      return 0;
    }
    return points.brief.get() < ENOUGH ? batch / BRIEF : batch;
  }
}
