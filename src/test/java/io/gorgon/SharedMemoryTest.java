package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.type.TypeReference;
import io.gorgon.connection.SharedFigures;
import io.gorgon.message.Attachment;
import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Reply;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import io.gorgon.stream.JavaSource;
import io.gorgon.tool.Tools;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.Source;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Big arrays travel in memory that both sides share, and nobody ever sees another's. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class SharedMemoryTest {

  static final int MEBI = 1 << 20;

  TestPool tested;
  PythonPool pool;

  /** What makes this pool different. */
  String setting() {
    return "";
  }

  /** Whether other calls run in the worker that is killed for one. */
  boolean neighboursGoDownWithACall() {
    return false;
  }

  @BeforeEach
  void start() {
    start("min-workers = 1", "max-workers = 1");
  }

  private void start(String... settings) {
    List<String> all = new ArrayList<>(List.of(settings));
    all.add(setting());
    tested = TestPool.start(all.toArray(new String[0]));
    pool = tested.pool();
  }

  void restart(String... settings) {
    tested.close();
    start(settings);
  }

  @AfterEach
  void stop() {
    tested.close();
  }

  static Attachment array(int size, int fill) {
    var bytes = new byte[size];
    Arrays.fill(bytes, (byte) fill);
    return Attachment.of(bytes);
  }

  private static Attachment random(int size, long seed) {
    var bytes = new byte[size];
    new Random(seed).nextBytes(bytes);
    return Attachment.of(bytes);
  }

  Reply call(String function, Object... arguments) {
    return pool.call(Call.of("shared:" + function, arguments)).join();
  }

  /** Without NumPy, a memoryview of bytes comes back as bytes. */
  static byte[] bytes(Reply reply) {
    Object value = reply.value();
    return value instanceof Attachment array ? array.toByteArray() : (byte[]) value;
  }

  private byte[] echo(Attachment array) {
    return bytes(call("echo", array));
  }

  SharedFigures figures() {
    return tested.stats().shared();
  }

  /** The first one of a size goes inline, and has memory made for those that follow. */
  void warmUp(int size) {
    until(() -> call("where", array(size, 1)).as(Boolean.class));
  }

  void warmUpResults(int size) {
    until(
        () -> {
          long before = figures().inline();
          call("fresh", size, 1);
          return figures().inline() == before;
        });
  }

  static void until(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited too long").isLessThan(end);
    }
  }

  static long mappings() {
    try (var lines = Files.lines(Path.of("/proc/self/maps"))) {
      return lines.filter(line -> line.contains("memfd:gorgon")).count();
    } catch (IOException unreadable) {
      throw new AssertionError(unreadable);
    }
  }

  /** What the process that makes the memory holds open. */
  long kept() throws IOException {
    long keeper =
        ProcessHandle.of(tested.stats().workers().get(0).pid())
            .flatMap(ProcessHandle::parent)
            .orElseThrow()
            .pid();
    try (var files = Files.list(Path.of("/proc/" + keeper + "/fd"))) {
      return files.filter(SharedMemoryTest::isMemory).count();
    }
  }

  private static boolean isMemory(Path link) {
    try {
      return Files.readSymbolicLink(link).toString().contains("memfd:gorgon");
    } catch (IOException gone) {
      return false;
    }
  }

  // ---- values

  @Test
  void bigArraysAreSharedInPlaceAndSmallOnesAreNot() {
    warmUp(MEBI);

    assertThat(call("where", array(1_000, 1)).as(Boolean.class)).isFalse();
    Attachment array = random(MEBI, 1);
    long made = figures().made();
    for (int i = 0; i < 20; i++) {
      assertThat(echo(array)).isEqualTo(array.toByteArray());
    }
    assertThat(figures().made()).isEqualTo(made);
    assertThat(figures().retired()).isZero();
  }

  @Test
  void viewsAndChangesInPlaceComeBackAsTheyAre() {
    warmUp(MEBI);
    byte[] values = random(MEBI, 2).toByteArray();
    Attachment array = Attachment.of(values);

    assertThat(bytes(call("part", array, 100_000, 300_000)))
        .isEqualTo(Arrays.copyOfRange(values, 100_000, 300_000));
    assertThat(bytes(call("part", array, 7, 107))).isEqualTo(Arrays.copyOfRange(values, 7, 107));
    byte[] added = bytes(call("add", Attachment.of(Arrays.copyOf(values, 70_000)), 3));
    for (int i = 0; i < added.length; i++) {
      added[i] -= 3;
    }
    assertThat(added).isEqualTo(Arrays.copyOf(values, 70_000));
    assertThat(array.toByteArray()).isEqualTo(values);
    assertThat(figures().retired()).isZero();
  }

  @Test
  void severalArraysOfOneCallShareASegment() {
    Attachment first = random(300_000, 3);
    Attachment second = random(70_001, 4);
    List<Object> all = List.of(first, Attachment.of(new byte[] {1}), second);

    for (int i = 0; i < 5; i++) {
      List<Object> back = call("echo", all).as(new TypeReference<List<Object>>() {});
      assertThat(asBytes(back.get(0))).isEqualTo(first.toByteArray());
      assertThat(asBytes(back.get(1))).isEqualTo(new byte[] {1});
      assertThat(asBytes(back.get(2))).isEqualTo(second.toByteArray());
    }
  }

  static byte[] asBytes(Object value) {
    return value instanceof Attachment array ? array.toByteArray() : (byte[]) value;
  }

  @Test
  void bytesAndResultsAreSharedToo() {
    warmUpResults(MEBI);
    byte[] bytes = random(MEBI, 5).toByteArray();

    for (int i = 0; i < 20; i++) {
      assertThat(bytes(call("fresh", MEBI, i))).isEqualTo(array(MEBI, i).toByteArray());
      assertThat(bytes(call("echo", bytes))).isEqualTo(bytes);
    }
    assertThat(figures().retired()).isZero();
  }

  @Test
  void asyncFunctionsAndFailuresGiveTheirMemoryBack() {
    warmUp(MEBI);
    Attachment array = random(MEBI, 6);

    for (int i = 0; i < 10; i++) {
      assertThat(bytes(call("echo_later", array))).isEqualTo(array.toByteArray());
      assertThat(failureOf(pool.call(Call.of("shared:fail", array))))
          .hasMessageContaining("of 1048576 bytes");
    }
    assertThat(figures().retired()).isZero();
  }

  @Test
  void chunksOfStreamsComeWhole() {
    List<byte[]> seen =
        get(
            pool.stream(Call.of("shared:chunks", 40, 200_000))
                .map(chunk -> chunk.as(byte[].class))
                .runWith(Sink.seq(), tested.system()));

    assertThat(seen).hasSize(40);
    for (int i = 0; i < 40; i++) {
      assertThat(seen.get(i)).isEqualTo(array(200_000, i).toByteArray());
    }
  }

  @Test
  void whatPythonGivesAToolComesWhole() {
    pool.offer(Tools.NONE.with("same", call -> call.argument(0, byte[].class)));
    for (int i = 0; i < 5; i++) {
      assertThat(call("call_host", MEBI).value()).isEqualTo(MEBI);
    }
  }

  @Test
  void whatAToolGivesIsSharedAndUsedAgainWhileItsCallRuns() {
    pool.offer(Tools.NONE.with("array", call -> array(200_000, call.argument(0, Integer.class))));
    for (int i = 0; i < 3; i++) {
      Reply reply = call("of_host", 60);
      List<Object> back = reply.as(new TypeReference<List<Object>>() {});
      assertThat((Integer) back.get(0)).isGreaterThan(i == 0 ? 0 : 55);
      assertThat(asBytes(back.get(1))).isEqualTo(array(200_000, 59).toByteArray());
    }
    assertThat(figures().made()).isLessThan(8);
    assertThat(figures().retired()).isZero();
  }

  private JavaSource arrays(int count) {
    return JavaSource.of(Source.range(0, count - 1).map(number -> array(70_000, number)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"of_source", "of_source_async"})
  void elementsOfAJavaSourceAreSharedAndPinNothing(String function) {
    call(function, arrays(100));
    long inline = figures().inline();
    int[] seen = call(function, arrays(3_000)).as(int[].class);

    assertThat(seen[0]).isEqualTo(3_000);
    assertThat(3_000 - seen[1]).isEqualTo(figures().inline() - inline); // while some were made
    assertThat(seen[1]).isGreaterThan(1_500);
    assertThat(figures().made()).isLessThan(40); // two windows of 16 at most
    assertThat(figures().retired()).isZero();
    until(() -> figures().free() == figures().segments());
  }

  @Test
  void elementsThatUserCodeKeepsAreNeverWrittenToAgain() {
    int[] seen = call("of_source", arrays(500), 20).as(int[].class);
    assertThat(seen[0]).isEqualTo(500);
    call("of_source", arrays(500));

    assertThat(call("strange").as(Integer.class)).isZero();
    assertThat(figures().retired()).isPositive();
    call("release");
    until(() -> call("mappings").as(Integer.class) <= figures().segments());
  }

  @Test
  void elementsThatCameAndWereNotTakenAreGivenBack() {
    call("of_source", arrays(100));
    for (int i = 0; i < 50; i++) {
      assertThat(call("first_of_source", arrays(100)).as(Integer.class)).isZero();
    }
    // What came behind the answer was not read any more.
    assertThat(figures().segments()).isLessThan(64);
    until(() -> figures().free() == figures().segments());
    until(() -> call("mappings").as(Integer.class) <= figures().segments());
  }

  // ---- whose memory it is

  @Test
  void callersOfAllSizesAtOnceSeeTheirOwnOnly() {
    restart("min-workers = 2", "max-workers = 2");
    List<CompletableFuture<Void>> callers = new ArrayList<>();
    for (int caller = 0; caller < 8; caller++) {
      long seed = caller;
      callers.add(
          CompletableFuture.runAsync(
              () -> {
                var random = new Random(seed);
                for (int i = 0; i < 60; i++) {
                  Attachment array = random(60_000 + random.nextInt(MEBI), random.nextLong());
                  assertThat(echo(array)).isEqualTo(array.toByteArray());
                  int fill = random.nextInt(256);
                  int size = 60_000 + random.nextInt(MEBI);
                  assertThat(bytes(call("fresh", size, fill)))
                      .isEqualTo(array(size, fill).toByteArray());
                }
              }));
    }
    callers.forEach(TestPool::get);
    assertThat(figures().retired()).isZero();
  }

  @Test
  void whatUserCodeKeepsIsNeverWrittenToAgain() {
    warmUp(200_000);

    for (int i = 1; i <= 5; i++) {
      assertThat(call("keep", array(200_000, i)).as(Integer.class)).isEqualTo(i);
      assertThat(bytes(call("keep_and_give", array(200_000, i + 10))))
          .isEqualTo(array(200_000, i + 10).toByteArray());
      warmUp(200_000);
    }
    for (int i = 0; i < 50; i++) {
      echo(array(200_000, 99));
    }
    assertThat(call("kept").as(int[][].class))
        .isEqualTo(new int[][] {{1}, {11}, {2}, {12}, {3}, {13}, {4}, {14}, {5}, {15}});
    assertThat(figures().retired()).isPositive();
    assertThat(figures().segments()).isLessThan(5);
    call("let_go");
    until(() -> call("mappings").as(Integer.class) <= figures().segments());
  }

  @Test
  void aCallThatWasGivenUpMayGoOnWritingAndHarmsNobody() {
    restart(
        "min-workers = 2",
        "max-workers = 2",
        "timeouts.cancel-grace = 50ms",
        "timeouts.interrupt-grace = 150ms");
    for (int round = 0; round < 4; round++) {
      warmUp(200_000);
      RunningCall scribbling =
          pool.call(
              Call.of("shared:scribble", array(200_000, 1), 30, 66)
                  .withTimeout(Duration.ofMillis(round % 2 == 0 ? 100 : 5_000)));
      if (round % 2 == 1) {
        until(() -> tested.stats().workers().stream().anyMatch(worker -> worker.running()));
        scribbling.cancel();
      }
      assertThat(failureOf(scribbling))
          .isInstanceOfAny(PythonFailure.DeadlineExceeded.class, PythonFailure.Cancelled.class);
      for (int i = 0; i < 60; i++) {
        try {
          assertThat(echo(array(200_000, i % 60))).isEqualTo(array(200_000, i % 60).toByteArray());
        } catch (PythonFailure.WorkerLost lost) {
          assertThat(neighboursGoDownWithACall()).isTrue();
        }
      }
    }
  }

  @Test
  void aChildThatUserCodeForkedKeepsTheSegmentToItself() {
    warmUp(200_000);
    long before = figures().retired();

    int child = call("fork_and_scribble", array(200_000, 1), 66).as(Integer.class);
    for (int i = 0; i < 100; i++) {
      assertThat(echo(array(200_000, 7))).isEqualTo(array(200_000, 7).toByteArray());
    }
    assertThat(figures().retired()).isGreaterThan(before);
    ProcessHandle.of(child).ifPresent(ProcessHandle::destroyForcibly);
  }

  // ---- bounds

  @Test
  void nothingGrowsInTenThousandCalls() throws IOException {
    warmUp(70_000);
    warmUpResults(70_000);
    warmUp(70_000); // the worker may have taken the first one for its results
    Attachment array = random(70_000, 8);
    byte[] values = array.toByteArray();
    SharedFigures before = figures();
    long mapped = mappings();
    long open = kept();

    for (int i = 0; i < 5_000; i++) {
      assertThat(echo(array)).isEqualTo(values);
      call("fresh", 70_000, 1);
    }

    assertThat(figures()).isEqualTo(before);
    assertThat(mappings()).isLessThanOrEqualTo(mapped); // less where old ones were collected
    assertThat(kept()).isEqualTo(open);
    assertThat(call("mappings").as(Integer.class)).isLessThanOrEqualTo(before.segments());
  }

  @Test
  void nothingIsLeftOfThoseThatDied() throws IOException {
    restart("min-workers = 1", "max-workers = 1", "restart.budget = 1000");
    for (int i = 0; i < 12; i++) {
      warmUp(300_000);
      assertThat(failureOf(pool.call(Call.of("shared:kill_self", array(300_000, i)))))
          .isInstanceOf(PythonFailure.WorkerLost.class);
      tested.awaitEvents(PoolEvent.WorkerReady.class, i + 2);
    }
    warmUp(300_000);

    assertThat(figures().segments()).isLessThan(4);
    assertThat(figures().free()).isEqualTo(figures().segments());
    assertThat(kept()).isEqualTo(figures().segments() + 1); // one is for workers to try
    until(
        () -> {
          System.gc();
          return mappings() <= figures().segments() + 2; // of tests before
        });
  }

  @Test
  void beyondTheLimitBigArraysTakeTheSocket() {
    restart("min-workers = 1", "max-workers = 1", "shared-memory.limit = 512KiB");
    warmUp(200_000);
    Attachment array = random(MEBI, 9);

    for (int i = 0; i < 5; i++) {
      assertThat(echo(array)).isEqualTo(array.toByteArray());
      assertThat(call("where", array).as(Boolean.class)).isFalse();
    }
    assertThat(figures().bytes()).isLessThanOrEqualTo(512 * 1024);
    warmUp(400_000); // takes the room of the smaller ones, which nobody uses
    assertThat(figures().bytes()).isLessThanOrEqualTo(512 * 1024);
  }

  @Test
  void aLimitOfZeroSwitchesItOff() throws IOException {
    restart("min-workers = 1", "max-workers = 1", "shared-memory.limit = 0");
    Attachment array = random(MEBI, 10);

    for (int i = 0; i < 3; i++) {
      assertThat(echo(array)).isEqualTo(array.toByteArray());
      assertThat(call("where", array).as(Boolean.class)).isFalse();
    }
    assertThat(figures()).isEqualTo(SharedFigures.NONE);
    assertThat(kept()).isEqualTo(1);
  }

  // ---- loans

  private Reply borrow(String function, Object... arguments) {
    Reply[] last = new Reply[1];
    until(
        () -> {
          last[0] = pool.call(Call.of("shared:" + function, arguments).borrowing()).join();
          if (!last[0].isBorrowed()) {
            last[0].close();
          }
          return last[0].isBorrowed();
        });
    return last[0];
  }

  @Test
  void aBorrowedArrayIsThereUntilItsReplyIsClosed() {
    warmUp(MEBI);
    warmUpResults(MEBI);
    Attachment array = random(MEBI, 11);
    borrow("echo", array).close();
    SharedFigures before = figures();
    try (Reply reply = borrow("part", array, 0, MEBI)) {
      for (int i = 0; i < 20; i++) {
        echo(array(MEBI, i));
      }
      assertThat(bytes(reply)).isEqualTo(array.toByteArray());
    }
    SharedFigures after = figures();
    assertThat(after.retired()).isZero();
    assertThat(after.segments() - after.free()).isEqualTo(before.segments() - before.free());
  }

  @Test
  void aClosedReplyGivesNothingOutAnyMore() {
    Attachment sent = Attachment.of(new double[100_000], 10, 10_000);
    warmUp(800_000);
    Reply reply = borrow("echo", sent);
    Attachment lent = reply.as(Attachment.class);
    if (lent == null) {
      throw new AssertionError("no array");
    }
    assertThat(lent).isEqualTo(sent);

    reply.close();
    reply.close();

    assertThatThrownBy(lent::buffer)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("reply is closed");
    assertThatThrownBy(lent::toDoubleArray).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> reply.as(Attachment.class))
        .isInstanceOf(PythonFailure.NotSerializable.class)
        .hasMessageContaining("closed");
  }

  @Test
  void aBorrowedArrayOutlivesItsWorker() {
    warmUp(MEBI);
    byte[] values = random(MEBI, 12).toByteArray();
    try (Reply reply = borrow("echo", Attachment.of(values));
        Reply made = borrow("fresh", MEBI, 5)) {
      assertThat(failureOf(pool.call(Call.of("shared:kill_self", array(MEBI, 1)))))
          .isInstanceOf(PythonFailure.WorkerLost.class);
      tested.awaitEvents(PoolEvent.WorkerReady.class, 2);
      warmUp(MEBI);
      for (int i = 0; i < 20; i++) {
        echo(array(MEBI, i));
        call("fresh", MEBI, i);
      }

      assertThat(bytes(reply)).isEqualTo(values);
      assertThat(bytes(made)).isEqualTo(array(MEBI, 5).toByteArray());
    }
  }

  @Test
  void aReplyThatIsForgottenCostsItsMemoryAndNoMore() {
    warmUp(MEBI);
    ByteBuffer view = forgottenView();

    until(
        () -> {
          System.gc();
          return figures().retired() > 0;
        });
    warmUp(MEBI);
    for (int i = 0; i < 10; i++) {
      echo(array(MEBI, i));
    }

    byte[] seen = new byte[view.remaining()];
    view.get(seen);
    assertThat(seen).isEqualTo(array(MEBI, 77).toByteArray());
  }

  private ByteBuffer forgottenView() {
    Reply reply = borrow("echo", array(MEBI, 77));
    return reply.payload().attachments().get(0).duplicate();
  }

  @Test
  void whatUserCodeKeepsIsNotLent() {
    warmUp(MEBI);

    Reply reply = pool.call(Call.of("shared:keep_and_give", array(MEBI, 3)).borrowing()).join();

    assertThat(reply.isBorrowed()).isFalse();
    assertThat(bytes(reply)).isEqualTo(array(MEBI, 3).toByteArray());
  }

  @Test
  void theAnswerOfACancelledLoanIsGivenBack() {
    warmUp(MEBI);
    for (int i = 0; i < 30; i++) {
      RunningCall call = pool.call(Call.of("shared:echo", array(MEBI, i)).borrowing());
      if (!call.cancel()) {
        call.join().close();
      } else {
        assertThat(failureOf(call)).isInstanceOf(PythonFailure.Cancelled.class);
      }
    }
    echo(array(MEBI, 1));
    until(() -> figures().free() >= figures().segments() - 1);
  }
}
