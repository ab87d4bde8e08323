package io.gorgon.connection;

import io.gorgon.process.KeptMemory;
import io.gorgon.process.MemoryMaker;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * These are the memory segments that a pool shares with its workers: made by the keeper on first
 * need, used again and again, since fresh memory costs a page fault for each 4 KiB, and never more
 * in all than the limit. Who needs one and gets none sends through the socket. Thread-safe; nothing
 * blocks.
 *
 * <p>What was not used for {@value #IDLE_SECONDS} seconds is released, when somebody calls {@link
 * #tend}.
 *
 * <p>A segment that may still be referred to when its use ends is retired: nothing is ever put into
 * it again, it counts no more, and it is gone when the last process has dropped it.
 */
public final class SharedMemory {

  /** Segments that there are at most: each is an open file of the keeper. */
  static final int MOST_SEGMENTS = 512;

  /** How long a segment is kept that nobody uses. */
  static final long IDLE_SECONDS = 60;

  private static final Logger log = LoggerFactory.getLogger(SharedMemory.class);

  /** The largest size class: what one mapping of the JVM holds, in a power of two. */
  private static final long LARGEST = 1L << 30;

  /** How long none is asked for after one could not be made. */
  private static final long PAUSE = TimeUnit.SECONDS.toNanos(1);

  private final MemoryMaker keeper;
  private final long threshold;
  private final long limit;

  private final Set<Lending> lendings = ConcurrentHashMap.newKeySet();

  private final ReentrantLock lock = new ReentrantLock();

  /**
   * Those that nobody uses, by the logarithm of their size; the one used last is the last, and used
   * next.
   */
  private final List<Deque<Segment>> free = new ArrayList<>();

  /** The size classes of which one is being made. */
  private final boolean[] ordered = new boolean[Long.SIZE];

  private boolean closed;
  private boolean failedBefore;
  private long pausedUntil = System.nanoTime();
  private int segments;
  private long bytes;
  private int lastNumber;
  private long made;
  private long retired;
  private long inline;

  /**
   * Prepares; makes nothing yet.
   *
   * @param threshold bytes from which an attachment is shared
   * @param limit bytes of all segments; 0 for no sharing at all
   */
  public SharedMemory(MemoryMaker keeper, long threshold, long limit) {
    this.keeper = keeper;
    this.threshold = threshold;
    this.limit = limit;
    for (int i = 0; i < Long.SIZE; i++) {
      free.add(new ArrayDeque<>());
    }
  }

  boolean isOn() {
    return limit > 0;
  }

  long threshold() {
    return threshold;
  }

  /** Those of the workers that are there. */
  Set<Lending> lendings() {
    return lendings;
  }

  /**
   * Takes a segment with room for {@code size} bytes; {@link #giveBack} or {@link #retire} it.
   *
   * @param keeperPid the keeper that it must be of
   * @return null if there is none now; then one has been asked for, if there may be more
   */
  @Nullable Segment take(long size, long keeperPid) {
    long needed = Math.max(size, threshold) + Segment.HEADER;
    if (needed > LARGEST || needed > limit) {
      return none();
    }
    int order = Long.SIZE - Long.numberOfLeadingZeros(needed - 1);
    List<Segment> dropped = new ArrayList<>(0);
    lock.lock();
    try {
      Deque<Segment> fitting = free.get(order);
      for (Segment next = fitting.pollLast(); next != null; next = fitting.pollLast()) {
        if (next.kept().keeper() == keeperPid) {
          return next;
        }
        uncount(next);
        dropped.add(next);
      }
      inline++;
      if (!mayMake(1L << order, dropped) || ordered[order]) {
        return null;
      }
      ordered[order] = true;
      segments++;
      bytes += 1L << order;
    } finally {
      lock.unlock();
      dropped.forEach(this::dropEmpty);
    }
    keeper.memory(1L << order).whenComplete((kept, failure) -> onMade(order, kept, failure));
    return null;
  }

  private @Nullable Segment none() {
    lock.lock();
    try {
      inline++;
      return null;
    } finally {
      lock.unlock();
    }
  }

  /** Whether there is room for one more, dropping free ones of other sizes for it. */
  private boolean mayMake(long size, List<Segment> dropped) {
    if (closed || System.nanoTime() - pausedUntil < 0 || size > limit) {
      return false;
    }
    for (int order = Long.SIZE - 1; order >= 0; order--) {
      while (bytes + size > limit || segments >= MOST_SEGMENTS) {
        Segment oldest = free.get(order).pollFirst();
        if (oldest == null) {
          break;
        }
        uncount(oldest);
        dropped.add(oldest);
      }
    }
    return bytes + size <= limit && segments < MOST_SEGMENTS;
  }

  private void onMade(int order, @Nullable KeptMemory kept, @Nullable Throwable failure) {
    Throwable problem = failure;
    Segment segment = null;
    int number;
    lock.lock();
    try {
      number = ++lastNumber;
    } finally {
      lock.unlock();
    }
    if (kept != null) {
      try {
        segment = Segment.map(number, kept);
      } catch (IOException | RuntimeException unmapped) {
        problem = unmapped;
      } catch (OutOfMemoryError noAddresses) {
        problem = noAddresses;
      }
    }
    boolean drop = false;
    lock.lock();
    try {
      ordered[order] = false;
      if (segment == null || closed) {
        segments--;
        bytes -= 1L << order;
        pausedUntil = System.nanoTime() + PAUSE;
        drop = kept != null;
      } else {
        made++;
        free.get(order).addLast(segment);
      }
      if (segment == null && !closed && !failedBefore) {
        failedBefore = true;
        log.info("big arrays travel through the socket, not through shared memory: {}", problem);
      }
    } finally {
      lock.unlock();
    }
    if (drop && kept != null) {
      keeper.drop(kept, true);
    }
  }

  /** Lets it be used again: nobody refers to what is in it. */
  void giveBack(Segment segment) {
    segment.markUsedNow();
    lock.lock();
    try {
      if (!closed) {
        int order = Long.numberOfTrailingZeros(segment.kept().size());
        free.get(order).addLast(segment);
        return;
      }
    } finally {
      lock.unlock();
    }
    dropEmpty(segment);
  }

  /** Ends it: somebody may still refer to what is in it. */
  void retire(Segment segment) {
    lock.lock();
    try {
      uncount(segment);
      retired++;
    } finally {
      lock.unlock();
    }
    segment.knownTo().forEach(worker -> worker.forget(segment));
    keeper.drop(segment.kept(), false);
  }

  /** Ends it: nobody refers to what is in it, and nobody needs it. */
  void release(Segment segment) {
    lock.lock();
    try {
      uncount(segment);
    } finally {
      lock.unlock();
    }
    dropEmpty(segment);
  }

  /** Releases what has not been used for a while; to be called every second or so. */
  void tend(long now) {
    long before = now - TimeUnit.SECONDS.toNanos(IDLE_SECONDS);
    lendings.forEach(worker -> worker.release(before));
    List<Segment> dropped = new ArrayList<>(0);
    lock.lock();
    try {
      for (Deque<Segment> each : free) {
        for (Segment oldest = each.peekFirst();
            oldest != null && oldest.usedAt() - before < 0;
            oldest = each.peekFirst()) {
          each.removeFirst();
          uncount(oldest);
          dropped.add(oldest);
        }
      }
    } finally {
      lock.unlock();
    }
    dropped.forEach(this::dropEmpty);
  }

  private void uncount(Segment segment) {
    segments--;
    bytes -= segment.kept().size();
  }

  private void dropEmpty(Segment segment) {
    segment.knownTo().forEach(worker -> worker.forget(segment));
    keeper.drop(segment.kept(), true);
  }

  /** What there is at this moment. */
  SharedFigures figures() {
    lock.lock();
    try {
      int idle = free.stream().mapToInt(Deque::size).sum();
      return new SharedFigures(segments, bytes, idle, made, retired, inline);
    } finally {
      lock.unlock();
    }
  }

  /** Forgets everything; the keeper that made it is about to end. */
  void close() {
    lock.lock();
    try {
      closed = true;
      free.forEach(Deque::clear);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Whether this machine lets the JVM and a keeper's workers share memory. Blocks.
   *
   * @return why not; empty if it does
   */
  public static String probe(MemoryMaker keeper) {
    try {
      KeptMemory kept = keeper.memory(1 << 16).get(2, TimeUnit.SECONDS);
      try {
        Segment segment = Segment.map(1, kept);
        segment.markUsed();
        return segment.isFree() ? "what is written does not stay" : "";
      } finally {
        keeper.drop(kept, true);
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return "interrupted";
    } catch (Exception refused) {
      Throwable cause = refused.getCause();
      return String.valueOf(cause == null ? refused : cause);
    }
  }
}
