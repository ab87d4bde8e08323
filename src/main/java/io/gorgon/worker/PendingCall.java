package io.gorgon.worker;

import io.gorgon.message.Call;
import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.DeadlineExceeded.Phase;
import io.gorgon.message.Reply;
import io.gorgon.wire.Frame;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

/**
 * This is a call on its road: encoded, with its deadline and the one place where its answer goes.
 * Whoever completes the answer first wins; everybody else finds it done and lets go. Thread-safe.
 */
public final class PendingCall {

  /** Chance kills one worker in that moment, seldom two in a row; five times is no chance. */
  private static final int MOST_DEATHS_ON_THE_WAY = 5;

  /** Who has the call now: a line that it waits in, or the worker that it was written to. */
  public interface Holder {

    /** The answer has been given already; take the call out, or stop it where it runs. */
    void onAbandoned(PendingCall call, boolean dirty);

    /** Keeps Python from starting it, unless it has started it already. */
    default void keepFromStarting(PendingCall call) {}

    /** Whether Python may have started it. */
    boolean hasStarted(PendingCall call);

    /**
     * Takes over a cancel, where only another node can know whether it comes in time: the call is
     * answered soon then, by whatever that node says.
     *
     * @return false if the call is to be answered at once
     */
    default boolean takesCancel(PendingCall call) {
      return false;
    }

    /** What a call that has not started waits for here. */
    default Phase waitsIn() {
      return Phase.QUEUED;
    }

    /**
     * Sends the running call a frame, made for the id that its request has.
     *
     * @return the connection's position behind it; -1 if the call does not run here
     */
    default long send(PendingCall call, LongFunction<Frame> frame) {
      return -1;
    }

    /** Learns that the worker has read everything up to a position. */
    default void noteRead(long position) {}
  }

  /** How far its answer has come. */
  private enum Stage {
    /** Whoever comes first decides how it ends. */
    OPEN,
    /** Python has answered, and what it changed is being settled. */
    SETTLING,
    /** The answer is there, or comes at once. */
    DECIDED
  }

  private final String id;
  private final Call call;
  private final Payload body;
  private final long enteredAt;
  private final Dialogue dialogue;
  private final Map<String, String> mdc;
  private volatile long deadline;
  private volatile boolean streaming;
  private volatile boolean roaming;
  private volatile boolean unrepeatable;
  private final CompletableFuture<Reply> answer = new CompletableFuture<>();
  private final AtomicReference<Stage> stage = new AtomicReference<>(Stage.OPEN);
  private volatile @Nullable Holder holder;
  private final AtomicInteger attempts = new AtomicInteger();

  /** Touched by one dead worker after the other; the line between them orders that. */
  private int deathsOnTheWay;

  private volatile long startedAt;
  private volatile long request;
  private volatile boolean atWorker;
  private volatile @Nullable Settlement settlement;

  /**
   * Takes an encoded call in.
   *
   * @param body what {@link io.gorgon.message.Values#encodeRequest} made
   * @param enteredAt {@link System#nanoTime} when the caller asked
   * @param deadline the same clock, when the caller wants to be answered at the latest
   * @param dialogue the caller's part in what is said before the answer
   */
  public PendingCall(
      String id, Call call, Payload body, long enteredAt, long deadline, Dialogue dialogue) {
    this.id = id;
    this.call = call;
    this.body = body;
    this.enteredAt = enteredAt;
    this.deadline = deadline;
    this.dialogue = dialogue;
    Map<String, String> present = MDC.getCopyOfContextMap();
    this.mdc = present == null ? Map.of() : present;
  }

  public String id() {
    return id;
  }

  public Call call() {
    return call;
  }

  /** The encoded request. */
  public Payload body() {
    return body;
  }

  /** When it must be answered, on the clock of {@link System#nanoTime}. */
  public long deadline() {
    return deadline;
  }

  /** Whether its answer comes behind elements, for which Python may wait until they are wanted. */
  public boolean isStream() {
    return dialogue.isStream();
  }

