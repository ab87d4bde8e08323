package io.gorgon.connection;

import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.Exit;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.StartFailed;
import io.gorgon.message.Values;
import io.gorgon.message.WorkerId;
import io.gorgon.process.Keeper;
import io.gorgon.process.Launch;
import io.gorgon.process.StartFailure;
import io.gorgon.process.WorkerProcess;
import io.gorgon.wire.Frame;
import io.gorgon.wire.FrameCodec;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This is the connection to one real worker process. Its own platform thread starts the process,
 * accepts its connection, checks its token and reads until the end; whoever hands a small request
 * to an idle worker writes it with its own thread, which saves a wake-up per call.
 */
final class SocketConnection implements Connection {

  private static final Logger log = LoggerFactory.getLogger(SocketConnection.class);
  private static final SecureRandom RANDOM = new SecureRandom();

  /**
   * How long to wait for the other sign of a death after the first: socket's end, keeper's report.
   */
  private static final Duration DRAIN = Duration.ofMillis(50);

  private static final Duration OUTPUT_PATIENCE = Duration.ofMillis(500);
  private static final Duration KILL_PATIENCE = Duration.ofSeconds(2);

  private final WorkerId id;
  private final Keeper keeper;
  private final Launch launch;
  private final Executor blocking;
  private final SharedMemory memory;
  private final Listener listener;
  private final String token = newToken();

  /** Bytes in the socket's own buffers, each way; the system may grant less. */
  private static final int SOCKET_BUFFER = 1 << 20;

  private volatile @Nullable WorkerProcess process;
  private volatile @Nullable StatusPage page;
  private volatile @Nullable FrameChannel channel;
  private volatile @Nullable Outbox outbox;
  private volatile @Nullable Lending lending;
  private volatile boolean killWanted;

  private SocketConnection(
      WorkerId id,
      Keeper keeper,
      Launch launch,
      Executor blocking,
      SharedMemory memory,
      Listener listener) {
    this.id = id;
    this.keeper = keeper;
    this.launch = launch;
    this.blocking = blocking;
    this.memory = memory;
    this.listener = listener;
  }

  static SocketConnection start(
      WorkerId id,
      Keeper keeper,
      Launch launch,
      Executor blocking,
      SharedMemory memory,
      Listener listener) {
    var connection = new SocketConnection(id, keeper, launch, blocking, memory, listener);
    var thread = new Thread(connection::run, "gorgon-" + id);
    thread.setDaemon(true);
    thread.start();
    return connection;
  }

  @Override
  public long send(List<Frame> frames) {
    Outbox open = outbox;
    Lending lends = lending;
    return open == null ? 0 : lends == null ? open.send(frames) : lends.send(frames, open::send);
  }

  @Override
  public void noteRead(long position) {
    Outbox open = outbox;
    if (open != null) {
      open.noteRead(position);
    }
  }

  @Override
  public boolean isOpen() {
    FrameChannel open = channel;
    return open != null && open.isOpen() && isAlive();
  }

  @Override
  public boolean isAlive() {
    WorkerProcess running = process;
    return running != null && running.isAlive();
  }

  @Override
  public long lastStarted() {
    StatusPage status = page;
    return status == null ? 0 : status.lastStarted();
  }

  @Override
  public void markCancelled(long request) {
    StatusPage status = page;
    if (status != null) {
      status.markCancelled(request);
    }
  }

  @Override
  public void markWithdrawn(long request) {
    StatusPage status = page;
    if (status != null) {
      status.markWithdrawn(request);
    }
  }

  @Override
  public void interrupt() {
    WorkerProcess running = process;
    if (running != null) {
      running.interrupt();
    }
  }

  @Override
  public void terminate() {
    WorkerProcess running = process;
    if (running != null) {
      running.terminate();
    }
  }

  @Override
  public void kill() {
    killWanted = true;
    WorkerProcess running = process;
    if (running != null) {
      running.kill();
    }
  }

  private void run() {
    PythonFailure cause = null;
    try {
      live();
    } catch (PythonFailure found) {
      cause = found;
    } catch (IOException | RuntimeException ended) {
      log.debug("{}: connection ended: {}", id, ended.toString());
    } catch (Error broken) {
      log.error("{}: the connection's thread broke", id, broken);
      cause = new PythonFailure.ProtocolViolation("reading failed: " + broken);
    }
    listener.onClosed(bury(cause));
  }

