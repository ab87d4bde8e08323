package io.gorgon.process;

import io.gorgon.message.PythonFailure.NoDump;
import io.gorgon.message.WorkerId;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * This takes the stacks of one worker process: a signal has {@code faulthandler} write them into a
 * file of the worker's own, from C code, whatever Python is doing. Nothing tells where the text
 * ends, so it is taken when it has stopped to grow. One at a time. Thread-safe; no thread waits.
 */
final class StackDump {

  /** How long a process may take; one that can answer needs milliseconds. */
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private static final Duration LOOK = Duration.ofMillis(10);

  /** Looks at the same text before it counts as complete: 50 ms, so some hundred time slices. */
  private static final int LOOKS_UNCHANGED = 5;

  /** {@code faulthandler} writes at most a hundred threads of a hundred frames, some 2 MiB. */
  private static final int LONGEST = 4 * 1024 * 1024;

  private final WorkerId id;
  private final Path file;
  private final Runnable signal;
  private final BooleanSupplier gone;
  private final long patienceNanos;
  private @Nullable CompletableFuture<String> running;

  /**
   * For one process.
   *
   * @param file where the worker writes to; it makes it before it runs user code
   * @param signal has the worker write
   * @param gone whether the process is known to have ended
   */
  StackDump(WorkerId id, Path file, Runnable signal, BooleanSupplier gone) {
    this(id, file, signal, gone, PATIENCE);
  }

  StackDump(WorkerId id, Path file, Runnable signal, BooleanSupplier gone, Duration patience) {
    this.id = id;
    this.file = file;
    this.signal = signal;
    this.gone = gone;
    this.patienceNanos = patience.toNanos();
  }

  /**
   * Asks for the stacks; who asks while an answer is under way gets that one.
   *
   * @param blocking runs what looks at the file
   * @return fails with {@link NoDump}
   */
  synchronized CompletableFuture<String> take(Executor blocking) {
    if (running == null || running.isDone()) {
      var text = new CompletableFuture<String>();
      running = text;
      attempt(text, blocking, () -> begin(text, blocking));
    }
    return running;
  }

  private void begin(CompletableFuture<String> text, Executor blocking) throws IOException {
    try {
      FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)
          .close();
    } catch (NoSuchFileException early) {
      // It has not come so far; it will ignore the signal, or be gone.
    }
    signal.run();
    look(text, blocking, System.nanoTime() + patienceNanos, 0, 0);
  }

  private void look(
      CompletableFuture<String> text,
      Executor blocking,
      long deadline,
      long sizeBefore,
      int unchangedBefore)
      throws IOException {
    long size = Files.exists(file) ? Files.size(file) : 0;
    int unchanged = size > 0 && size == sizeBefore ? unchangedBefore + 1 : 0;
    if (unchanged == LOOKS_UNCHANGED) {
      text.complete(read());
    } else if (gone.getAsBoolean()) {
      throw new NoDump(id, NoDump.Reason.GONE, "the process ended before it had answered");
    } else if (System.nanoTime() - deadline >= 0) {
      throw new NoDump(
          id,
          NoDump.Reason.SILENT,
          "it wrote nothing within " + TimeUnit.NANOSECONDS.toMillis(patienceNanos) + " ms");
    } else {
      attempt(
          text,
          CompletableFuture.delayedExecutor(LOOK.toMillis(), TimeUnit.MILLISECONDS, blocking),
          () -> look(text, blocking, deadline, size, unchanged));
    }
  }

  private String read() throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return new String(in.readNBytes(LONGEST), StandardCharsets.UTF_8);
    }
  }

  /** A step that may fail. */
  private interface Step {
    void run() throws IOException;
  }

  private void attempt(CompletableFuture<String> text, Executor executor, Step step) {
    try {
      executor.execute(
          () -> {
            try {
              step.run();
            } catch (NoDump found) {
              text.completeExceptionally(found);
            } catch (IOException | RuntimeException broken) {
              text.completeExceptionally(
                  new NoDump(id, NoDump.Reason.GONE, "its file cannot be read: " + broken));
            }
          });
    } catch (RuntimeException stopped) {
      text.completeExceptionally(
          new NoDump(id, NoDump.Reason.GONE, "the system is being stopped: " + stopped));
    }
  }
}
