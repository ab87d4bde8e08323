package io.gorgon.cli;

import io.gorgon.PythonPool;
import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.Reply;
import io.gorgon.pool.PoolStats;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.apache.pekko.Done;
import org.apache.pekko.stream.javadsl.Source;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The main job: real input through real Python, with a worker killed half-way. */
@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    description = {
      "Sends each line of the files through the Python function gorgon.examples.text:analyse.",
      "Half-way it kills a worker, to show that every line is answered all the same."
    })
@SuppressWarnings("NullAway.Init")
final class DemoCommand implements Callable<Integer> {

  private static final int IN_FLIGHT = 64;

  /** A line whose worker dies is sent again: counting it twice would do no harm. */
  private static final int RETRIES = 3;

  private static final Duration PATIENCE = Duration.ofSeconds(10);

  @Mixin PoolOptions options;

  @Spec CommandSpec spec;

  @Parameters(paramLabel = "FILE", description = "text files; README.md if none")
  List<File> files = new ArrayList<>();

  private final AtomicLong answered = new AtomicLong();
  private final AtomicLong again = new AtomicLong();
  private final AtomicLong words = new AtomicLong();

  @Override
  public Integer call() {
    List<File> inputs = files.isEmpty() ? List.of(new File("README.md")) : files;
    Inputs.check(spec.commandLine(), inputs);
    long lines = inputs.stream().mapToLong(DemoCommand::countLines).sum();
    List<ProcessHandle> processes;
    PoolStats stats;
    try (var running = new CommandPool(options, Map.of())) {
      PythonPool pool = running.pool();
      var killedAt = new AtomicLong();
      try (ProgressLine bar = ProgressLine.show("lines", lines)) {
        running.tellWhenInterrupted(
            () -> {
              if (bar != null) {
                bar.freeze();
              }
              return ": " + answered + " of " + lines + " lines answered";
            });
        CompletionStage<Done> replaced = replacement(running, killedAt);
        running.await(
            Source.from(inputs)
                .flatMapConcat(file -> Source.fromJavaStream(() -> lines(file)))
                .mapAsync(
                    IN_FLIGHT,
                    line ->
                        pool.call(
                            Call.of("gorgon.examples.text:analyse", line).idempotent(RETRIES)))
                .runForeach(
                    reply -> {
                      onReply(reply, bar);
                      if (answered.get() >= lines / 2 && killedAt.get() == 0) {
                        killOne(running, killedAt);
                      }
                    },
                    running.system()));
        if (killedAt.get() != 0) {
          running.await(replaced);
        }
      }
      stats = running.await(pool.stats());
      processes =
          stats.workers().stream()
              .flatMap(worker -> ProcessHandle.of(worker.pid()).stream())
              .toList();
    }
    long left = processes.stream().filter(ProcessHandle::isAlive).count();
    report(lines, stats, left);
    return (answered.get() == lines && left == 0 ? ExitCode.OK : ExitCode.FAILED).number();
  }

  /** Completes when the killed worker's successor is ready, so that the table shows it. */
  private static CompletionStage<Done> replacement(CommandPool running, AtomicLong killedAt) {
    return running
        .pool()
        .events()
        .filter(event -> event instanceof PoolEvent.WorkerReady up && up.worker().generation() > 1)
        .take(1)
        .completionTimeout(PATIENCE)
        .runForeach(
            event -> {
              if (event instanceof PoolEvent.WorkerReady up) {
                long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - killedAt.get());
                System.err.printf(
                    "worker %d.%d (pid %d) has taken its place, %d ms later%n",
                    up.worker().slot(), up.worker().generation(), up.pid(), took);
              }
            },
            running.system())
        .exceptionally(late -> Done.getInstance());
  }

  private void onReply(Reply reply, @Nullable ProgressLine bar) {
    answered.incrementAndGet();
    again.addAndGet(reply.attempts() - 1);
    words.addAndGet(reply.tree().path("words").asLong());
    if (bar != null) {
      bar.step();
    }
  }

  /** Kills a worker that is in a call, if there is one. */
  private static void killOne(CommandPool running, AtomicLong killedAt) {
    running.await(running.pool().stats()).workers().stream()
        .filter(worker -> worker.pid() > 0)
        .max(Comparator.comparing(PoolStats.WorkerStats::running))
        .ifPresent(
            worker -> {
              System.err.printf(
                  "half-way: killing worker %d.%d (pid %d) with SIGKILL%n",
                  worker.slot(), worker.generation(), worker.pid());
              killedAt.set(System.nanoTime());
              ProcessHandle.of(worker.pid()).ifPresent(ProcessHandle::destroyForcibly);
            });
  }

  private void report(long lines, PoolStats stats, long left) {
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        "%d of %d lines answered (%d sent again after their worker died), %d words%n",
        answered.get(), lines, again.get(), words.get());
    out.printf(
        "%-8s%8s%13s%10s%12s%12s%n",
        "worker", "calls", "incarnation", "restarts", "p50 (us)", "p99 (us)");
    for (var worker : stats.workers()) {
      out.printf(
          "%-8d%8d%13d%10d%12d%12d%n",
          worker.slot(),
          worker.answered(),
          worker.generation(),
          worker.restarts(),
          worker.p50().toNanos() / 1_000,
          worker.p99().toNanos() / 1_000);
    }
    out.println(left == 0 ? "no process is left" : left + " processes are left");
    out.flush();
  }

  private static long countLines(File file) {
    try (Stream<String> lines = lines(file)) {
      return lines.count();
    }
  }

  /** Bytes that are no UTF-8 become replacement characters: a demo refuses no text. */
  @SuppressWarnings("StreamResourceLeak") // both callers close it
  private static Stream<String> lines(File file) {
    try {
      return Files.lines(file.toPath(), StandardCharsets.ISO_8859_1)
          .map(
              line ->
                  new String(line.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8));
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }
}
