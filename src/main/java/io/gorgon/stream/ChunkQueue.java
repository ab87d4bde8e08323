package io.gorgon.stream;

import io.gorgon.message.Chunk;
import io.gorgon.message.PythonFailure;
import io.gorgon.wire.Frame;
import io.gorgon.worker.Dialogue;
import io.gorgon.worker.PendingCall;
import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * This is where a stream's chunks wait between the worker's I/O thread and the stream's stage. It
 * holds at most a window of them: Python sends one only for a credit, and credit is given for what
 * has been taken out, half a window at a time. Thread-safe; one thread puts in, one takes out.
 */
final class ChunkQueue implements Dialogue {

  /** For ever, as far as a clock of nanoseconds can count: its times may be negative, too. */
  private static final Duration CENTURY = Duration.ofDays(36_525);

  private final int window;
  private final long idleNanos;
  private final LongSupplier nanoTime;
  private final ConcurrentLinkedQueue<Chunk> chunks = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean wanted = new AtomicBoolean();
  private volatile Runnable onWanted = () -> {};
  private volatile @Nullable PendingCall call;

  private long arrived;

  /** The last position that was noted; for the thread that puts in. */
  private long noted = -1;

  private volatile long granted;

  /** Where the connection stood behind the credits before the last one, and the count they made. */
  private volatile long creditSentUpTo = -1;

  private volatile long creditBefore;
  private int taken;

  /**
   * For one stream.
   *
   * @param window chunks that may be on their way or wait here
   * @param idleLimit how long neither side may move, from the first chunk on; null for ever
   */
  ChunkQueue(int window, @Nullable Duration idleLimit, LongSupplier nanoTime) {
    this.window = window;
    this.idleNanos =
        (idleLimit == null || idleLimit.compareTo(CENTURY) > 0 ? CENTURY : idleLimit).toNanos();
    this.nanoTime = nanoTime;
    this.granted = window;
  }

  /**
   * Has {@code action} run, by whatever thread, each time that something comes for one who waits.
   */
  void whenWanted(Runnable action) {
    onWanted = action;
  }

  @Override
  public boolean isStream() {
    return true;
  }

  @Override
  public void onChunk(PendingCall of, Frame frame) {
    call = of;
    arrived++;
    if (arrived > granted) {
      throw new PythonFailure.ProtocolViolation(
          "chunk " + arrived + " of a stream with credit for " + granted);
    }
    moved(of);
    // Read before the count that it is compared with, which is written first: so that the position
    // is never that of a later credit than the one which this chunk is the proof of.
    long sentUpTo = creditSentUpTo;
    if (sentUpTo > noted && arrived > creditBefore) {
      // It could not have been sent without the last credit: everything up to that was read.
      of.noteRead(sentUpTo);
      noted = sentUpTo;
    }
    chunks.add(new Chunk(arrived - 1, frame.payload()));
    if (wanted.compareAndSet(true, false)) {
      onWanted.run();
    }
  }

  private void moved(PendingCall of) {
    of.streamsUntil(nanoTime.getAsLong() + idleNanos);
  }

  /** The next chunk; null if there is none, and then {@code whenWanted} is run when one comes. */
  @Nullable Chunk poll() {
    Chunk chunk = chunks.poll();
    if (chunk == null) {
      wanted.set(true);
      chunk = chunks.poll();
      if (chunk == null) {
        return null;
      }
      wanted.set(false);
    }
    giveCredit();
    return chunk;
  }

  boolean isEmpty() {
    return chunks.isEmpty();
  }

  private void giveCredit() {
    PendingCall running = call;
    taken++;
    if (running == null || taken < Math.max(1, window / 2)) {
      return;
    }
    int credit = taken;
    taken = 0;
    creditBefore = granted;
    granted = creditBefore + credit;
    moved(running);
    creditSentUpTo = running.send(request -> Frame.of(Frame.Kind.CREDIT, request, body(credit)));
  }

  private static byte[] body(int credit) {
    return ("{\"n\":" + credit + "}").getBytes(java.nio.charset.StandardCharsets.US_ASCII);
  }
}
