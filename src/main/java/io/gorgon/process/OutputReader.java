package io.gorgon.process;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * This reads one output stream of one worker, line by line, on a thread of its own. The pipe is
 * opened for reading and writing, so opening never waits for the worker and no child of it can hold
 * the reader: the end is a mark that {@link #finish} writes behind the last byte.
 */
public final class OutputReader {

  private static final int CHUNK = 8192;

  /**
   * Bytes kept of one line: enough that what {@link OutputTail} keeps of it is whole, and that it
   * sees that there was more. A character takes up to 3 bytes (4 for those that are two in Java).
   */
  private static final int LONGEST_LINE = 3 * (OutputTail.LINE_LENGTH + 1);

  private final RandomAccessFile pipe;

  /** Begins with NUL, which also ends a last line that has no end of its own. */
  private final byte[] mark =
      ("\0end-of-output-" + UUID.randomUUID() + "\n").getBytes(StandardCharsets.US_ASCII);

  private final Consumer<String> lines;
  private final CompletableFuture<Void> finished = new CompletableFuture<>();

  private OutputReader(RandomAccessFile pipe, Consumer<String> lines) {
    this.pipe = pipe;
    this.lines = lines;
  }

  /**
   * Opens the pipe at {@code path} and starts reading.
   *
   * @param name the thread's name
   * @param lines gets each line without its end, on that thread; MUST NOT block for long, or the
   *     worker's own prints will
   * @throws IOException if there is no pipe
   */
  public static OutputReader start(Path path, String name, Consumer<String> lines)
      throws IOException {
    if (!Files.readAttributes(path, BasicFileAttributes.class).isOther()) {
      // Opening would make a file where there is none, and a file's end is no pause.
      throw new IOException(path + " is no pipe");
    }
    var reader = new OutputReader(new RandomAccessFile(path.toFile(), "rw"), lines);
    var thread = new Thread(reader::run, name);
    thread.setDaemon(true);
    thread.start();
    return reader;
  }

  /**
   * Ends the reading behind everything that the worker wrote until now. Does not wait, but MUST be
   * called off actor threads: a full pipe holds it until the reader has caught up.
   *
   * @return completed when the last line has been handed over
   */
  public CompletableFuture<Void> finish() {
    try {
      pipe.write(mark);
    } catch (IOException closed) {
      finished.complete(null);
    }
    return finished;
  }

  private void run() {
    var line = new ByteArrayOutputStream();
    var chunk = new byte[CHUNK];
    try {
      while (true) {
        int count = pipe.read(chunk);
        for (int i = 0; i < count; i++) {
          byte next = chunk[i];
          if (next == '\n' || (next == 0 && line.size() > 0)) {
            byte[] bytes = line.toByteArray();
            if (Arrays.equals(bytes, 0, bytes.length, mark, 0, mark.length - 1)) {
              return;
            }
            lines.accept(new String(bytes, StandardCharsets.UTF_8));
            line.reset();
          }
          if (next != '\n' && line.size() < LONGEST_LINE) {
            line.write(next);
          }
        }
      }
    } catch (IOException gone) {
      // Nothing more can be read.
    } finally {
      close();
      finished.complete(null);
    }
  }

  private void close() {
    try {
      pipe.close();
    } catch (IOException closed) {
      // It is closed.
    }
  }
}
