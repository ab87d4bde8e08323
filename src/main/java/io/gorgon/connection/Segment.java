package io.gorgon.connection;

import io.gorgon.process.KeptMemory;
import io.gorgon.wire.Frame;
import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * This is a piece of memory that the JVM and workers map. Its first byte says whether it is in use,
 * which the side that uses it changes when it is done; what travels begins at {@link #HEADER}.
 *
 * <p>The JVM has no way to unmap memory but to forget it: the garbage collector does it then.
 */
final class Segment {

  /** Bytes before the first attachment; and attachments are aligned to as many. */
  static final int HEADER = 64;

  private static final byte FREE = 0;
  private static final byte USED = 1;
  private static final byte LET_GO = 2;

  private final int number;
  private final KeptMemory kept;
  private final MappedByteBuffer memory;
  private final Set<Lending> knownTo = ConcurrentHashMap.newKeySet();
  private volatile long usedAt = System.nanoTime();
  private volatile long askedFor = usedAt - 1;

  private Segment(int number, KeptMemory kept, MappedByteBuffer memory) {
    this.number = number;
    this.kept = kept;
    this.memory = memory;
  }

  /** Maps it, once and for all. */
  static Segment map(int number, KeptMemory kept) throws IOException {
    try (var file =
        FileChannel.open(kept.path(), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      if (file.size() != kept.size()) {
        throw new IOException(kept.path() + " is not what the keeper made");
      }
      return new Segment(number, kept, file.map(FileChannel.MapMode.READ_WRITE, 0, kept.size()));
    }
  }

  /** Bytes that {@code size} bytes take in a segment. */
  static long aligned(long size) {
    return (size + HEADER - 1) & -HEADER;
  }

  int number() {
    return number;
  }

  KeptMemory kept() {
    return kept;
  }

  /** Those whose workers have mapped it. */
  Set<Lending> knownTo() {
    return knownTo;
  }

  /** Before it is handed to a worker. */
  void markUsed() {
    memory.put(0, USED);
  }

  /** Lets the worker whose it is write to it again; everything that was read before is read. */
  void markFree() {
    markUsedNow();
    VarHandle.releaseFence();
    memory.put(0, FREE);
  }

  /** Notes that its use ends. */
  void markUsedNow() {
    usedAt = System.nanoTime();
  }

  /** When its last use ended, by {@link System#nanoTime}. */
  long usedAt() {
    return usedAt;
  }

  /** Whether its last use ended before that, and this is the first look that finds it so. */
  boolean asksBack(long before) {
    long used = usedAt;
    if (used - before >= 0 || askedFor == used) {
      return false;
    }
    askedFor = used;
    return true;
  }

  /**
   * Whether its use has ended; of one that a call has, that it holds nothing of it any more, but
   * for an answer on its way that may refer to it.
   */
  boolean isFree() {
    return state() != USED;
  }

  /** Whether the worker that it was lent to will not even refer to it any more. */
  boolean isLetGo() {
    return state() == LET_GO;
  }

  private byte state() {
    byte state = memory.get(0);
    VarHandle.acquireFence();
    return state;
  }

  void write(int offset, ByteBuffer bytes) {
    memory.put(offset, bytes, bytes.position(), bytes.remaining());
  }

  /** Whether that many bytes can be there. */
  boolean holds(long offset, long size) {
    return offset >= HEADER && size >= 0 && size <= kept.size() && offset <= kept.size() - size;
  }

  /** What is there, for reading. */
  ByteBuffer view(long offset, long size) {
    return memory.slice((int) offset, (int) size).asReadOnlyBuffer();
  }

  // ---- what a worker is told about it

  /** That it is there. */
  Frame introduction(boolean forResults) {
    return saying(
        "{\"segment\":%d,\"descriptor\":%d,\"size\":%d,\"results\":%b}"
            .formatted(number, kept.descriptor(), kept.size(), forResults));
  }

  /** That it will not be used any more. */
  Frame forgetting() {
    return saying("{\"forget\":" + number + "}");
  }

  /** That it would be taken back, if it is free. */
  Frame askingBack() {
    return saying("{\"release\":" + number + "}");
  }

  private static Frame saying(String body) {
    return Frame.of(Frame.Kind.SEGMENT, 0, body.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public String toString() {
    return "segment " + number + " of " + kept.size() + " bytes";
  }
}
