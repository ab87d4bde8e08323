package io.gorgon.connection;

import io.gorgon.wire.Frame;
import io.gorgon.wire.FrameCodec;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This decides which thread writes. What surely fits the system's buffer is written by whoever
 * sends it, which saves a wake-up; the rest, and what comes behind it, by a thread that may wait
 * for Python to read. Thread-safe.
 */
final class Outbox {

  private static final Logger log = LoggerFactory.getLogger(Outbox.class);

  /** Bytes that may be unread and still be followed by a write that does not wait. */
  private static final long SURE = 64 * 1024;

  /** What the system charges for each write besides its bytes, generously. */
  private static final long CHARGE = 1_024;

  private final FrameChannel channel;
  private final Executor blocking;
  private final ReentrantLock lock = new ReentrantLock();
  private final Deque<List<Frame>> waiting = new ArrayDeque<>();
  private boolean draining;
  private long sent;
  private long read;

  Outbox(FrameChannel channel, Executor blocking) {
    this.channel = channel;
    this.blocking = blocking;
  }

  long send(List<Frame> frames) {
    long size = CHARGE;
    for (Frame frame : frames) {
      size += FrameCodec.sizeOf(frame);
    }
    boolean direct;
    boolean start = false;
    long position;
    lock.lock();
    try {
      sent += size;
      position = sent;
      direct = !draining && sent - read <= SURE;
      if (!direct) {
        waiting.addLast(frames);
        start = !draining;
        draining = true;
      }
    } finally {
      lock.unlock();
    }
    if (direct) {
      channel.write(frames);
    } else if (start) {
      blocking.execute(this::drain);
    }
    return position;
  }

  void noteRead(long position) {
    lock.lock();
    try {
      read = Math.max(read, position);
    } finally {
      lock.unlock();
    }
  }

  private void drain() {
    for (List<Frame> next = next(); next != null; next = next()) {
      try {
        channel.write(next);
      } catch (RuntimeException unwritten) {
        // Its call ends by its deadline; those behind it must not wait for ever.
        log.error("a frame was not written", unwritten);
      }
    }
  }

  private @Nullable List<Frame> next() {
    lock.lock();
    try {
      List<Frame> next = waiting.pollFirst();
      draining = next != null;
      return next;
    } finally {
      lock.unlock();
    }
  }
}
