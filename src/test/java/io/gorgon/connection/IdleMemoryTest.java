package io.gorgon.connection;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Attachment;
import io.gorgon.message.Call;
import io.gorgon.message.Payload;
import io.gorgon.message.Values;
import io.gorgon.message.WorkerId;
import io.gorgon.pool.PoolSettings;
import io.gorgon.process.Keeper;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import io.gorgon.wire.Frame;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Shared memory that nobody has used for a while is given back, on both sides. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class IdleMemoryTest implements Connection.Listener {

  private static final int SIZE = 1 << 20;
  private static final long IDLE = TimeUnit.SECONDS.toNanos(SharedMemory.IDLE_SECONDS);

  private final ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "idle");
  private final BlockingQueue<Frame> frames = new LinkedBlockingQueue<>();
  private final CompletableFuture<Connection.Ready> ready = new CompletableFuture<>();
  private final CompletableFuture<Connection.Closed> closed = new CompletableFuture<>();
  private Keeper keeper;
  private SharedMemory memory;
  private Connection connection;
  private long request;

  @BeforeEach
  void start() {
    PoolSettings settings = TestPool.settings(system, "idle");
    keeper = new Keeper("idle", settings.python(), settings.worker().startTimeout(), 0);
    memory = new SharedMemory(keeper, 64 * 1024, 1 << 28);
    connection =
        SocketConnection.start(
            new WorkerId("idle", 0, 1),
            keeper,
            settings.launch(),
            system
                .dispatchers()
                .lookup(DispatcherSelector.fromConfig("gorgon.blocking-dispatcher")),
            memory,
            this);
    ready.orTimeout(20, TimeUnit.SECONDS).join();
  }

  @AfterEach
  void stop() {
    connection.kill();
    closed.orTimeout(20, TimeUnit.SECONDS).join();
    memory.close();
    keeper.close();
    keeper.awaitClosed();
    system.terminate();
  }

  @Override
  public void onReady(Connection.Ready told) {
    ready.complete(told);
  }

  @Override
  public void onFrame(Frame frame) {
    frames.add(frame);
  }

  @Override
  public long onPause() {
    return 0;
  }

  @Override
  public void onClosed(Connection.Closed told) {
    closed.complete(told);
  }

  private Payload call(String function, Object... arguments) {
    request++;
    Call call = Call.of("shared:" + function, arguments);
    Payload payload = Values.encodeRequest(call, "call-" + request);
    connection.send(List.of(Frame.of(Frame.Kind.REQUEST, request, payload)));
    try {
      Frame frame = Objects.requireNonNull(frames.poll(20, TimeUnit.SECONDS));
      assertThat(frame.kind()).isEqualTo(Frame.Kind.RESULT);
      return frame.payload();
    } catch (InterruptedException interrupted) {
      throw new AssertionError(interrupted);
    }
  }

  private ByteBuffer echo(Attachment array) {
    return call("echo", array).attachments().get(0);
  }

  private static Attachment array(int fill) {
    var bytes = new byte[SIZE];
    Arrays.fill(bytes, (byte) fill);
    return Attachment.of(bytes);
  }

  private static void until(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited too long").isLessThan(end);
    }
  }

  /** Until a segment for arguments and one for results is there. */
  private void warmUp() {
    until(
        () -> {
          long before = memory.figures().inline();
          echo(array(1));
          call("fresh", SIZE, 1);
          return memory.figures().inline() == before && memory.figures().segments() >= 2;
        });
  }

  /** The inodes of what the keeper has open, as in the maps of processes. */
  private Set<String> segments() {
    long pid = ready.join().pid();
    long parent = ProcessHandle.of(pid).flatMap(ProcessHandle::parent).orElseThrow().pid();
    try (var files = Files.list(Path.of("/proc/" + parent + "/fd"))) {
      Set<String> inodes = new HashSet<>();
      for (Path file : files.toList()) {
        if (Files.readSymbolicLink(file).toString().contains("memfd:gorgon")) {
          inodes.add(Files.getAttribute(file, "unix:ino").toString());
        }
      }
      return inodes;
    } catch (IOException unreadable) {
      throw new AssertionError(unreadable);
    }
  }

  /** Bytes of segments that take memory as this process sees it. */
  private static long resident(Set<String> inodes) {
    try {
      long kilobytes = 0;
      boolean shared = false;
      for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
        if (line.matches("[0-9a-f]+-.*")) {
          shared = inodes.contains(line.split(" +")[4]);
        } else if (shared && line.startsWith("Pss:")) {
          kilobytes += Long.parseLong(line.replaceAll("\\D", ""));
        }
      }
      return kilobytes * 1024;
    } catch (IOException unreadable) {
      throw new AssertionError(unreadable);
    }
  }

  @Test
  void whatIsUsedStays() {
    warmUp();
    SharedFigures before = memory.figures();
    memory.tend(System.nanoTime());
    memory.tend(System.nanoTime() + IDLE / 2);
    warmUp();

    assertThat(memory.figures()).isEqualTo(before);
  }

  @Test
  void whatNobodyHasUsedForAWhileIsReleasedOnBothSidesAtOnce() {
    warmUp();
    Set<String> segments = segments();
    assertThat(resident(segments)).isGreaterThanOrEqualTo(SIZE);
    until(
        () -> {
          memory.tend(System.nanoTime() + IDLE);
          call("echo", 1);
          return memory.figures().segments() == 0;
        });

    assertThat(memory.figures().bytes()).isZero();
    assertThat(memory.figures().retired()).isZero();
    until(() -> new String(call("mappings").body(), StandardCharsets.UTF_8).equals("0"));
    // The JVM has it mapped until its next collection; the pages are the system's before.
    until(() -> resident(segments) == 0);
    assertThat(segments()).hasSize(1); // for workers to try

    warmUp();
    ByteBuffer back = echo(array(77));
    assertThat(back.remaining()).isEqualTo(SIZE);
    assertThat(back.get(SIZE / 2)).isEqualTo((byte) 77);
  }

  @Test
  void nothingIsTakenFromUnderACallHoweverOftenItIsTried() {
    warmUp();
    var enough = new AtomicBoolean();
    var tending =
        CompletableFuture.runAsync(
            () -> {
              while (!enough.get()) {
                memory.tend(System.nanoTime() + IDLE);
              }
            });
    try {
      for (int i = 0; i < 2_000; i++) {
        ByteBuffer fresh = call("fresh", SIZE / 4, i % 256).attachments().get(0);
        assertThat(fresh.get(0)).isEqualTo((byte) i);
        assertThat(fresh.get(SIZE / 4 - 1)).isEqualTo((byte) i);
        assertThat(echo(array(i)).get(SIZE / 2)).isEqualTo((byte) i);
      }
    } finally {
      enough.set(true);
    }
    tending.join();
    assertThat(memory.figures().retired()).isZero();
    assertThat(memory.figures().made()).isGreaterThan(2);
  }

  @Test
  void arraysThatUserCodeKeepsStayWhatTheyAre() {
    warmUp();
    call("keep", array(5));
    for (int i = 0; i < 10; i++) {
      memory.tend(System.nanoTime() + IDLE);
      echo(array(i));
    }

    assertThat(new String(call("kept").body(), StandardCharsets.UTF_8)).isEqualTo("[[5]]");
  }
}
