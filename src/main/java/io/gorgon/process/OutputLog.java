package io.gorgon.process;

import io.gorgon.message.WorkerId;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This passes what one stream of one worker prints to the log {@code gorgon.python.POOL}, tagged
 * with the worker, and to the tail that failures show. At most {@code linesPerSecond} reach the
 * log; how many were left out is said once per second. One reader thread per instance.
 */
final class OutputLog implements Consumer<String> {

  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  private final Logger log;
  private final WorkerId worker;
  private final String stream;
  private final int linesPerSecond;
  private final OutputTail tail;
  private final LongSupplier nanoTime;
  private long windowStart;
  private int logged;
  private long leftOut;

  OutputLog(
      WorkerId worker, String stream, int linesPerSecond, OutputTail tail, LongSupplier nanoTime) {
    this.log = LoggerFactory.getLogger("gorgon.python." + worker.pool());
    this.worker = worker;
    this.stream = stream;
    this.linesPerSecond = linesPerSecond;
    this.tail = tail;
    this.nanoTime = nanoTime;
    this.windowStart = nanoTime.getAsLong();
  }

  @Override
  public void accept(String line) {
    tail.add(line);
    long now = nanoTime.getAsLong();
    if (now - windowStart >= SECOND) {
      if (leftOut > 0) {
        log.warn("[{} {}] {} more lines were left out", worker, stream, leftOut);
      }
      windowStart = now;
      logged = 0;
      leftOut = 0;
    }
    if (logged < linesPerSecond) {
      logged++;
      log.info("[{} {}] {}", worker, stream, shortened(line));
    } else {
      leftOut++;
    }
  }

  /** Says what the last second left out. */
  void close() {
    if (leftOut > 0) {
      log.warn("[{} {}] {} more lines were left out", worker, stream, leftOut);
      leftOut = 0;
    }
  }

  private static String shortened(String line) {
    return line.length() > OutputTail.LINE_LENGTH
        ? line.substring(0, OutputTail.LINE_LENGTH) + "..."
        : line;
  }
}
