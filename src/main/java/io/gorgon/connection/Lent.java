package io.gorgon.connection;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * This is what one request has of the shared memory: a segment with its big arguments, and one with
 * each big thing that it was given since. Thread-safe; see {@link Lending} for who may change it.
 */
final class Lent {

  private final boolean borrowing;
  private final List<Segment> segments = new CopyOnWriteArrayList<>();
  private volatile boolean talks;

  /** {@code borrowing}: whether the views in its answer may be handed out. */
  Lent(boolean borrowing) {
    this.borrowing = borrowing;
  }

  boolean isBorrowing() {
    return borrowing;
  }

  /** Python has asked for something, so it may be given more. */
  void markTalks() {
    talks = true;
  }

  boolean talks() {
    return talks;
  }

  List<Segment> segments() {
    return segments;
  }

  /** The one of that number. */
  @Nullable Segment find(int number) {
    for (Segment segment : segments) {
      if (segment.number() == number) {
        return segment;
      }
    }
    return null;
  }
}
