package io.gorgon.cli;

import java.io.PrintStream;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.pekko.stream.javadsl.Source;

/**
 * The writing of one answer for each line of input, each as soon as it comes; until an interrupt,
 * or until nobody reads any more.
 */
final class LineRun {

  private final CommandPool running;
  private final PrintStream out;
  private final Runnable step;
  private final AtomicLong written = new AtomicLong();
  private final AtomicLong failed = new AtomicLong();

  /**
   * One that has not begun.
   *
   * @param step runs behind each line that was written
   */
  LineRun(CommandPool running, PrintStream out, Runnable step) {
    this.running = running;
    this.out = out;
    this.step = step;
  }

  /** Writes them all, and waits for that. What {@code answers} fails with is thrown. */
  void write(Source<LineAnswer, ?> answers) {
    running.await(
        answers
            .takeWhile(answer -> !running.isInterrupted() && !out.checkError())
            .runForeach(this::write, running.system()));
  }

  private void write(LineAnswer answer) {
    out.println(answer.json());
    out.flush();
    if (answer.failed()) {
      failed.incrementAndGet();
    }
    written.incrementAndGet();
    step.run();
  }

  /** Lines that were written. */
  long written() {
    return written.get();
  }

  /** Those of them that tell an error. */
  long failed() {
    return failed.get();
  }
}
