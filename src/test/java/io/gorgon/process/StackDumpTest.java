package io.gorgon.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gorgon.message.PythonFailure.NoDump;
import io.gorgon.message.WorkerId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reading a file that another process writes whenever it likes, or never. */
class StackDumpTest {

  private static final WorkerId WORKER = new WorkerId("p", 0, 1);
  private static final Duration LONG = Duration.ofSeconds(30);

  @TempDir Path directory;

  private Path file;
  private final AtomicInteger signals = new AtomicInteger();
  private final AtomicBoolean gone = new AtomicBoolean();

  @BeforeEach
  void name() {
    file = directory.resolve("w0-1.dump");
  }

  private void write(String text) {
    try {
      Files.writeString(file, text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException broken) {
      throw new UncheckedIOException(broken);
    }
  }

  private CompletableFuture<String> take(Runnable onSignal, Duration patience) {
    Runnable signal =
        () -> {
          signals.incrementAndGet();
          onSignal.run();
        };
    return new StackDump(WORKER, file, signal, gone::get, patience)
        .take(ForkJoinPool.commonPool())
        .orTimeout(20, TimeUnit.SECONDS);
  }

  private NoDump failure(CompletableFuture<String> text) {
    try {
      throw new AssertionError("it was " + text.join());
    } catch (CompletionException failed) {
      return (NoDump) failed.getCause();
    }
  }

  @Test
  void whatIsWrittenOnTheSignalIsTheAnswer() {
    write("an older dump");

    assertThat(take(() -> write("stacks\n"), LONG).join()).isEqualTo("stacks\n");
    assertThat(signals).hasValue(1);
  }

  @Test
  void aTextThatGrowsIsWaitedFor() {
    assertThat(
            take(
                    () -> {
                      write("one\n");
                      CompletableFuture.delayedExecutor(20, TimeUnit.MILLISECONDS)
                          .execute(() -> write("two\n"));
                    },
                    LONG)
                .join())
        .isEqualTo("one\ntwo\n");
  }

  @Test
  void aProcessThatWritesNothingIsToldAfterTheTime() {
    var failure = failure(take(() -> {}, Duration.ofMillis(50)));

    assertThat(failure.reason()).isEqualTo(NoDump.Reason.SILENT);
    assertThat(failure.worker()).isEqualTo(WORKER);
    assertThat(failure).hasMessageContaining("within 50 ms");
  }

  @Test
  void aProcessThatEndsIsToldAtOnce() {
    assertThat(failure(take(() -> gone.set(true), LONG)).reason()).isEqualTo(NoDump.Reason.GONE);
  }

  @Test
  void aFileThatCannotBeReadIsToldAndNotWaitedFor() throws IOException {
    Files.createDirectory(file);

    assertThat(failure(take(() -> {}, LONG))).hasMessageContaining("cannot be read");
  }

  @Test
  void whoAsksWhileOneIsUnderWayGetsThatOne() {
    var signalled = new CompletableFuture<Integer>();
    Runnable signal = () -> signalled.complete(signals.incrementAndGet());
    var dump = new StackDump(WORKER, file, signal, gone::get, LONG);
    var first = dump.take(ForkJoinPool.commonPool());
    var second = dump.take(ForkJoinPool.commonPool());
    signalled.orTimeout(20, TimeUnit.SECONDS).join();
    write("stacks\n");

    assertThat(first.orTimeout(20, TimeUnit.SECONDS).join()).isEqualTo("stacks\n");
    assertThat(second.join()).isEqualTo("stacks\n");
    assertThat(signals).hasValue(1);
  }

  @Test
  void anExecutorThatHasStoppedIsToldToo() {
    var dump = new StackDump(WORKER, file, signals::incrementAndGet, gone::get, LONG);
    var told =
        dump.take(
            task -> {
              throw new java.util.concurrent.RejectedExecutionException("stopped");
            });

    assertThatThrownBy(told::join).hasCauseInstanceOf(NoDump.class);
    assertThat(signals).hasValue(0);
  }
}
