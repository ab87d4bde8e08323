package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.gorgon.message.Call;
import io.gorgon.message.Exit;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure.PythonRaised;
import io.gorgon.message.PythonFailure.WorkerLost;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the settings make of a worker: its environment, its directory, and what it may not have. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class LimitsTest {

  private static final int SIGXCPU = 24;

  @TempDir Path directory;

  private static TestPool one(String... settings) {
    return TestPool.start("min-workers = 1, max-workers = 1\n" + String.join("\n", settings))
        .awaitReady(1);
  }

  private static String env(TestPool tested, String name) {
    return get(tested.pool().call(Call.of("targets:env", name))).json();
  }

  @ParameterizedTest
  @ValueSource(strings = {"fork", "fresh"})
  void environmentAndDirectoryReachTheWorker(String method) {
    try (var tested =
        one(
            "environment { GREETING = \"hello, world\", HOME = null, PATH = null }",
            "directory = \"" + directory + "\"",
            "threads = 3",
            "start-method = " + method)) {
      assertThat(env(tested, "GREETING")).isEqualTo("\"hello, world\"");
      assertThat(System.getenv("HOME")).isNotNull();
      assertThat(env(tested, "HOME")).isEqualTo("null");
      assertThat(env(tested, "PATH")).isEqualTo("null");
      assertThat(env(tested, "LANG_THAT_NOBODY_SET")).isEqualTo("null");
      assertThat(get(tested.pool().call(Call.of("targets:cwd"))).as(String.class))
          .isEqualTo(directory.toString());
      for (String cap : new String[] {"OMP", "OPENBLAS", "MKL", "NUMEXPR"}) {
        assertThat(env(tested, cap + "_NUM_THREADS")).isEqualTo("\"3\"");
      }
    }
  }

  @Test
  void theUsersOwnVariableGoesBeforeTheThreadCapAndZeroLeavesAllAlone() {
    try (var tested = one("environment { OMP_NUM_THREADS = \"7\" }")) {
      assertThat(env(tested, "OMP_NUM_THREADS")).isEqualTo("\"7\"");
      assertThat(env(tested, "MKL_NUM_THREADS")).isEqualTo("\"1\"");
    }
    assumeThat(System.getenv("MKL_NUM_THREADS")).isNull();
    try (var tested = one("threads = 0")) {
      assertThat(env(tested, "MKL_NUM_THREADS")).isEqualTo("null");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"fork", "fresh"})
  void everyLimitIsSetInTheWorker(String method) {
    try (var tested =
        one(
            "limits { memory = 3GiB, open-files = 77, processes = 5000, cpu-seconds = 99,"
                + " file-size = 5MiB }",
            "start-method = " + method)) {
      Map<?, ?> limits = get(tested.pool().call(Call.of("targets:limits"))).as(Map.class);
      assertThat(((Number) limits.get("RLIMIT_AS")).longValue()).isEqualTo(3L << 30);
      assertThat(limits.get("RLIMIT_NOFILE")).isEqualTo(77);
      assertThat(limits.get("RLIMIT_NPROC")).isEqualTo(5000);
      assertThat(limits.get("RLIMIT_CPU")).isEqualTo(99);
      assertThat(limits.get("RLIMIT_FSIZE")).isEqualTo(5 << 20);
    }
  }

  @Test
  void memoryBeyondTheLimitIsAMemoryErrorAndTheWorkerStays() {
    try (var tested = one("limits.memory = 1GiB").withBystanders()) {
      long before = get(tested.pool().call(Call.of("targets:pid"))).as(Long.class);

      var raised = (PythonRaised) failureOf(tested.pool().call(Call.of("targets:allocate", 2_000)));

      assertThat(raised.type()).isEqualTo("MemoryError");
      assertThat(get(tested.pool().call(Call.of("targets:pid"))).as(Long.class)).isEqualTo(before);
      assertThat(get(tested.pool().call(Call.of("targets:allocate", 10))).as(Integer.class))
          .isEqualTo(10);
    }
  }

  @Test
  void processorTimeBeyondTheLimitEndsTheWorkerWithTheSignalThatSaysSo() {
    try (var tested = one("limits.cpu-seconds = 1").withBystanders()) {
      var lost = (WorkerLost) failureOf(tested.pool().call(Call.of("targets:burn_cpu")));

      assertThat(lost.exit()).isEqualTo(Exit.signal(SIGXCPU));
      assertThat(lost.started()).isTrue();
      assertThat(get(tested.pool().call(Call.of("targets:echo", 1))).as(Integer.class))
          .isEqualTo(1);
    }
  }

  @Test
  void aFileBeyondTheLimitIsAnErrorOfThatCallAndTheWorkerStays() {
    try (var tested = one("limits.file-size = 1MiB").withBystanders()) {
      String path = directory.resolve("file").toString();
      var raised =
          (PythonRaised)
              failureOf(tested.pool().call(Call.of("targets:write_file", path, 2 << 20)));

      assertThat(raised.type()).isEqualTo("OSError");
      assertThat(raised).hasMessageContaining("File too large");
      assertThat(get(tested.pool().call(Call.of("targets:write_file", path, 1_000))).json())
          .isEqualTo("1000");
      assertThat(tested.eventsOf(PoolEvent.WorkerGone.class)).isEmpty();
    }
  }

  @Test
  void openFilesBeyondTheLimitAreAnErrorOfThatCallAndTheWorkerStays() {
    try (var tested = one("limits.open-files = 40").withBystanders()) {
      var raised =
          (PythonRaised)
              failureOf(
                  tested
                      .pool()
                      .call(Call.of("builtins:eval", "[open('/dev/null') for _ in range(60)]")));

      assertThat(raised).hasMessageContaining("Too many open files");
      assertThat(get(tested.pool().call(Call.of("targets:echo", 1))).as(Integer.class))
          .isEqualTo(1);
    }
  }
}
