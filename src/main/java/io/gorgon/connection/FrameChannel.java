package io.gorgon.connection;

import io.gorgon.message.PythonFailure;
import io.gorgon.wire.Frame;
import io.gorgon.wire.FrameCodec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This reads and writes whole frames on a blocking socket. One thread reads; any thread writes. The
 * buffers are made once, outside the heap: a large frame passes them in pieces, and no frame is put
 * together as a whole.
 */
final class FrameChannel {

  private static final Logger log = LoggerFactory.getLogger(FrameChannel.class);

  /** Pieces of this size move large payloads fastest (256 KiB to 1 MiB were alike). */
  private static final int BUFFER = 256 * 1024;

  /** What large frames are written in: each write wakes Python up, so fewer are better. */
  private static final int LARGE = 1 << 20;

  private final SocketChannel socket;
  private final FrameCodec reading;
  private final FrameCodec writing;
  private final ByteBuffer incoming = ByteBuffer.allocateDirect(BUFFER).flip();
  private final ByteBuffer outgoing = ByteBuffer.allocateDirect(BUFFER);
  private final ReentrantLock writeLock = new ReentrantLock();

  /** Made when the first large frame is written; guarded by the write lock. */
  private @Nullable ByteBuffer large;

  /** {@code memory}: what frames that come may refer to. */
  FrameChannel(SocketChannel socket, long frameLimit, FrameCodec.Memory memory) {
    this.socket = socket;
    this.reading = new FrameCodec(frameLimit, memory);
    this.writing = new FrameCodec(frameLimit);
  }

  boolean isOpen() {
    return socket.isOpen();
  }

  /** Whether bytes have been read that no frame was made of yet. */
  boolean hasMore() {
    return incoming.hasRemaining();
  }

  /**
   * Waits for the next frame.
   *
   * @return null at the end of the stream, a partial frame before it included
   * @throws PythonFailure.ProtocolViolation for bytes that are no frame
   */
  @Nullable Frame read() throws IOException {
    while (true) {
      Frame frame = reading.decode(incoming);
      if (frame != null) {
        return frame;
      }
      if (incoming.remaining() >= FrameCodec.PREFIX) {
        int needed = reading.neededAt(incoming);
        if (needed > BUFFER) {
          return readLarge(needed);
        }
      }
      incoming.compact();
      int count = socket.read(incoming);
      incoming.flip();
      if (count < 0) {
        return null;
      }
    }
  }

  private @Nullable Frame readLarge(int needed) throws IOException {
    ByteBuffer whole = ByteBuffer.allocate(needed);
    whole.put(incoming);
    while (whole.hasRemaining()) {
      incoming.clear().limit(Math.min(BUFFER, whole.remaining()));
      int count = socket.read(incoming);
      incoming.flip();
      if (count < 0) {
        return null;
      }
      whole.put(incoming);
    }
    return reading.decode(whole.flip());
  }

  /**
   * Writes the frames, together where they fit. A failure is logged only: an answer that Python
   * gave before it died may still wait to be read.
   */
  void write(List<Frame> frames) {
    writeLock.lock();
    try {
      outgoing.clear();
      for (Frame frame : frames) {
        if (FrameCodec.sizeOf(frame) <= outgoing.remaining()) {
          writing.encode(frame, outgoing);
        } else {
          flush();
          writeLarge(frame);
        }
      }
      flush();
    } catch (IOException ended) {
      log.debug("a write failed: {}", ended.toString());
    } finally {
      writeLock.unlock();
    }
  }

  private void writeLarge(Frame frame) throws IOException {
    if (FrameCodec.sizeOf(frame) <= BUFFER) {
      writing.encode(frame, outgoing);
      return;
    }
    writing.encodePrefix(frame, outgoing);
    put(ByteBuffer.wrap(frame.body()));
    List<ByteBuffer> attachments = frame.payload().attachments();
    for (int i = 0; i < attachments.size(); i++) {
      if (outgoing.remaining() < FrameCodec.SIZE_FIELDS) {
        flush();
      }
      if (writing.encodeSize(frame, i, outgoing)) {
        put(attachments.get(i).duplicate());
      }
    }
  }

  /** Appends to what waits to be written; what is large goes out in large pieces, with it. */
  private void put(ByteBuffer bytes) throws IOException {
    if (bytes.remaining() <= outgoing.remaining()) {
      outgoing.put(bytes);
    } else if (bytes.isDirect()) {
      gather(bytes);
    } else {
      if (large == null) {
        large = ByteBuffer.allocateDirect(LARGE);
      }
      while (bytes.hasRemaining()) {
        int piece = Math.min(LARGE, bytes.remaining());
        large.clear().put(bytes.slice(bytes.position(), piece)).flip();
        bytes.position(bytes.position() + piece);
        gather(large);
      }
    }
  }

  /** Writes what waits and then {@code bytes}, which are outside the heap, without a copy. */
  private void gather(ByteBuffer bytes) throws IOException {
    var both = new ByteBuffer[] {outgoing.flip(), bytes};
    while (bytes.hasRemaining()) {
      socket.write(both);
    }
    outgoing.clear();
  }

  private void flush() throws IOException {
    outgoing.flip();
    while (outgoing.hasRemaining()) {
      socket.write(outgoing);
    }
    outgoing.clear();
  }

  void close() {
    try {
      socket.close();
    } catch (IOException closed) {
      log.debug("the socket was closed: {}", closed.toString());
    }
  }
}
