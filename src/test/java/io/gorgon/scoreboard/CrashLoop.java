package io.gorgon.scoreboard;

import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.CheckoutRefused;
import io.gorgon.message.PythonFailure.NoCapacity;
import io.gorgon.proving.TestPool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/**
 * Row 12: what real processes that die at every start cost, how callers are told meanwhile, and how
 * soon all is well when the cause is mended.
 *
 * @param starts processes started in the measured time and before
 * @param mostInOneSecond of them
 * @param processor part of a core that this JVM and its children used
 * @param oddRefusals callers who were not told at once and with the reason
 * @param refusalP99 how soon a caller is told, in milliseconds
 * @param healedAfter from the mending to the first readiness, in seconds
 * @param servesAgain whether a call was answered then
 */
public record CrashLoop(
    int starts,
    long mostInOneSecond,
    double processor,
    int oddRefusals,
    double refusalP99,
    double healedAfter,
    boolean servesAgain) {

  private static final double TICKS_PER_SECOND = 100;
  private static final Duration BETWEEN_CALLS = Duration.ofMillis(100);

  /** Lets four slots die for some seconds; {@code directory} is for the module that they import. */
  public static CrashLoop run(Path directory, int seconds, int longestBackoff) throws IOException {
    Path module = directory.resolve("healing.py");
    Path journal = directory.resolve("starts");
    Files.writeString(
        module,
        "import os, time\nwith open('"
            + journal
            + "', 'a') as f:\n"
            + "    f.write(f'{time.time()}\\n')\nos._exit(5)\n");
    try (var tested =
        TestPool.start(
            "min-workers = 4, max-workers = 4, imports = [healing]",
            "restart.backoff-max = " + longestBackoff + "s",
            "path = [\"" + directory + "\"]")) {
      tested.awaitEvent(PoolEvent.CircuitOpened.class, opened -> true);
      double processorBefore = processorSeconds();
      long began = System.nanoTime();
      var refusals = new Histogram(3);
      int odd = 0;
      while (System.nanoTime() - began < TimeUnit.SECONDS.toNanos(seconds)) {
        long asked = System.nanoTime();
        odd += isRefusal(TestPool.failureOf(tested.pool().call(Call.of("healing:f")))) ? 0 : 1;
        refusals.recordValue(System.nanoTime() - asked);
        asked = System.nanoTime();
        odd += isRefusal(TestPool.failureOf(tested.pool().checkout())) ? 0 : 1;
        refusals.recordValue(System.nanoTime() - asked);
        CompletableFuture.runAsync(
                () -> {},
                CompletableFuture.delayedExecutor(BETWEEN_CALLS.toMillis(), TimeUnit.MILLISECONDS))
            .join();
      }
      double processor = (processorSeconds() - processorBefore) / seconds;
      List<Double> starts = Files.readAllLines(journal).stream().map(Double::valueOf).toList();

      Files.writeString(module, "def f():\n    return 'healed'\n");
      long mended = System.nanoTime();
      tested.awaitEvent(PoolEvent.CircuitClosed.class, closed -> true);
      double healedAfter = (System.nanoTime() - mended) / 1e9;
      boolean serves =
          TestPool.get(tested.pool().call(Call.of("healing:f"))).json().contains("healed");
      return new CrashLoop(
          starts.size(),
          starts.stream()
              .mapToLong(from -> starts.stream().filter(at -> at >= from && at < from + 1).count())
              .max()
              .orElse(0),
          processor,
          odd,
          refusals.getValueAtPercentile(99) / 1e6,
          healedAfter,
          serves);
    }
  }

  private static boolean isRefusal(PythonFailure failure) {
    return (failure instanceof NoCapacity && failure.getMessage().contains("exit code 5"))
        || (failure instanceof CheckoutRefused refused
            && refused.reason() == CheckoutRefused.Reason.NO_CAPACITY);
  }

  Row row(int longestBackoff) {
    return Row.of(
        12,
        "boot-crash loop, 4 slots, 60 s",
        "≤ 60 starts, ≤ 5 in any second, < 5 % of a core; told within 50 ms; heals within "
            + (longestBackoff + 1)
            + " s",
        Figure.atMost("", starts, 60, "starts"),
        Figure.atMost("most", mostInOneSecond, 5, "in a second"),
        Figure.within("", 100 * processor, 5, "% of a core"),
        Figure.none("odd refusals", oddRefusals),
        Figure.within("p99", refusalP99, 50, "ms"),
        Figure.within("heals in", healedAfter, longestBackoff + 1, "s"));
  }

  /** What this JVM and its children have used, with those children of theirs that have ended. */
  private static double processorSeconds() throws IOException {
    double ticks = 0;
    for (ProcessHandle one : ProcessHandle.current().descendants().toList()) {
      ticks += ticksOf(Path.of("/proc", String.valueOf(one.pid()), "stat"));
    }
    return (ticks + ticksOf(Path.of("/proc/self/stat"))) / TICKS_PER_SECOND;
  }

  private static double ticksOf(Path stat) throws IOException {
    if (!Files.exists(stat)) {
      return 0;
    }
    String text = Files.readString(stat);
    String[] fields = text.substring(text.lastIndexOf(')') + 2).split(" ");
    // utime, stime, cutime, cstime: fields 14 to 17 of proc(5).
    double ticks = 0;
    for (int field = 11; field <= 14; field++) {
      ticks += Double.parseDouble(fields[field]);
    }
    return ticks;
  }
}
