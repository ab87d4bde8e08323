package io.gorgon.testkit;

import com.typesafe.config.Config;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.PriorityQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.pekko.actor.AbstractScheduler;
import org.apache.pekko.actor.Cancellable;
import org.apache.pekko.event.LoggingAdapter;
import scala.concurrent.ExecutionContext;
import scala.concurrent.duration.FiniteDuration;

/**
 * An actor system's scheduler whose time is moved by hand, in nanoseconds. Pekko's own {@code
 * ManualTime} sleeps 100 ms, really, at each move, and jumps over what falls due between; this one
 * does neither, so that minutes of a pool can pass tick by tick. Thread-safe.
 */
public final class HandDrivenScheduler extends AbstractScheduler {

  /** An arbitrary start, so that nobody takes 0 for "never". */
  private static final long START = 1_000_000_000;

  private static final double ONCE_A_MILLISECOND = 1_000;

  private record Due(long at, long number, Runnable task, ExecutionContext executor, Once once)
      implements Comparable<Due> {
    @Override
    public int compareTo(Due other) {
      return at == other.at ? Long.compare(number, other.number) : Long.compare(at, other.at);
    }
  }

  /** What can still be called off. */
  private static final class Once implements Cancellable {
    private final AtomicBoolean over = new AtomicBoolean();

    @Override
    public boolean cancel() {
      return over.compareAndSet(false, true);
    }

    @Override
    public boolean isCancelled() {
      return over.get();
    }
  }

  private final PriorityQueue<Due> queue = new PriorityQueue<>();
  private long now = START;
  private long numbers;

  /** Called by Pekko, which finds this class by its name in the config. */
  public HandDrivenScheduler(Config config, LoggingAdapter log, ThreadFactory threads) {
    // Nothing of that is needed where nothing runs by itself.
  }

  /** Its time. */
  public synchronized long nanoTime() {
    return now;
  }

  /** When the next task falls due, if there is one. */
  synchronized OptionalLong next() {
    while (!queue.isEmpty() && queue.peek().once().isCancelled()) {
      queue.poll();
    }
    return queue.isEmpty() ? OptionalLong.empty() : OptionalLong.of(queue.peek().at());
  }

  /** Sets the time and lets run, on their executors, all tasks that have fallen due. */
  void moveTo(long time) {
    List<Due> due = new ArrayList<>();
    synchronized (this) {
      now = Math.max(now, time);
      while (!queue.isEmpty() && queue.peek().at() <= now) {
        due.add(queue.poll());
      }
    }
    for (Due one : due) {
      if (one.once().cancel()) {
        one.executor().execute(one.task());
      }
    }
  }

  @Override
  public synchronized Cancellable scheduleOnce(
      FiniteDuration delay, Runnable task, ExecutionContext executor) {
    var once = new Once();
    queue.add(new Due(now + Math.max(0, delay.toNanos()), ++numbers, task, executor, once));
    return once;
  }

  @Override
  @SuppressWarnings("deprecation")
  public Cancellable schedule(
      FiniteDuration initialDelay,
      FiniteDuration interval,
      Runnable task,
      ExecutionContext executor) {
    return scheduleWithFixedDelay(initialDelay, interval, task, executor);
  }

  @Override
  public double maxFrequency() {
    return ONCE_A_MILLISECOND;
  }
}
