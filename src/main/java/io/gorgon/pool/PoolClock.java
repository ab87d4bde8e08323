package io.gorgon.pool;

import java.time.Duration;
import java.time.InstantSource;
import java.util.function.LongSupplier;

/** This is the time that a pool goes by, in nanoseconds that never go back; tests set their own. */
@FunctionalInterface
public interface PoolClock extends LongSupplier {

  /** As far ahead as it is worth looking. */
  Duration CENTURY = Duration.ofDays(36_525);

  /** The clock of {@link System#nanoTime}. */
  PoolClock SYSTEM = System::nanoTime;

  /** The time of day that goes with it, by which sessions live. */
  default InstantSource wall() {
    return InstantSource.system();
  }

  /** The time in {@code delay} from now; a delay of more than a century is one of a century. */
  default long after(Duration delay) {
    return getAsLong() + (delay.compareTo(CENTURY) > 0 ? CENTURY : delay).toNanos();
  }
}
