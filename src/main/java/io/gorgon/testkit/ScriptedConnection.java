package io.gorgon.testkit;

import io.gorgon.connection.Connection;
import io.gorgon.message.Exit;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.WorkerId;
import io.gorgon.testkit.Script.Cue;
import io.gorgon.wire.Frame;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * One worker process that there is not: what a test makes it say reaches the actors as if it came
 * over a socket, and what the actors tell it is noted. Thread-safe; its listener is called by one
 * thread at a time, in order, never by the thread that asks for it.
 */
public final class ScriptedConnection implements Connection {

  private final WorkerId id;
  private final Listener listener;
  private final Executor wire;
  private final List<Frame> sent = new ArrayList<>();
  private final List<ScriptedRequest> requests = new ArrayList<>();
  private final Deque<ScriptedRequest> unanswered = new ArrayDeque<>();
  private final Set<Long> cancelled = new LinkedHashSet<>();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private final ScriptedFaults faults;
  private final ScriptedShelf shelf = new ScriptedShelf(this::say);
  private final AtomicInteger interrupts = new AtomicInteger();
  private final AtomicInteger terminates = new AtomicInteger();
  private final AtomicInteger kills = new AtomicInteger();
  private Script script;
  private long lastStarted;
  private long withdrawnUpTo;
  private boolean open = true;
  private boolean alive = true;

  ScriptedConnection(
      WorkerId id, Listener listener, Executor wire, Script script, ScriptedFaults faults) {
    this.id = id;
    this.faults = faults;
    this.listener = listener;
    this.wire = new OneByOne(wire);
    this.script = script;
    cue(Cue.OPENED);
  }

  // ---- what the test makes it do

  /** Plays another script from now on. */
  public synchronized void plays(Script other) {
    script = other;
  }

  /** Becomes ready; the pid is 1000 x slot + generation. */
  public void ready() {
    wire.execute(() -> listener.onReady(new Ready(1_000L * id.slot() + id.generation(), "3.11.7")));
  }

  /** Starts the oldest request that has no answer, as Python does when it has read it. */
  public synchronized void start() {
    ScriptedRequest first = unanswered.peekFirst();
    if (first == null || lastStarted >= first.id() || !alive || faults.read(this, first)) {
      return;
    }
    lastStarted = first.id();
    if (first.id() <= withdrawnUpTo) {
      // As Python does with what was taken back before it came to it.
      finish(Frame.Kind.FAILURE, ScriptedAnswer.cancelled(false));
    } else if (first.inSession().isPresent() && !first.inSession().get().open()) {
      finish(Frame.Kind.FAILURE, ScriptedAnswer.stateNeeded());
    } else {
      faults.started(this, first);
      cue(Cue.STARTED);
    }
  }

  /** Answers the oldest request with a value, and starts the next. */
  public void answer(@Nullable Object value) {
    finish(Frame.Kind.RESULT, ScriptedAnswer.of(value));
  }

  /** Ends that request so, if it is still the oldest and the worker lives. */
  synchronized void finish(ScriptedRequest request, Frame.Kind kind, byte[] body) {
    if (alive && request.equals(unanswered.peekFirst())) {
      finish(kind, body);
    }
  }

  /** Whether the request that it runs is marked as cancelled. */
  synchronized boolean isCancelled() {
    ScriptedRequest first = unanswered.peekFirst();
    return first != null && lastStarted >= first.id() && cancelled.contains(first.id());
  }

  /**
   * Answers the oldest request with a Python exception, and starts the next.
   *
   * @param type with its module, as in {@code shop.OutOfStock}, unless it is one of Python's own
   * @param inherits further classes that it is of, likewise
   */
  public void raise(String type, String message, String... inherits) {
    finish(Frame.Kind.FAILURE, ScriptedAnswer.raised(type, message, inherits));
  }

  /** Answers the oldest request with what Python says when it stopped a cancelled call. */
  public void stopCancelled() {
    finish(Frame.Kind.FAILURE, ScriptedAnswer.cancelled(true));
  }

  private synchronized void finish(Frame.Kind kind, byte[] body) {
    ScriptedRequest first = unanswered.peekFirst();
    if (first == null) {
      throw new AssertionError("worker " + id + " has no request to answer; it had " + requests);
    }
    var ending = new ScriptedEnding(first, kind, body);
    if (ending.waits(() -> finish(first, kind, body))) {
      return;
    }
    unanswered.removeFirst();
    lastStarted = Math.max(lastStarted, first.id());
    faults.answered(this, first, ending.patch(), ending.answer());
    start();
  }

  /** Answers a request that never was. */
  public void stray() {
    say(Frame.of(Frame.Kind.RESULT, 1_000_000, new byte[] {'1'}));
  }

