package io.gorgon.session.durable;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * This lets in as many at a time as there are connections; the others wait in the order in which
 * they came. Who is called off here has surely not begun, which nobody could say of something that
 * waits inside of the database's own queues. A database that does not answer fills it up to a
 * bound. Thread-safe; the lock is never held while anything runs.
 */
final class Gate {

  /** One who wants in. */
  static final class Visit {
    private final Runnable begin;

    private Visit(Runnable begin) {
      this.begin = begin;
    }
  }

  private final ReentrantLock lock = new ReentrantLock();
  private final Deque<Visit> waiting = new ArrayDeque<>();
  private int free;

  private final int capacity;

  /** {@code capacity}: as many may wait. */
  Gate(int places, int capacity) {
    this.free = places;
    this.capacity = capacity;
  }

  /**
   * Runs {@code begin} when there is a place: at once, or on the thread of one who leaves.
   *
   * @return null if as many wait as may
   */
  @Nullable Visit enter(Runnable begin) {
    var visit = new Visit(begin);
    lock.lock();
    try {
      if (free == 0) {
        if (waiting.size() >= capacity) {
          return null;
        }
        waiting.addLast(visit);
        return visit;
      }
      free--;
    } finally {
      lock.unlock();
    }
    begin.run();
    return visit;
  }

  /** Gives the place of one who was let in to the next. */
  void leave() {
    next().ifPresent(visit -> visit.begin.run());
  }

  private Optional<Visit> next() {
    lock.lock();
    try {
      Visit next = waiting.pollFirst();
      if (next == null) {
        free++;
      }
      return Optional.ofNullable(next);
    } finally {
      lock.unlock();
    }
  }

  /** Whether the visit still waited; it will not begin then. */
  boolean callOff(Visit visit) {
    lock.lock();
    try {
      return waiting.remove(visit);
    } finally {
      lock.unlock();
    }
  }
}
