package io.gorgon;

import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * This runs callbacks on a dispatcher, waking as few of its threads as will do: answers come in
 * bursts, and to wake a thread costs more than most callbacks. A callback waits for the one before
 * it only while that is quick: when one takes longer than {@link #QUICK_NANOS}, or many wait, the
 * next to come brings another thread, and a timer brings one for those that came before. Callbacks
 * may therefore run at once and in any order, as on the dispatcher itself. Thread-safe.
 */
final class Callbacks implements Executor {

  /** A callback that runs for longer may block, and gets nothing more behind it. */
  static final long QUICK_NANOS = 100_000;

  /** So many may wait for each thread that is at work. */
  private static final int WAITING_PER_THREAD = 64;

  private static final int MOST_THREADS = 64;

  /** How long at most one waits behind a callback that blocks, in milliseconds. */
  private static final long PATIENCE = 10;

  private final Executor dispatcher;
  private final Executor later;
  private final Queue<Runnable> waiting = new ConcurrentLinkedQueue<>();
  private final AtomicInteger count = new AtomicInteger();
  private final AtomicInteger threads = new AtomicInteger();
  private final AtomicBoolean timed = new AtomicBoolean();
  private volatile long lastBegan = System.nanoTime();

  /** Runs on {@code dispatcher}. */
  Callbacks(Executor dispatcher) {
    this.dispatcher = dispatcher;
    this.later = CompletableFuture.delayedExecutor(PATIENCE, TimeUnit.MILLISECONDS, dispatcher);
  }

  @Override
  public void execute(Runnable callback) {
    waiting.add(callback);
    int length = count.incrementAndGet();
    int present = threads.get();
    if (present == 0
        || length > present * WAITING_PER_THREAD
        || System.nanoTime() - lastBegan > QUICK_NANOS) {
      bringThread();
    } else if (!timed.get() && timed.compareAndSet(false, true)) {
      later.execute(this::onTime);
    }
  }

  private void onTime() {
    timed.set(false);
    if (!waiting.isEmpty()) {
      bringThread();
      if (timed.compareAndSet(false, true)) {
        later.execute(this::onTime);
      }
    }
  }

  private void bringThread() {
    if (enter()) {
      try {
        dispatcher.execute(this::work);
      } catch (RuntimeException refused) {
        threads.decrementAndGet();
        throw refused;
      }
    }
  }

  private boolean enter() {
    int present = threads.get();
    while (present < MOST_THREADS) {
      if (threads.compareAndSet(present, present + 1)) {
        return true;
      }
      present = threads.get();
    }
    return false;
  }

  private void work() {
    boolean present = true;
    try {
      while (present) {
        Runnable next = waiting.poll();
        if (next != null) {
          count.decrementAndGet();
          lastBegan = System.nanoTime();
          next.run();
        } else {
          threads.decrementAndGet();
          // One may have come between the look and the leave, and have found us still there.
          present = !waiting.isEmpty() && enter();
        }
      }
    } finally {
      if (present) {
        // A callback threw; the dispatcher tells of it, and somebody else goes on.
        threads.decrementAndGet();
        if (!waiting.isEmpty()) {
          bringThread();
        }
      }
    }
  }
}
