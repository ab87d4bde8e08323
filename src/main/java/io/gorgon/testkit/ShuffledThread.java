package io.gorgon.testkit;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One thread that runs what it is given in an order that a seed decides. Actors and sockets make no
 * promise about which of them runs first; this takes them at their word, and repeatably. Who needs
 * an order, as a mailbox does, gives its next task when the last one has run. Thread-safe.
 */
final class ShuffledThread implements Executor, AutoCloseable {

  private @Nullable Random order;
  private final List<Runnable> waiting = new ArrayList<>();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private boolean closed;

  /** Goes by the order in which it is given them, for now. */
  ShuffledThread(String name) {
    var thread = new Thread(this::run, name);
    thread.setDaemon(true);
    thread.start();
  }

  /** From now on, when nothing waits, goes by another order. */
  void shuffle(long seed) {
    lock.lock();
    try {
      order = new Random(seed);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void execute(Runnable task) {
    lock.lock();
    try {
      if (closed) {
        throw new RejectedExecutionException("the kit is closed");
      }
      waiting.add(task);
      changed.signal();
    } finally {
      lock.unlock();
    }
  }

  private void run() {
    for (Runnable next = next(); next != null; next = next()) {
      try {
        next.run();
      } catch (RuntimeException | Error thrown) {
        Thread thread = Thread.currentThread();
        thread.getUncaughtExceptionHandler().uncaughtException(thread, thrown);
      }
    }
  }

  private @Nullable Runnable next() {
    lock.lock();
    try {
      while (waiting.isEmpty()) {
        if (closed) {
          return null;
        }
        changed.awaitUninterruptibly();
      }
      Random chance = order;
      return waiting.remove(
          chance == null || waiting.size() == 1 ? 0 : chance.nextInt(waiting.size()));
    } finally {
      lock.unlock();
    }
  }

  /** Runs what it has, and nothing new. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      changed.signal();
    } finally {
      lock.unlock();
    }
  }
}
