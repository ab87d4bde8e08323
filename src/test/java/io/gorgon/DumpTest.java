package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure.Draining;
import io.gorgon.message.PythonFailure.NoDump;
import io.gorgon.message.WorkerId;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchService;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The stacks of workers that are busy, stuck, idle, stopped or gone. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class DumpTest {

  @TempDir Path directory;

  private static TestPool one(String... more) {
    return TestPool.start(
            String.join("\n", "min-workers = 1, max-workers = 1", String.join("\n", more)))
        .awaitReady(1);
  }

  private static WorkerId worker(TestPool pool) {
    return pool.awaitEvent(PoolEvent.WorkerReady.class, any -> true).worker();
  }

  private static String dump(TestPool pool) {
    return get(pool.pool().dump(worker(pool)));
  }

  /** Tells of new files; to be made before they are. */
  private record Creations(WatchService watch) implements AutoCloseable {

    Creations(Path directory) throws IOException {
      this(directory.getFileSystem().newWatchService());
      directory.register(watch, StandardWatchEventKinds.ENTRY_CREATE);
    }

    void await(Path file) throws InterruptedException {
      if (!Files.exists(file)) {
        assertThat(watch.poll(20, TimeUnit.SECONDS)).as("%s is made", file).isNotNull();
      }
    }

    @Override
    public void close() throws IOException {
      watch.close();
    }
  }

  /** Runs a function of {@code stuck.py}, and returns when Python is there. */
  private RunningCall begin(TestPool pool, String function, Object... more) throws Exception {
    Path begun = directory.resolve(function);
    Object[] arguments =
        Stream.concat(Stream.of(begun.toString()), Stream.of(more)).toArray(Object[]::new);
    try (var creations = new Creations(directory)) {
      RunningCall running = pool.pool().call(Call.of("stuck:" + function, arguments));
      creations.await(begun);
      return running;
    }
  }

  @ParameterizedTest
  @CsvSource({
    "in_python, _touch_and_turn, fork",
    "in_c, in_c, fork",
    "in_c_without_lock, in_c_without_lock, fork",
    "in_python, _touch_and_turn, fresh",
    "in_c, in_c, fresh"
  })
  void aBusyWorkerTellsWhereItIs(String function, String frame, String method) throws Exception {
    try (var pool = one("start-method = " + method)) {
      begin(pool, function);

      String stacks = dump(pool);

      assertThat(stacks).contains("stuck.py").containsPattern("line \\d+ in " + frame);
      assertThat(stacks).endsWith("\n").contains("Current thread 0x");
      assertThat(dump(pool)).hasLineCount((int) stacks.lines().count());
    }
  }

  @Test
  void aWorkerThatWasForkedFromATemplateTellsItsOwnStacks() throws Exception {
    try (var pool = one("preload = [\"stuck\"]")) {
      begin(pool, "in_c");

      assertThat(dump(pool)).containsPattern("stuck.py\", line \\d+ in in_c");
    }
  }

  @Test
  void anIdleWorkerTellsThatItWaitsAndGoesOn() {
    try (var pool = one()) {
      assertThat(dump(pool)).contains("_worker.py", "in serve");
      assertThat(get(pool.pool().call(Call.of("targets:echo", 1))).as(Integer.class)).isEqualTo(1);
      assertThat(dump(pool)).contains("in serve");
      assertThat(pool.eventsOf(PoolEvent.WorkerGone.class)).isEmpty();
    }
  }

  @Test
  void aCallThatIsLookedAtEndsAsItWouldHave() {
    try (var pool = one()) {
      RunningCall call = pool.pool().call(Call.of("targets:sleep", 0.5));

      assertThat(dump(pool)).contains("Current thread 0x");
      assertThat(get(call).as(String.class)).isNotBlank();
    }
  }

  @Test
  void allThreadsAreTold() throws Exception {
    try (var pool = one()) {
      begin(pool, "in_threads", 20);

      String stacks = dump(pool);

      assertThat(stacks.lines().filter(line -> line.contains("hread 0x"))).hasSize(21);
      assertThat(stacks).contains("in in_threads", "in _nap");
    }
  }

  @Test
  void aWorkerThatHangsInAnImportIsLookedAtBeforeItIsReady() throws Exception {
    Path begun = directory.resolve("importing");
    try (var creations = new Creations(directory);
        var pool =
            TestPool.start(
                "min-workers = 1, max-workers = 1, imports = [\"announced_import\"]",
                "environment { ANNOUNCED_IMPORT = \"" + begun + "\" }")) {
      creations.await(begun);

      assertThat(get(pool.pool().dump(new WorkerId(pool.pool().name(), 0, 1))))
          .containsPattern("announced_import.py\", line \\d+ in <module>");
    }
  }

  @Test
  void aStoppedWorkerIsSilentAndWhoAsksIsToldSo() throws Exception {
    try (var pool = one("call-timeout = 30s")) {
      begin(pool, "stop");
      Path stat =
          Path.of(
              "/proc",
              Long.toString(pool.awaitEvent(PoolEvent.WorkerReady.class, any -> true).pid()),
              "stat");
      await().until(() -> Files.readString(stat).contains(") T "));

      var failure = (NoDump) failureOf(pool.pool().dump(worker(pool)));

      assertThat(failure.reason()).isEqualTo(NoDump.Reason.SILENT);
      assertThat(failure.retryable()).isTrue();
    }
  }

  @Test
  void aWorkerThatIsGoneIsTold() {
    try (var pool = one()) {
      WorkerId before = worker(pool);
      failureOf(pool.pool().call(Call.of("targets:exit_now", 3)));

      var failure = (NoDump) failureOf(pool.pool().dump(before));

      assertThat(failure.reason()).isEqualTo(NoDump.Reason.GONE);
      assertThat(failure.worker()).isEqualTo(before);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"another", ""})
  void aWorkerThatNeverWasIsTold(String name) {
    try (var pool = one()) {
      var never =
          name.isEmpty()
              ? new WorkerId(pool.pool().name(), 7, 1)
              : new WorkerId(name, worker(pool).slot(), worker(pool).generation());

      assertThat(failureOf(pool.pool().dump(never))).isInstanceOf(NoDump.class);
    }
  }

  @Test
  void aPoolThatHasStoppedSaysSo() {
    try (var pool = one()) {
      WorkerId worker = worker(pool);
      get(pool.pool().drain(Duration.ZERO));

      assertThat(failureOf(pool.pool().dump(worker))).isInstanceOf(Draining.class);
    }
  }

  @Test
  void whoAsksAtOnceGetsTheSame() {
    try (var pool = one()) {
      var first = pool.pool().dump(worker(pool));
      var second = pool.pool().dump(worker(pool));

      assertThat(get(second)).isEqualTo(get(first));
    }
  }

  @Test
  void aChildOfTheUsersDoesNotWriteIntoTheDump() {
    try (var pool = one()) {
      assertThat(get(pool.pool().call(Call.of("stuck:signal_child"))).as(String.class))
          .isEqualTo("well");

      assertThat(dump(pool)).contains("in serve").doesNotContain("signal_child");
    }
  }
}