  /** Answers the last ping. */
  public void pong() {
    long number =
        sent().stream()
            .filter(frame -> frame.kind() == Frame.Kind.PING)
            .mapToLong(Frame::id)
            .max()
            .orElse(0);
    say(Frame.of(Frame.Kind.PONG, number));
  }

  /** Says anything, sense or nonsense. */
  public void say(Frame frame) {
    wire.execute(
        () -> {
          try {
            listener.onFrame(frame);
            listener.onPause();
          } catch (PythonFailure violation) {
            // As the real connection does when its listener finds fault with a frame.
            end(new Closed(Exit.signal(9), violation, List.of()));
          }
        });
  }

  /** Exits by itself; the actors are told. */
  public void exit(int code) {
    end(new Closed(Exit.code(code), null, List.of()));
  }

  /** Dies by a signal; the actors are told. */
  public void dieBy(int signal) {
    end(new Closed(Exit.signal(signal), null, List.of()));
  }

  /** Ends so; the actors are told, once. */
  public void end(Closed closed) {
    die();
    wire.execute(
        () -> {
          if (ended.complete(null)) {
            listener.onClosed(closed);
          }
        });
  }

  /** Is dead from now on, and nobody has been told yet: follow up with {@link #end}. */
  public synchronized void die() {
    alive = false;
    open = false;
  }

  /** Its socket is closed from now on, and nobody has been told yet. */
  public synchronized void closeSocket() {
    open = false;
  }

  // ---- what the actors made it do

  /** The incarnation that it is. */
  public WorkerId id() {
    return id;
  }

  /** All frames that it was sent, in order. */
  public synchronized List<Frame> sent() {
    return List.copyOf(sent);
  }

  /** Whether a frame of that kind was sent to it. */
  public synchronized boolean wasSent(Frame.Kind kind) {
    return sent.stream().anyMatch(frame -> frame.kind() == kind);
  }

  /** All calls that it was sent, in order, answered or not. */
  public synchronized List<ScriptedRequest> requests() {
    return List.copyOf(requests);
  }

  /** The oldest call that has no answer. */
  public synchronized ScriptedRequest request() {
    if (unanswered.isEmpty()) {
      throw new AssertionError("worker " + id + " has no request; it had " + requests);
    }
    return unanswered.getFirst();
  }

  /** Whether it has a call that has no answer. */
  public synchronized boolean isBusy() {
    return !unanswered.isEmpty();
  }

  /** The requests that were marked as cancelled. */
  public synchronized Set<Long> cancelled() {
    return Set.copyOf(cancelled);
  }

  /** How often it was interrupted. */
  public int interrupts() {
    return interrupts.get();
  }

  /** How often it was sent SIGTERM. */
  public int terminates() {
    return terminates.get();
  }

  /** How often it was sent SIGKILL. */
  public int kills() {
    return kills.get();
  }

  /** Completes when the actors have been told that it ended. */
  CompletionStage<Void> ended() {
    return ended;
  }

  // ---- the side of the actors

  @Override
  public long send(List<Frame> frames) {
    for (Frame frame : frames) {
      Cue cue;
      synchronized (this) {
        sent.add(frame);
        cue =
            switch (frame.kind()) {
              case REQUEST -> Cue.REQUESTED;
              case PING -> Cue.PINGED;
              case SHUTDOWN -> Cue.SHUT_DOWN;
              case CREDIT, HOST_REPLY, ITEM, SESSION -> Cue.TOLD;
              default -> throw new AssertionError("nobody sends " + frame + " to a worker");
            };
        shelf.take(frame, wire);
        if (cue == Cue.REQUESTED) {
          ScriptedRequest request = ScriptedRequest.read(frame, shelf.of(frame.id()));
          requests.add(request);
          unanswered.addLast(request);
        }
      }
      cue(cue);
    }
    return 0;
  }

  @Override
  public void noteRead(long position) {
    // Nothing here can be full.
  }

  @Override
  public synchronized boolean isOpen() {
    return open;
  }

  @Override
  public synchronized boolean isAlive() {
    return alive;
  }

  @Override
  public synchronized long lastStarted() {
    return lastStarted;
  }

  @Override
  public synchronized void markCancelled(long request) {
    cancelled.add(request);
  }

  @Override
  public synchronized void markWithdrawn(long request) {
    withdrawnUpTo = request;
  }

  @Override
  public void interrupt() {
    interrupts.incrementAndGet();
    cue(Cue.INTERRUPTED);
  }

  @Override
  public void terminate() {
    terminates.incrementAndGet();
    cue(Cue.TERMINATED);
  }

  @Override
  public void kill() {
    kills.incrementAndGet();
    cue(Cue.KILLED);
  }

  /** The dead react to nothing. */
  private void cue(Cue cue) {
    wire.execute(
        () -> {
          if (isAlive()) {
            script().play(cue, this);
          }
        });
  }

  synchronized Script script() {
    return script;
  }

  @Override
  public String toString() {
    return "scripted worker " + id;
  }
}
