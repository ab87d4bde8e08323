package io.gorgon.worker;

import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.DeadlineExceeded.Phase;
import io.gorgon.message.Reply;
import io.gorgon.wire.Frame;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

/**
 * This is a call on its road: encoded, with its deadline and the one place where its answer goes.
 * Whoever completes the answer first wins; everybody else finds it done and lets go. Thread-safe.
 */
public final class PendingCall {

  /** Who has the call now: a line that it waits in, or the worker that it was written to. */
  public interface Holder {

    /** The answer has been given already; take the call out, or stop it where it runs. */
    void onAbandoned(PendingCall call, boolean dirty);

    /** Whether Python may have started it. */
    boolean hasStarted(PendingCall call);

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

  private final String id;
  private final Call call;
  private final byte[] body;
  private final long enteredAt;
  private final Dialogue dialogue;
  private final Map<String, String> mdc;
  private volatile long deadline;
  private volatile boolean streaming;
  private final CompletableFuture<Reply> answer = new CompletableFuture<>();
  private volatile @Nullable Holder holder;
  private final AtomicInteger attempts = new AtomicInteger();
  private volatile long startedAt;

  /**
   * Takes an encoded call in.
   *
   * @param body what {@link io.gorgon.message.Values#encodeRequest} made
   * @param enteredAt {@link System#nanoTime} when the caller asked
   * @param deadline the same clock, when the caller wants to be answered at the latest
   * @param dialogue the caller's part in what is said before the answer
   */
  public PendingCall(
      String id, Call call, byte[] body, long enteredAt, long deadline, Dialogue dialogue) {
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
  public byte[] body() {
    return body;
  }

  /** When it must be answered, on the clock of {@link System#nanoTime}. */
  public long deadline() {
    return deadline;
  }

  /** The caller's part in what is said before the answer. */
  Dialogue dialogue() {
    return dialogue;
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

  /** How often it has been written to a worker and may have run. */
  public int attempts() {
    return attempts.get();
  }

  /** Where the answer goes. Hand out dependents of it only: see {@code RunningCall}. */
  public CompletableFuture<Reply> answer() {
    return answer;
  }

  /** Whether it has its answer. */
  public boolean isDone() {
    return answer.isDone();
  }

  /** Notes who has it now. */
  public void heldBy(Holder newHolder) {
    holder = newHolder;
  }

  /** Notes that it goes to a worker now. */
  void starts(Holder runner, long now) {
    holder = runner;
    startedAt = now;
    attempts.incrementAndGet();
  }

  /** Notes that a worker gave it back without having started it. */
  void didNotStart() {
    attempts.decrementAndGet();
  }

  /** Whether it may be run once more after a worker died in it. */
  boolean mayRunAgain() {
    return !streaming && attempts.get() <= call.retries();
  }

  /** Answers with a value; false if it had an answer. */
  public boolean complete(Reply reply) {
    return answer.complete(reply);
  }

  /** Answers with a failure; false if it had an answer. */
  public boolean fail(PythonFailure failure) {
    return answer.completeExceptionally(failure);
  }

  /** Answers that it is cancelled and stops it wherever it is; false if it had an answer. */
  public boolean cancel(String why) {
    Holder current = holder;
    boolean started = current != null && current.hasStarted(this);
    return abandon(new PythonFailure.Cancelled(call.target(), started, why), false);
  }

  /** Answers that its deadline passed and stops it wherever it is; false if it had an answer. */
  public boolean expire() {
    Holder current = holder;
    boolean started = current != null && current.hasStarted(this);
    Phase phase = streaming ? Phase.STREAMING : started ? Phase.RUNNING : Phase.QUEUED;
    return abandon(
        new DeadlineExceeded(
            call.target(), phase, Duration.ofNanos(deadline - enteredAt), "at " + current),
        started);
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
    if (!fail(failure)) {
      return false;
    }
    Holder current = holder;
    if (current != null) {
      current.onAbandoned(this, dirty);
    }
    return true;
  }
}