  /** Takes what Python says before the answer; by one thread at a time, in the order of saying. */
  public void onSaid(Frame frame) {
    switch (frame.kind()) {
      case CHUNK -> dialogue.onChunk(this, frame);
      case HOST_CALL -> dialogue.onHostCall(this, frame);
      case PULL -> dialogue.onPull(this, frame);
      default -> dialogue.onProgress(this, frame);
    }
  }

  /** The logging context of the thread that called. */
  Map<String, String> mdc() {
    return mdc;
  }

  /** Runs {@code work} on this thread with the logging context of the one that called. */
  public void inItsLog(Runnable work) {
    Map<String, String> before = MDC.getCopyOfContextMap();
    MDC.setContextMap(mdc);
    MDC.put("call", id);
    try {
      work.run();
    } finally {
      MDC.setContextMap(before == null ? Map.of() : before);
    }
  }

  /** Lets any worker run it, although it is run under a lease: until one has started it. */
  public void roam() {
    roaming = true;
  }

  /** Notes that something was used up for it, so that it is not run again if a worker dies. */
  public void runsOnce() {
    unrepeatable = true;
  }

  boolean isRoaming() {
    return roaming;
  }

  /**
   * Notes that elements of its stream have come: from now on it cannot be run again, and {@code
   * newDeadline} is when the next thing must happen.
   */
  public void streamsUntil(long newDeadline) {
    streaming = true;
    deadline = newDeadline;
  }

  /**
   * Tells the running call something.
   *
   * @param frame makes the frame for the id that its request has
   * @return the connection's position behind it; -1 if the call does not run (any more)
   */
  public long send(LongFunction<Frame> frame) {
    Holder current = holder;
    return current == null ? -1 : current.send(this, frame);
  }

  /** Notes that its worker has read everything up to a position that {@link #send} gave. */
  public void noteRead(long position) {
    Holder current = holder;
    if (current != null) {
      current.noteRead(position);
    }
  }

  /** When it entered, on the same clock. */
  public long enteredAt() {
    return enteredAt;
  }

  /** When it was written to a worker last, on the same clock. */
  public long startedAt() {
    return startedAt;
  }

  /** Its number at the worker that it was written to last, from 1; 0 if it never was. */
  long request() {
    return request;
  }

  /** How often it has been written to a worker and may have run. */
  public int attempts() {
    return attempts.get();
  }

  /** Where the answer goes. Hand out dependents of it only: see {@code RunningCall}. */
  public CompletableFuture<Reply> answer() {
    return answer;
  }

  /** Whether it is decided how it ends; the answer is there then, or comes when it is settled. */
  public boolean isDone() {
    return stage.get() != Stage.OPEN;
  }

  /** Notes who has it now. */
  public void heldBy(Holder newHolder) {
    holder = newHolder;
  }

  /** Has what it changes settled before its answer is given. Before it is sent anywhere. */
  public void settledBy(Settlement newSettlement) {
    settlement = newSettlement;
  }

  /** Who settles what it changes; null for a call that changes nothing. */
  @Nullable Settlement settlement() {
    return settlement;
  }

  /** Whether a worker has it, and may be running it, whether it has its answer or not. */
  public boolean isAtWorker() {
    return atWorker;
  }

  /** Notes that it goes to a worker now. */
  void starts(Holder runner, long newRequest, long now) {
    atWorker = true;
    request = newRequest;
    holder = runner;
    startedAt = now;
    attempts.incrementAndGet();
  }

  /** Notes that its worker is done with it, or has gone. Never under a lock. */
  void leaves() {
    atWorker = false;
    Settlement settles = settlement;
    if (settles != null) {
      settles.onLeft(this);
    }
  }

  /** Notes that a worker gave it back without having started it. */
  void didNotStart() {
    attempts.decrementAndGet();
  }

