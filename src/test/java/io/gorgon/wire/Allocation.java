package io.gorgon.wire;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** How many bytes of the heap something takes, for tests of one thread. */
public final class Allocation {

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private Allocation() {}

  /**
   * Runs {@code work} and tells the bytes that this thread allocated meanwhile. If those are more
   * than {@code expected} it does so once more, since what is made once for all is nobody's.
   */
  public static long of(Runnable work, long expected) {
    long first = of(work);
    return first < expected ? first : of(work);
  }

  private static long of(Runnable work) {
    long self = Thread.currentThread().getId();
    long before = THREADS.getThreadAllocatedBytes(self);
    work.run();
    return THREADS.getThreadAllocatedBytes(self) - before;
  }
}
