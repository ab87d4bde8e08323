package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure.NoCapacity;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What real processes that die at every start cost; {@code PoolLoadTest.row12} runs a minute. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class CrashLoopTest {

  private static final int MEASURED_SECONDS = 8;
  private static final double TICKS_PER_SECOND = 100;

  @TempDir Path directory;

  @Test
  void row12_aBootCrashLoopOfRealProcessesIsBoundedFailsFastAndHeals() throws IOException {
    Path module = directory.resolve("healing.py");
    Path journal = directory.resolve("journal");
    Files.writeString(
        module,
        "import os, time\nwith open('"
            + journal
            + "', 'a') as f:\n"
            + "    f.write(f'{time.time()}\\n')\nos._exit(5)\n");
    try (var tested =
        TestPool.start(
            "min-workers = 4, max-workers = 4, imports = [healing], restart.backoff-max = 4s",
            "path = [\"" + directory + "\"]")) {
      tested.awaitEvent(PoolEvent.CircuitOpened.class, opened -> true);
      double cpuBefore = processorSeconds();
      long began = System.nanoTime();
      var refusals = new Histogram(3);
      while (System.nanoTime() - began < TimeUnit.SECONDS.toNanos(MEASURED_SECONDS)) {
        long asked = System.nanoTime();
        assertThat(failureOf(tested.pool().call(Call.of("healing:f"))))
            .isInstanceOf(NoCapacity.class)
            .hasMessageContaining("exit code 5");
        assertThat(failureOf(tested.pool().checkout())).hasMessageContaining("NO_CAPACITY");
        refusals.recordValue((System.nanoTime() - asked) / 2);
        after(100);
      }
      double cpu = processorSeconds() - cpuBefore;
      List<Double> starts = Files.readAllLines(journal).stream().map(Double::valueOf).toList();
      long mostInOneSecond = 0;
      for (double from : starts) {
        mostInOneSecond =
            Math.max(
                mostInOneSecond, starts.stream().filter(at -> at >= from && at < from + 1).count());
      }

      Files.writeString(module, "def f():\n    return 'healed'\n");
      long fixed = System.nanoTime();
      tested.awaitEvent(PoolEvent.CircuitClosed.class, closed -> true);
      double healed = (System.nanoTime() - fixed) / 1e9;

      System.out.printf(
          "[figures] boot crash loop of real processes, 4 slots, %d s: %d starts, most in any"
              + " second %d, processor %.1f %% of a core, refusals p50 %.2f ms, p99 %.2f ms,"
              + " healed %.1f s after the fix (backoff-max 4 s)%n",
          MEASURED_SECONDS,
          starts.size(),
          mostInOneSecond,
          100 * cpu / MEASURED_SECONDS,
          refusals.getValueAtPercentile(50) / 1e6,
          refusals.getValueAtPercentile(99) / 1e6,
          healed);
      assertThat(starts).hasSizeBetween(4, 20);
      assertThat(mostInOneSecond).isLessThanOrEqualTo(5);
      assertThat(get(tested.pool().call(Call.of("healing:f"))).as(String.class))
          .isEqualTo("healed");
    }
  }

  private static void after(long millis) {
    CompletableFuture.runAsync(
            () -> {}, CompletableFuture.delayedExecutor(millis, TimeUnit.MILLISECONDS))
        .join();
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
