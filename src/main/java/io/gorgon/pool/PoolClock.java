package io.gorgon.pool;

import java.util.function.LongSupplier;

/** This is the time that a pool goes by, in nanoseconds that never go back; tests set their own. */
@FunctionalInterface
public interface PoolClock extends LongSupplier {

  /** The clock of {@link System#nanoTime}. */
  PoolClock SYSTEM = System::nanoTime;
}
