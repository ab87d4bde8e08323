package io.gorgon.worker;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * This counts an incarnation's calls towards its limit. A replacement is asked for a little before
 * the limit, so that it is ready when the limit is reached. Thread-safe.
 */
public final class Retirement {

  /** Why a healthy incarnation is replaced. */
  public enum Reason {
    CALLS,
    AGE,
    MEMORY,
    RESET,
    RESIZE,
    IDLE
  }

  /** Part of the limit that is left when the replacement is asked for. */
  private static final double HEAD_START = 0.2;

  private final int limit;
  private final int askAt;
  private final AtomicInteger served = new AtomicInteger();

  /** Counts towards {@code limit} calls; 0 means no limit. */
  public Retirement(int limit) {
    this.limit = limit;
    this.askAt = Math.max(1, limit - Math.max(1, (int) (limit * HEAD_START)));
  }

  /** Counts a call; says once that it is time for a replacement. */
  Optional<Reason> served() {
    int count = served.incrementAndGet();
    return limit > 0 && count == askAt ? Optional.of(Reason.CALLS) : Optional.empty();
  }

  /** Calls that this incarnation may still take. */
  int callsLeft() {
    return limit == 0 ? Integer.MAX_VALUE : Math.max(0, limit - served.get());
  }
}