  /** From the start of the process to the end of its stream. */
  private void live() throws IOException {
    WorkerProcess started = keeper.prepare(id);
    process = started;
    page = StatusPage.create(started.page());
    try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(started.socket()), 1);
      started.spawn(launch, token);
      if (killWanted) {
        started.kill();
      }
      // A process that ends before it connects must not leave this thread in accept.
      started.exit().thenRun(() -> closeSoon(server));
      SocketChannel accepted = server.accept();
      accepted.setOption(StandardSocketOptions.SO_SNDBUF, SOCKET_BUFFER);
      accepted.setOption(StandardSocketOptions.SO_RCVBUF, SOCKET_BUFFER);
      var lends = new Lending(memory, started.keeper(), frame -> send(List.of(frame)));
      var opened = new FrameChannel(accepted, launch.frameLimit(), lends);
      channel = opened;
      lending = lends;
      outbox = new Outbox(opened, blocking);
      started.exit().thenRun(() -> closeSoon(accepted));
    }
    FrameChannel frames = Objects.requireNonNull(channel);
    Lending lends = Objects.requireNonNull(lending);
    if (handshake(frames, lends)) {
      for (Frame frame = frames.read(); frame != null; frame = frames.read()) {
        listener.onFrame(lends.received(frame));
        if (!frames.hasMore()) {
          LockSupport.parkNanos(listener.onPause());
        }
      }
    }
  }

  private boolean handshake(FrameChannel frames, Lending lends) throws IOException {
    Frame first = frames.read();
    if (first == null) {
      return false;
    }
    JsonNode hello =
        first.kind() == Frame.Kind.HELLO ? Values.mapper().readTree(first.body()) : null;
    if (hello == null || !hello.path("token").asText().equals(token)) {
      throw new StartFailed(
          StartFailed.Kind.HANDSHAKE, "its first words were not those of worker " + id, "");
    }
    int protocol = hello.path("protocol").asInt();
    if (protocol != FrameCodec.PROTOCOL) {
      throw new StartFailed(
          StartFailed.Kind.VERSION,
          "it speaks protocol " + protocol + ", this library " + FrameCodec.PROTOCOL,
          "");
    }
    for (Frame frame = frames.read(); frame != null; frame = frames.read()) {
      switch (frame.kind()) {
        case LOG -> listener.onFrame(frame);
        case IMPORTING ->
            log.debug(
                "{}: importing {}", id, Values.mapper().readTree(frame.body()).path("module"));
        case READY -> {
          if (hello.path("shared").asBoolean()) {
            lends.open();
          }
          listener.onReady(new Ready(hello.path("pid").asLong(), hello.path("python").asText()));
          return true;
        }
        case START_FAILED -> throw StartFailure.from(Values.mapper().readTree(frame.body()));
        default ->
            throw new StartFailed(
                StartFailed.Kind.HANDSHAKE, "it sent " + frame.kind() + " before it was ready", "");
      }
    }
    return false;
  }

  /** Waits, within bounds, for the process to be gone, and gathers what it left. */
  private Closed bury(@Nullable PythonFailure found) {
    PythonFailure cause = found;
    WorkerProcess dead = process;
    if (dead == null) {
      return new Closed(Exit.UNKNOWN, cause, List.of());
    }
    Exit exit = awaitExit(dead, DRAIN);
    if (exit == null) {
      // The stream has ended and the process has not: nobody can use it any more.
      dead.kill();
      exit = awaitExit(dead, KILL_PATIENCE);
    }
    if (exit == null) {
      log.error("{}: the process did not end after SIGKILL", id);
      exit = Exit.UNKNOWN;
    }
    if (cause == null && dead.pid().isCompletedExceptionally()) {
      cause = spawnFailure(dead);
    }
    List<String> tail = dead.collectOutput(OUTPUT_PATIENCE);
    FrameChannel open = channel;
    if (open != null) {
      open.close();
    }
    Lending lends = lending;
    if (lends != null) {
      lends.close();
    }
    StatusPage status = page;
    if (status != null) {
      status.close();
    }
    return new Closed(exit, cause, tail);
  }

  private static @Nullable PythonFailure spawnFailure(WorkerProcess process) {
    try {
      process.pid().join();
      return null;
    } catch (CompletionException failed) {
      return failed.getCause() instanceof StartFailed typed ? typed : null;
    }
  }

  private static @Nullable Exit awaitExit(WorkerProcess process, Duration patience) {
    return process
        .exit()
        .copy()
        .completeOnTimeout(null, patience.toMillis(), TimeUnit.MILLISECONDS)
        .join();
  }

  /** A child that C code forked may hold the socket open for ever. */
  private static void closeSoon(Channel channel) {
    CompletableFuture.delayedExecutor(DRAIN.toMillis(), TimeUnit.MILLISECONDS)
        .execute(
            () -> {
              try {
                channel.close();
              } catch (IOException closed) {
                // It is closed.
              }
            });
  }

  private static String newToken() {
    var bytes = new byte[16];
    RANDOM.nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }
}