  /**
   * Notes that a worker died on its way to it, with nothing else under way; false if that has
   * happened so often that it must be its own doing.
   */
  boolean outlivesADeath() {
    return ++deathsOnTheWay < MOST_DEATHS_ON_THE_WAY;
  }

  /** Whether it may be run once more after a worker died in it. */
  boolean mayRunAgain() {
    return !streaming && !unrepeatable && attempts.get() <= call.retries();
  }

  /** Answers with a value, once that is settled; false if it had an answer. */
  public boolean complete(Reply reply) {
    Settlement settles = settlement;
    if (settles == null) {
      return decide() && answer.complete(reply);
    }
    if (!stage.compareAndSet(Stage.OPEN, Stage.SETTLING)) {
      return false;
    }
    settles.settle(this, reply);
    return true;
  }

  /** Gives the answer that has been settled; false if it came too late. */
  public boolean settled(Reply reply) {
    return stage.compareAndSet(Stage.SETTLING, Stage.DECIDED) && answer.complete(reply);
  }

  /** Answers that the value could not be settled; false if that came too late. */
  public boolean unsettled(PythonFailure failure) {
    return stage.compareAndSet(Stage.SETTLING, Stage.DECIDED)
        && answer.completeExceptionally(failure);
  }

  /** Answers with a failure; false if it had an answer. */
  public boolean fail(PythonFailure failure) {
    return decide() && answer.completeExceptionally(failure);
  }

  private boolean decide() {
    return stage.compareAndSet(Stage.OPEN, Stage.DECIDED);
  }

  /** Answers that it is cancelled and stops it wherever it is; false if it had an answer. */
  public boolean cancel(String why) {
    Holder current = holder;
    Holder asked = null;
    while (current != null && current != asked && !isDone()) {
      if (current.takesCancel(this)) {
        return true;
      }
      asked = current;
      current = holder; // it may have gone on to another meanwhile
    }
    if (!decide()) {
      return false;
    }
    current = holder;
    boolean started = stop(current) || attempts.get() > 1;
    conclude(new PythonFailure.Cancelled(call.target(), started, why), false);
    return true;
  }

  /** Answers that its deadline passed and stops it wherever it is; false if it had an answer. */
  public boolean expire() {
    if (!decide()) {
      return false;
    }
    Holder current = holder;
    boolean runs = stop(current);
    boolean started = runs || attempts.get() > 1; // there, or at a worker that died in it
    Phase waited = current == null ? Phase.QUEUED : current.waitsIn();
    Phase phase = streaming ? Phase.STREAMING : started ? Phase.RUNNING : waited;
    Duration limit = Duration.ofNanos(deadline - enteredAt);
    String where = current == null ? "before it was taken in" : "at " + current;
    conclude(new DeadlineExceeded(call.target(), phase, limit, where), runs);
    return true;
  }

  /**
   * Whether Python may have started it. First Python is kept from it, then we look: the other way
   * round it could start between the look and the answer, which says that it did not.
   */
  private boolean stop(@Nullable Holder current) {
    if (current == null) {
      return false;
    }
    current.keepFromStarting(this);
    return current.hasStarted(this);
  }

  /** Whether Python may have started it, as far as is known now. */
  public boolean mayHaveStarted() {
    Holder current = holder;
    return attempts.get() > 1 || (current != null && current.hasStarted(this));
  }

  /** Whether its deadline has passed at {@code now}. */
  public boolean isOverdue(long now) {
    return now - deadline >= 0;
  }

  /**
   * Answers with {@code failure} and stops the call wherever it is.
   *
   * @param dirty whether a worker that runs it must not be used again, however it ends
   */
  public boolean abandon(PythonFailure failure, boolean dirty) {
    if (!decide()) {
      return false;
    }
    conclude(failure, dirty);
    return true;
  }

  private void conclude(PythonFailure failure, boolean dirty) {
    answer.completeExceptionally(failure);
    Holder current = holder;
    if (current != null) {
      current.onAbandoned(this, dirty);
    }
  }
}
