package io.gorgon.connection;

import io.gorgon.wire.Frame;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * These are the segments that one worker has for its results. It gets one after a big result came
 * inline, so it never has to ask and wait. It fills them when it likes; so the JVM cannot take one
 * back, but only ask for it, and the worker says by the segment's first byte that it let go.
 * Thread-safe.
 */
final class Results {

  /** How many there are at most. */
  private static final int MOST = 16;

  private final SharedMemory memory;
  private final long keeper;
  private final Lending worker;
  private final Consumer<Frame> outbox;
  private final Map<Integer, Segment> segments = new ConcurrentHashMap<>();

  /** There are none yet. */
  Results(SharedMemory memory, long keeper, Lending worker, Consumer<Frame> outbox) {
    this.memory = memory;
    this.keeper = keeper;
    this.worker = worker;
    this.outbox = outbox;
  }

  /** The one of that number. */
  @Nullable Segment find(int number) {
    return segments.get(number);
  }

  /** Gives the worker one more, as big as a result that just came inline; on the I/O thread. */
  void provide(long size) {
    if (size == 0 || !worker.isOpen()) {
      return;
    }
    if (segments.size() >= MOST) {
      makeRoom(size);
      return;
    }
    Segment segment = memory.take(size, keeper);
    if (segment == null) {
      return;
    }
    segment.markFree();
    segment.knownTo().add(worker);
    segments.put(segment.number(), segment);
    outbox.accept(segment.introduction(true));
  }

  /** Asks for the smallest if bigger ones are needed; the next time there is room. */
  private void makeRoom(long size) {
    boolean isRoom = false;
    Segment smallest = null;
    for (Segment segment : List.copyOf(segments.values())) {
      isRoom |= takenBack(segment);
      if (segment.isFree()
          && segment.kept().size() < size
          && (smallest == null || segment.kept().size() < smallest.kept().size())) {
        smallest = segment;
      }
    }
    if (!isRoom && smallest != null) {
      outbox.accept(smallest.askingBack());
    }
  }

  /** Asks for those that have not been used since {@code before}, and takes what it let go. */
  void release(long before) {
    for (Segment segment : List.copyOf(segments.values())) {
      if (!takenBack(segment) && segment.isFree() && segment.asksBack(before)) {
        outbox.accept(segment.askingBack());
      }
    }
  }

  private boolean takenBack(Segment segment) {
    if (!segment.isLetGo()) {
      return false;
    }
    if (segments.remove(segment.number(), segment)) {
      memory.release(segment);
    }
    return true;
  }

  /** Ends one that somebody may still look into. */
  void retire(Segment segment) {
    if (segments.remove(segment.number(), segment)) {
      memory.retire(segment);
    }
  }

  /** The worker is gone: what it had is not used again, for it may have left children. */
  void close() {
    for (Segment segment : List.copyOf(segments.values())) {
      segment.knownTo().remove(worker);
      retire(segment);
    }
  }
}
