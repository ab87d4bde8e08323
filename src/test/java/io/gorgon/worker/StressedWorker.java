package io.gorgon.worker;

import io.gorgon.connection.Connection;
import io.gorgon.message.Exit;
import io.gorgon.message.WorkerId;
import io.gorgon.wire.Frame;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A runner over a worker process that is a thread: it takes requests in their order, shows which
 * one it has started before it looks whether it was kept from it, as Python does, notes in a
 * journal what it runs, and dies at any point.
 */
public final class StressedWorker implements Connection {

  private static final byte[] VALUE = "1".getBytes(StandardCharsets.UTF_8);
  private static final byte[] REFUSED =
      "{\"kind\":\"cancelled\",\"started\":false}".getBytes(StandardCharsets.UTF_8);
  private static final Frame END = Frame.of(Frame.Kind.SHUTDOWN, 0);

  /** Who is told that a worker is gone, and its calls are answered. */
  @FunctionalInterface
  public interface Mourner {
    void gone(StressedWorker worker);
  }

  private final Runner runner;
  private final Random dice;
  private final int mortality;
  private final Map<Object, AtomicInteger> journal;
  private final Mourner mourner;
  private final LinkedBlockingQueue<Frame> socket = new LinkedBlockingQueue<>();
  private final Set<Long> cancelled = ConcurrentHashMap.newKeySet();
  private volatile long started;
  private volatile long withdrawn;
  private volatile boolean open = true;
  private volatile boolean killed;

  /**
   * A worker that has not begun.
   *
   * @param concurrency requests that it is sent at once; it runs them one after the other all the
   *     same
   * @param mortality it dies in one request of so many
   * @param journal counts, by the payload of the request, how often it was run
   */
  public StressedWorker(
      int number,
      int concurrency,
      CallSource source,
      long seed,
      int mortality,
      Map<Object, AtomicInteger> journal,
      Mourner mourner) {
    this.dice = new Random(seed);
    this.mortality = mortality;
    this.journal = journal;
    this.mourner = mourner;
    this.runner =
        new Runner(
            new WorkerId("stress", number, 1),
            this,
            concurrency,
            source,
            new Killing(),
            new Retirement(0),
            new Tally(),
            System::nanoTime);
  }

  public Runner runner() {
    return runner;
  }

  /** Its life, on this thread; ends when it dies. */
  public void live() {
    try {
      while (!killed) {
        Frame request = socket.poll(1, TimeUnit.MILLISECONDS);
        if (request == END) {
          break;
        }
        if (request != null && !serve(request)) {
          break;
        }
        if (request != null && socket.isEmpty()) {
          runner.onPause();
        }
      }
    } catch (InterruptedException ended) {
      Thread.currentThread().interrupt();
    }
    open = false;
    runner.close(new Closed(Exit.signal(9), null, List.of()), "it died", true);
    mourner.gone(this);
  }

  /** False if it died. */
  private boolean serve(Frame request) {
    int fate = mortality == 0 ? 100 : dice.nextInt(3 * mortality);
    if (fate == 0) {
      return false;
    }
    started = request.id();
    if (cancelled.contains(request.id()) || request.id() <= withdrawn) {
      runner.onFrame(Frame.of(Frame.Kind.FAILURE, request.id(), REFUSED));
      return true;
    }
    journal.computeIfAbsent(request.payload(), any -> new AtomicInteger()).incrementAndGet();
    if (dice.nextInt(64) == 0) {
      Thread.yield();
    }
    if (fate == 1) {
      return false;
    }
    runner.onFrame(Frame.of(Frame.Kind.RESULT, request.id(), VALUE));
    return fate != 2;
  }

  @Override
  public long send(List<Frame> frames) {
    for (Frame frame : frames) {
      if (frame.kind() == Frame.Kind.REQUEST || frame == END) {
        socket.add(frame);
      }
    }
    return 0;
  }

  @Override
  public void noteRead(long position) {
    // Nothing here can be full.
  }

  @Override
  public boolean isOpen() {
    return open;
  }

  @Override
  public boolean isAlive() {
    return open;
  }

  @Override
  public long lastStarted() {
    return started;
  }

  @Override
  public void markCancelled(long request) {
    cancelled.add(request);
  }

  @Override
  public void markWithdrawn(long request) {
    withdrawn = request;
  }

  @Override
  public void interrupt() {
    // What runs here is over at once.
  }

  @Override
  public void terminate() {
    kill();
  }

  @Override
  public void kill() {
    killed = true;
    send(List.of(END));
  }

  private final class Killing implements Runner.Supervisor {
    @Override
    public void onAbandoned(long request, boolean dirty) {
      if (dirty) {
        kill();
      }
    }

    @Override
    public void onDirtyEnd() {
      kill();
    }

    @Override
    public void onStrayAnswer(Frame frame) {
      throw new AssertionError("an answer that belongs to no call: " + frame);
    }

    @Override
    public void onPong(long ping) {
      // Nobody asks.
    }

    @Override
    public void onLeaseIdle(Object lease) {
      // Whoever has it gives it back by itself.
    }

    @Override
    public void onRetireDue(Retirement.Reason reason) {
      // It has no limits.
    }
  }
}
