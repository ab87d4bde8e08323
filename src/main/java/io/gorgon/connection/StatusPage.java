package io.gorgon.connection;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * This is the page of memory that a worker maps and the JVM reads and writes as a file, which the
 * system keeps coherent. The JVM looks at it only around cancels and deaths, so it needs no
 * mapping, and a dead worker leaves none behind. Thread-safe.
 *
 * <pre>
 *  word 0        id of the request that was started last      written by Python
 *  word 1        ids up to this one are not to be started     written by the JVM
 *  word 64 on    cancelled id, at word 64 + (id mod 256)      written by the JVM
 * </pre>
 */
final class StatusPage {

  private static final int SIZE = 4096;
  private static final int WITHDRAWN_WORD = 1;
  private static final int FIRST_CANCEL_WORD = 64;
  private static final int CANCEL_MASK = 255;

  private final FileChannel file;
  private volatile long lastSeen;

  private StatusPage(FileChannel file) {
    this.file = file;
  }

  /** Makes the file, full of zeros. */
  static StatusPage create(Path path) throws IOException {
    FileChannel file =
        FileChannel.open(
            path,
            Set.of(
                StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    file.write(ByteBuffer.allocate(SIZE), 0);
    return new StatusPage(file);
  }

  /** The id that was started last; after {@link #close}, what stood there then. */
  long lastStarted() {
    ByteBuffer word = word();
    try {
      file.read(word, 0);
      lastSeen = word.getLong(0);
    } catch (IOException closed) {
      // What was seen last stays true.
    }
    return lastSeen;
  }

  void markCancelled(long id) {
    write(FIRST_CANCEL_WORD + (id & CANCEL_MASK), id);
  }

  void markWithdrawn(long id) {
    write(WITHDRAWN_WORD, id);
  }

  private void write(long word, long id) {
    try {
      file.write(word().putLong(0, id), word * Long.BYTES);
    } catch (IOException closed) {
      // Nobody reads it any more.
    }
  }

  /** Reads it once more and closes the file. */
  void close() {
    lastStarted();
    try {
      file.close();
    } catch (IOException closed) {
      // It is closed.
    }
  }

  private static ByteBuffer word() {
    return ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder());
  }
}
