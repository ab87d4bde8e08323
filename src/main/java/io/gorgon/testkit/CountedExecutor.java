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

  private final Executor threads;
  private final Runnable end;
  private final Runnable shuffle;
  private final AtomicLong underWay = new AtomicLong();

  private CountedExecutor(Executor threads, Runnable shuffle, Runnable end) {
    this.threads = threads;
    this.shuffle = shuffle;
    this.end = end;
  }

  /** On {@code size} threads. */
  static CountedExecutor onThreads(String name, int size) {
    var numbers = new AtomicLong();
    ExecutorService threads =
        Executors.newFixedThreadPool(
            size,
            task -> {
              var thread = new Thread(task, name + "-" + numbers.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    return new CountedExecutor(threads, () -> {}, threads::shutdown);
  }

  /** On one thread, in the order that {@code seed} gives from {@link #shuffle} on. */
  static CountedExecutor inOrderOf(long seed, String name) {
    var thread = new ShuffledThread(name + "-1");
    return new CountedExecutor(thread, () -> thread.shuffle(seed), thread::close);
  }

  /**
   * Goes by the seed from now on, if there is one. What an actor system does while it is made is
   * not repeatable: two threads make it.
   */
  void shuffle() {
    shuffle.run();
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
          throw new AssertionError(
              underWay.get()
                  + " tasks still run after "
                  + patience
                  + ": look for code that blocks in an actor or behind a call's stage");
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
    end.run();
  }
}
