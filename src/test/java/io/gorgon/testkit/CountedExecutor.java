package io.gorgon.testkit;

import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Runs an actor system on a few threads and counts what is under way, so that a test can wait until
 * all has come to rest instead of guessing how long that takes. Thread-safe.
 */
final class CountedExecutor implements Executor, AutoCloseable {

  private final ExecutorService threads;
  private final AtomicLong underWay = new AtomicLong();

  CountedExecutor(String name, int size) {
    var numbers = new AtomicLong();
    this.threads =
        Executors.newFixedThreadPool(
            size,
            task -> {
              var thread = new Thread(task, name + "-" + numbers.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
  }

  @Override
  public void execute(Runnable task) {
    underWay.incrementAndGet();
    try {
      threads.execute(
          () -> {
            try {
              task.run();
            } finally {
              ended();
            }
          });
    } catch (RuntimeException refused) {
      ended();
      throw refused;
    }
  }

  private void ended() {
    if (underWay.decrementAndGet() == 0) {
      synchronized (this) {
        notifyAll();
      }
    }
  }

  /**
   * Waits until nothing runs and nothing waits to run. Not to be called by what it runs.
   *
   * @throws AssertionError if that does not come within {@code patience}, in real time
   */
  void awaitRest(Duration patience) {
    long until = System.nanoTime() + patience.toNanos();
    synchronized (this) {
      while (underWay.get() > 0) {
        long left = TimeUnit.NANOSECONDS.toMillis(until - System.nanoTime());
        if (left <= 0) {
          throw new AssertionError(underWay.get() + " tasks still run after " + patience);
        }
        try {
          wait(left);
        } catch (InterruptedException interrupted) {
          Thread.currentThread().interrupt();
          throw new AssertionError("interrupted while waiting for rest", interrupted);
        }
      }
    }
  }

  @Override
  public void close() {
    threads.shutdown();
  }
}
