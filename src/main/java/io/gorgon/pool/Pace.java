package io.gorgon.pool;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * This knows which targets are short: those whose last {@value #IN_A_ROW} calls all took less than
 * a limit, so that at least 99 in 100 do. One slower call, and a target has to earn it anew.
 * Bounded; thread-safe.
 */
final class Pace {

  private static final int IN_A_ROW = 100;
  private static final int TARGETS = 1_000;

  private final long limit;
  private final ConcurrentHashMap<String, AtomicInteger> streaks = new ConcurrentHashMap<>();

  /** Calls are short that take less than {@code limit} nanoseconds. */
  Pace(long limit) {
    this.limit = limit;
  }

  void measured(String target, long nanos) {
    AtomicInteger streak = streaks.get(target);
    if (streak == null) {
      if (streaks.size() >= TARGETS) {
        return;
      }
      streak = streaks.computeIfAbsent(target, any -> new AtomicInteger());
    }
    if (nanos >= limit) {
      streak.set(0);
    } else if (streak.get() < IN_A_ROW) {
      streak.incrementAndGet();
    }
  }

  boolean isShort(String target) {
    AtomicInteger streak = streaks.get(target);
    return streak != null && streak.get() >= IN_A_ROW;
  }
}
