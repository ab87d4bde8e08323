package io.gorgon.worker;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;
import org.jspecify.annotations.Nullable;

/**
 * This counts what one slot's workers did, over all their incarnations. Latencies are kept to two
 * digits, up to one hour. Thread-safe.
 */
public final class Tally {

  private static final int DIGITS = 2;

  private final Recorder recorder = new Recorder(TimeUnit.HOURS.toNanos(1), DIGITS);
  private final Histogram latencies = new Histogram(TimeUnit.HOURS.toNanos(1), DIGITS);
  private final AtomicLong answered = new AtomicLong();
  private final AtomicLong failed = new AtomicLong();
  private final AtomicLong lost = new AtomicLong();
  private volatile long lastActivity;

  void countAnswer(long nanos, boolean succeeded) {
    recorder.recordValue(Math.max(0, Math.min(nanos, TimeUnit.HOURS.toNanos(1))));
    answered.incrementAndGet();
    if (!succeeded) {
      failed.incrementAndGet();
    }
    lastActivity = System.currentTimeMillis();
  }

  void countLost() {
    lost.incrementAndGet();
    lastActivity = System.currentTimeMillis();
  }

  /** Calls that were answered, by a value or a failure. */
  public long answered() {
    return answered.get();
  }

  /** Calls that Python answered with a failure. */
  public long failed() {
    return failed.get();
  }

  /** Calls that a worker's death ended. */
  public long lost() {
    return lost.get();
  }

  /** When the last call ended; null before the first. */
  public @Nullable Instant lastActivity() {
    return lastActivity == 0 ? null : Instant.ofEpochMilli(lastActivity);
  }

  /** The time at the worker that {@code percent} of all calls stayed within. */
  public synchronized Duration latency(double percent) {
    latencies.add(recorder.getIntervalHistogram());
    return Duration.ofNanos(latencies.getValueAtPercentile(percent));
  }
}
