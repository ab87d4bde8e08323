package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.NoCapacity;
import io.gorgon.message.PythonFailure.StartFailed;
import io.gorgon.message.PythonFailure.StartFailed.Kind;
import io.gorgon.pool.PoolStatus;
import io.gorgon.proving.Bystanders.Expected;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Pools that cannot start, on real Python: each says why, at once. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class StartFailuresTest {

  @TempDir Path directory;

  private static PythonFailure firstFailure(TestPool tested) {
    long began = System.nanoTime();
    PythonFailure failure = failureOf(tested.pool().call(Call.of("math:sqrt", 4)));
    assertThat(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began)).isLessThan(5);
    return failure;
  }

  private static void assertStartFails(Kind kind, String named, String... settings) {
    try (var tested = TestPool.start(settings).withBystanders(Expected.TYPED)) {
      PythonFailure failure = firstFailure(tested);
      assertThat(failure).isInstanceOf(StartFailed.class).hasMessageContaining(named);
      assertThat(((StartFailed) failure).kind()).isEqualTo(kind);
      // Its status, not its events: it may have opened before the first subscriber was there.
      org.awaitility.Awaitility.await().until(() -> tested.pool().status() == PoolStatus.BROKEN);
      // From now on without waiting at all.
      assertThat(failureOf(tested.pool().call(Call.of("math:sqrt", 4))))
          .isInstanceOf(StartFailed.class);
      assertThat(failureOf(tested.pool().checkout())).hasMessageContaining("NO_CAPACITY");
    }
  }

  @Test
  void row37_aMissingInterpreterIsNamedWithTheRemedy() {
    assertStartFails(Kind.NO_INTERPRETER, "setting 'python'", "python = /nowhere/python3");
    assertStartFails(Kind.NO_INTERPRETER, "no-such-python", "python = no-such-python");
  }

  @Test
  void row37b_anInterpreterThatIsTooOldIsNamedWithItsVersion() throws IOException {
    Path old =
        script(
            "old-python",
            "echo '{\"event\":\"refused\",\"reason\":\"version\",\"python\":\"3.6.15\",\"executable\":\"/old\"}'; exit 3");

    assertStartFails(Kind.VERSION, "3.6.15", "python = \"" + old + "\"");
  }

  @Test
  void somethingThatIsNoInterpreterIsTold() throws IOException {
    Path nonsense = script("nonsense", "echo hello; exit 1");

    assertStartFails(Kind.NO_INTERPRETER, "nonsense", "python = \"" + nonsense + "\"");
  }

  private Path script(String name, String body) throws IOException {
    Path script = directory.resolve(name);
    Files.writeString(script, "#!/bin/sh\n" + body + "\n");
    return Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  @ParameterizedTest
  @CsvSource({
    "no_such_module, no_such_module",
    "broken_import, broken_import",
    "missing_dependency, missing_dependency"
  })
  void row07_anImportThatFailsShowsItsTraceback(String module, String named) {
    assertStartFails(Kind.IMPORT, named, "imports = [" + module + "]");
  }

  @Test
  void row38_anImportThatHangsIsStoppedAtTheStartTimeout() {
    try (var tested =
        TestPool.start(
                "imports = [hanging_import], timeouts.start = 300ms, restart.backoff-min = 50ms")
            .withBystanders(Expected.TYPED)) {
      PythonFailure failure = failureOf(tested.pool().call(Call.of("math:sqrt", 4)));

      assertThat(failure).isInstanceOf(NoCapacity.class).hasMessageContaining("TIMEOUT");
    }
  }

  @Test
  void aWorkingDirectoryThatIsMissingIsNamed() {
    assertStartFails(Kind.ENVIRONMENT, "/nowhere/at/all", "directory = /nowhere/at/all");
  }

  @ParameterizedTest
  @CsvSource({
    "boot-exit=5, EXITED",
    "after-hello-exit=6, EXITED",
    "wrong-token, HANDSHAKE",
    "garbage-hello, EXITED",
  })
  void row23_aWorkerThatNeverStartsOpensTheCircuit(String fault, String kind) {
    try (var tested =
        TestPool.start(
                "entry = \"faulty_worker:main\", restart.backoff-min = 20ms",
                "environment { GORGON_FAULT = \"" + fault + "\" }")
            .withBystanders(Expected.TYPED)) {
      PythonFailure failure = failureOf(tested.pool().call(Call.of("math:sqrt", 4)));

      assertThat(failure).isInstanceOf(NoCapacity.class).hasMessageContaining(kind);
      assertThat(tested.eventsOf(PoolEvent.WorkerStarting.class)).hasSizeLessThan(20);
    }
  }

  @Test
  void row22_aWorkerThatNeverBecomesReadyIsKilledAtTheStartTimeout() {
    try (var tested =
        TestPool.start(
                "entry = \"faulty_worker:main\", timeouts.start = 300ms, restart.backoff-min = 20ms",
                "environment { GORGON_FAULT = \"boot-hang\" }")
            .withBystanders(Expected.TYPED)) {
      assertThat(failureOf(tested.pool().call(Call.of("math:sqrt", 4))))
          .isInstanceOf(NoCapacity.class)
          .hasMessageContaining("TIMEOUT");
    }
  }

  @Test
  void row41_aBrokenPoolLeavesItsNeighbourAlone() {
    try (var broken = TestPool.start("imports = [broken_import]")) {
      try (var well = TestPool.startIn(broken.system()).awaitReady(2).withBystanders()) {
        firstFailure(broken);

        assertThat(get(well.pool().call(Call.of("targets:echo", 1))).as(Integer.class))
            .isEqualTo(1);
      }
    }
  }

  @Test
  void row40_theCircuitHealsByItself() throws IOException {
    Path module = directory.resolve("healing.py");
    Files.writeString(module, "raise ValueError('not yet')\n");
    try (var tested =
        TestPool.start(
                "imports = [healing], restart.backoff-max = 200ms",
                "path = [\""
                    + directory
                    + "\", \""
                    + Path.of("src/test/python").toAbsolutePath()
                    + "\"]")
            .withBystanders(Expected.TYPED)) {
      firstFailure(tested);
      Files.writeString(module, "def f():\n    return 'healed'\n");
      tested.awaitEvent(PoolEvent.CircuitClosed.class, closed -> true);

      assertThat(get(tested.pool().call(Call.of("healing:f"))).as(String.class))
          .isEqualTo("healed");
      assertThat(tested.pool().status()).isEqualTo(PoolStatus.RUNNING);
    }
  }

  @Test
  void freshInterpretersWorkLikeForkedOnes() {
    try (var tested = TestPool.start("start-method = fresh").awaitReady(2).withBystanders()) {
      assertThat(get(tested.pool().call(Call.of("targets:echo", 1))).as(Integer.class))
          .isEqualTo(1);
      failureOf(tested.pool().call(Call.of("targets:kill_self", 9)));
      tested.awaitEvents(PoolEvent.WorkerReady.class, 3);
    }
  }
}
