package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.gorgon.message.Call;
import io.gorgon.message.Exit;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.NoCapacity;
import io.gorgon.message.PythonFailure.StartFailed;
import io.gorgon.message.PythonFailure.UnknownTarget;
import io.gorgon.message.PythonFailure.WorkerLost;
import io.gorgon.pool.PoolStatus;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Pools whose workers are forked from a template that has imported their modules. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class PreloadTest {

  private static final Path TARGETS = Path.of("src/test/python").toAbsolutePath();
  private static final String IMPORTER =
      "import os\nwho = os.getpid()\ndef importer():\n    return who\n";

  @TempDir Path directory;

  private String module(String text) throws IOException {
    Files.writeString(directory.resolve("mine.py"), text);
    return "preload = [mine], path = [\"" + directory + "\", \"" + TARGETS + "\"]";
  }

  private static String text(TestPool tested, String target) {
    return get(tested.pool().call(Call.of(target))).as(String.class);
  }

  private static long template(TestPool tested, String target) {
    return get(tested.pool().call(Call.of(target))).as(Long.class);
  }

  private static List<Long> pids(TestPool tested) {
    return tested.stats().workers().stream().map(worker -> worker.pid()).toList();
  }

  @Test
  void theModulesAreImportedOnceForAllWorkers() throws IOException {
    try (var tested =
        TestPool.start(module(IMPORTER), "min-workers = 4, max-workers = 4").awaitReady(4)) {
      Set<Long> importers = new HashSet<>();
      for (int i = 0; i < 40; i++) {
        importers.add(template(tested, "mine:importer"));
      }

      assertThat(importers).hasSize(1).doesNotContainAnyElementsOf(pids(tested));
      assertThat(tested.eventsOf(PoolEvent.WorkerGone.class)).isEmpty();
    }
  }

  @Test
  void aRestartedWorkerIsForkedFromTheSameTemplateAndItsExitIsExact() throws IOException {
    try (var tested = TestPool.start(module(IMPORTER)).awaitReady(2)) {
      long template = template(tested, "mine:importer");

      PythonFailure first = failureOf(tested.pool().call(Call.of("targets:exit_now", 7)));
      PythonFailure second = failureOf(tested.pool().call(Call.of("targets:kill_self", 9)));

      assertThat(first).isInstanceOf(WorkerLost.class);
      assertThat(second).isInstanceOf(WorkerLost.class);
      tested.awaitEvents(PoolEvent.WorkerReady.class, 4);
      assertThat(tested.eventsOf(PoolEvent.WorkerGone.class).stream().map(gone -> gone.exit()))
          .containsExactlyInAnyOrder(new Exit(7, null), new Exit(null, 9));
      assertThat(template(tested, "mine:importer")).isEqualTo(template);
    }
  }

  @Test
  void resetPicksUpChangedCodeOfAPreloadedModuleWhileCallsGoOn() throws IOException {
    try (var tested = TestPool.start(module("def f():\n    return 'old'\n")).awaitReady(2)) {
      assertThat(text(tested, "mine:f")).isEqualTo("old");
      module("def f():\n    return 'changed'\n");
      assertThat(text(tested, "mine:f")).isEqualTo("old");

      tested.pool().reset();
      while (tested.eventsOf(PoolEvent.WorkerGone.class).size() < 2) {
        assertThat(text(tested, "mine:f")).isIn("old", "changed");
      }

      for (int i = 0; i < 20; i++) {
        assertThat(text(tested, "mine:f")).isEqualTo("changed");
      }
    }
  }

  @Test
  void row31_aResetReplacesASuccessorTooThatHasStartedBefore() throws IOException {
    String settings = module("def f():\n    return 'first'\n").replace("preload", "imports");
    try (var tested = TestPool.start(settings).awaitReady(2)) {
      module(
          "import pathlib, time\n"
              + "here = pathlib.Path(__file__).parent\n"
              + "(here / 'seen').touch()\n"
              + "while not (here / 'go').exists():\n    time.sleep(0.005)\n"
              + "def f():\n    return 'second'\n");
      tested.pool().reset();
      await().until(() -> Files.exists(directory.resolve("seen")));
      module("def f():\n    return 'the third'\n");
      tested.pool().reset();
      Files.createFile(directory.resolve("go"));

      // Each slot once, and the one whose successor was under way twice.
      tested.awaitEvents(PoolEvent.WorkerGone.class, 3);
      for (int i = 0; i < 20; i++) {
        assertThat(text(tested, "mine:f")).isEqualTo("the third");
      }
    }
  }

  @Test
  void threadsAfterTheImportMakeEveryWorkerImportByItself() throws IOException {
    String threads =
        "import threading\n"
            + "threading.Thread(target=threading.Event().wait, daemon=True).start()\n";
    try (var tested = TestPool.start(module(threads + IMPORTER)).awaitReady(2)) {
      Set<Long> importers = new HashSet<>();
      for (int i = 0; i < 200 && importers.size() < 2; i++) {
        CompletableFuture<?> busy =
            tested.pool().call(Call.of("targets:sleep", 0.02)).toCompletableFuture();
        importers.add(template(tested, "mine:importer"));
        get(busy);
      }

      assertThat(importers).isSubsetOf(pids(tested));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "no_such_module, No module named 'no_such_module'",
    "broken_import, 'broken_import.py\", line 3'",
    "missing_dependency, 'missing_dependency.py\", line 3'"
  })
  void row07_aModuleThatCannotBeImportedIsNamedWithItsSetting(String module, String shown) {
    try (var tested = TestPool.start("preload = [" + module + "]")) {
      PythonFailure failure = failureOf(tested.pool().call(Call.of("math:sqrt", 4)));

      assertThat(failure)
          .isInstanceOf(StartFailed.class)
          .hasMessageContaining(module)
          .hasMessageContaining("'preload'")
          .hasMessageContaining(shown);
      assertThat(((StartFailed) failure).kind()).isEqualTo(StartFailed.Kind.IMPORT);
      tested.awaitEvent(PoolEvent.CircuitOpened.class, opened -> true);
      assertThat(tested.pool().status()).isEqualTo(PoolStatus.BROKEN);
    }
  }

  @Test
  void row40_aPoolHealsWhenThePreloadedModuleDoes() throws IOException {
    String settings = module("raise ValueError('not yet')\n");
    try (var tested = TestPool.start(settings, "restart.backoff-max = 200ms")) {
      failureOf(tested.pool().call(Call.of("math:sqrt", 4)));
      module("def f():\n    return 'healed'\n");
      tested.awaitEvent(PoolEvent.CircuitClosed.class, closed -> true);

      assertThat(text(tested, "mine:f")).isEqualTo("healed");
    }
  }

  @Test
  void row38_anImportThatHangsIsStoppedAtTheStartTimeout() {
    try (var tested =
        TestPool.start(
            "preload = [hanging_import], timeouts.start = 300ms, restart.backoff-min = 50ms")) {
      PythonFailure failure = failureOf(tested.pool().call(Call.of("math:sqrt", 4)));

      assertThat(failure).isInstanceOf(NoCapacity.class).hasMessageContaining("TIMEOUT");
    }
  }

  @Test
  void aTemplateThatIsKilledIsReplacedAndItsWorkersGoOn() throws IOException {
    try (var tested = TestPool.start(module(IMPORTER)).awaitReady(2)) {
      long template = template(tested, "mine:importer");
      List<Long> before = pids(tested);

      ProcessHandle.of(template).orElseThrow().destroyForcibly();
      FaultsTest.awaitDead(template);
      assertThat(pids(tested)).isEqualTo(before);
      failureOf(tested.pool().call(Call.of("targets:kill_self", 9)));
      tested.awaitEvents(PoolEvent.WorkerReady.class, 3);

      assertThat(tested.eventsOf(PoolEvent.WorkerGone.class)).hasSize(1);
      assertThat(before).anyMatch(FaultsTest::isAlive);
    }
  }

  @Test
  void aDaemonOfAForkedWorkerDiesWithIt() {
    try (var tested = TestPool.start("preload = [targets]").awaitReady(2)) {
      var checkout = get(tested.pool().checkout());
      long daemon = get(checkout.call(Call.of("targets:orphan_child", 60))).as(Long.class);
      assertThat(FaultsTest.isAlive(daemon)).isTrue();

      failureOf(checkout.call(Call.of("targets:exit_now", 1)));

      FaultsTest.awaitDead(daemon);
    }
  }

  @Test
  void freshInterpretersImportThemThemselves() throws IOException {
    try (var tested = TestPool.start(module(IMPORTER), "start-method = fresh").awaitReady(2)) {
      assertThat(pids(tested)).contains(template(tested, "mine:importer"));
    }
  }

  @Test
  void preloadingNumPyLeavesAForkableTemplate() {
    try (var tested = TestPool.start("preload = [numpy]")) {
      PythonFailure missing = null;
      try {
        get(tested.pool().call(Call.of("numpy:isscalar", 1)));
      } catch (StartFailed | UnknownTarget failure) {
        missing = failure;
      }
      assumeTrue(missing == null, "this Python has no NumPy");
      long parent = get(tested.pool().call(Call.of("os:getppid"))).as(Long.class);

      assertThat(
              ProcessHandle.of(parent)
                  .orElseThrow()
                  .children()
                  .flatMap(child -> child.info().arguments().stream())
                  .filter(arguments -> List.of(arguments).contains("worker")))
          .as("fresh interpreters")
          .isEmpty();
    }
  }
}
