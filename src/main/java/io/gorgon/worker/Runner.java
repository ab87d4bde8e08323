package io.gorgon.worker;

import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.connection.Connection;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Reply;
import io.gorgon.message.Values;
import io.gorgon.message.WorkerId;
import io.gorgon.wire.Frame;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * This runs calls on one incarnation of a worker: writes requests, matches answers, asks for more.
 * It is where a call is while Python has it. No actor stands on this road: a caller writes to an
 * idle worker with its own thread, and the worker's I/O thread completes the answer.
 *
 * <p>A worker belongs to the lane, or to one lease at a time. Thread-safe.
 */
public final class Runner implements PendingCall.Holder {

  /** Who owns the life of this incarnation, and is told what needs a decision. Must not block. */
  public interface Supervisor {

    /** A call that Python may be running lost its caller; {@code dirty}: end this incarnation. */
    void onAbandoned(long request, boolean dirty);

    /** A call that had been abandoned dirty has ended. */
    void onDirtyEnd();

    /** An answer came that belongs to no call. */
    void onStrayAnswer(Frame frame);

    /** A ping was answered. */
    void onPong(long ping);

    /** The lease's last call has ended. */
    void onLeaseIdle(Object lease);

    /** This incarnation should be replaced soon. */
    void onRetireDue(Retirement.Reason reason);
  }

  private record InFlight(long request, PendingCall call, boolean leased) {}

  private final WorkerId id;
  private final Connection connection;
  private final CallSource source;
  private final Supervisor supervisor;
  private final Retirement retirement;
  private final Tally tally;
  private final LongSupplier nanoTime;
  private final ReentrantLock lock = new ReentrantLock();
  private final Deque<InFlight> inFlight = new ArrayDeque<>();
  private final Deque<PendingCall> leasedCalls = new ArrayDeque<>();
  private long lastRequest;
  private @Nullable Object lease;
  private boolean leaseUsed;

  /** One thread at a time starts a lease's calls, so that they are written in their order. */
  private boolean leaseBusy;

  private Connection.@Nullable Closed end;
  private String endCause = "";

  /** A call that it ran outlived its deadline or its owner: it takes nothing more. */
  private volatile boolean dirty;

  private volatile long idleSince;
  private volatile long checkedAt;

  Runner(
      WorkerId id,
      Connection connection,
      CallSource source,
      Supervisor supervisor,
      Retirement retirement,
      Tally tally,
      LongSupplier nanoTime) {
    this.id = id;
    this.connection = connection;
    this.source = source;
    this.supervisor = supervisor;
    this.retirement = retirement;
    this.tally = tally;
    this.nanoTime = nanoTime;
    this.idleSince = nanoTime.getAsLong();
    this.checkedAt = idleSince;
  }

  public WorkerId id() {
    return id;
  }

  /** Calls, failures and latencies of this worker's slot. */
  public Tally tally() {
    return tally;
  }

  /** Since when it has been idle, on the pool's clock; meaningless while it is busy. */
  public long idleSince() {
    return idleSince;
  }

  /** Since when nothing has shown that it is there: neither a call nor a ping. */
  public long unheardSince() {
    return Math.max(idleSince, checkedAt);
  }

  /** How many more calls this incarnation may take. */
  public int callsLeft() {
    return retirement.callsLeft();
  }

  /**
   * Whether it can take calls: its socket is open, its process not reported dead, nor ended dirty.
   */
  public boolean isOpen() {
    return !dirty && connection.isOpen();
  }

  /** Whether its process has not been reported dead. */
  public boolean isAlive() {
    return connection.isAlive();
  }

  // ---- calls in

  /**
   * Writes calls to this idle worker, to be run one after another. Calls whose caller has gone
   * meanwhile are left out; where the worker died meanwhile, they go back to the source.
   */
  public void start(List<PendingCall> calls) {
    if (!write(calls, false)) {
      source.giveBack(calls);
    }
  }

  /** Writes a call of the lease; where the worker died meanwhile, the call is lost with it. */
  private void startNextOfLease(PendingCall call) {
    if (write(List.of(call), true)) {
      return;
    }
    Connection.Closed ended;
    lock.lock();
    try {
      ended = end;
      if (ended == null) {
        // Its end is near, and will answer this one too.
        leasedCalls.addFirst(call);
      }
    } finally {
      lock.unlock();
    }
    if (ended != null) {
      call.fail(lost(call, ended, false, endCause));
    }
  }

  private boolean write(List<PendingCall> calls, boolean leased) {
    List<Frame> frames = new ArrayList<>(calls.size());
    List<PendingCall> gone = new ArrayList<>(0);
    lock.lock();
    try {
      if (end != null || dirty) {
        return false;
      }
      long now = nanoTime.getAsLong();
      for (PendingCall call : calls) {
        if (call.isDone()) {
          continue;
        }
        call.starts(this, now);
        long request = ++lastRequest;
        inFlight.addLast(new InFlight(request, call, leased));
        frames.add(Frame.of(Frame.Kind.REQUEST, request, call.body()));
        if (call.isDone()) {
          gone.add(call);
        }
      }
    } finally {
      lock.unlock();
    }
    if (frames.isEmpty()) {
      goOn();
    } else {
      connection.send(frames);
      gone.forEach(call -> onAbandoned(call, false));
    }
    return true;
  }

  /**
   * Runs a call under a lease, behind those that the lease has running.
   *
   * @return false if {@code holder} does not have this worker (any more)
   */
  public boolean startLeased(Object holder, PendingCall call) {
    boolean wasIdle;
    lock.lock();
    try {
      if (end != null || dirty || !holder.equals(lease)) {
        return false;
      }
      call.heldBy(this);
      leasedCalls.addLast(call);
      leaseUsed = true;
      wasIdle = !leaseBusy;
      leaseBusy = true;
    } finally {
      lock.unlock();
    }
    if (wasIdle) {
      goOn();
    }
    return true;
  }

  // ---- leases

  /**
   * Gives this worker, which is out of the lane and idle, to {@code holder}.
   *
   * @return false if it is lent or busy: then somebody made a mistake
   */
  public boolean lend(Object holder) {
    lock.lock();
    try {
      if (lease != null || !inFlight.isEmpty()) {
        return false;
      }
      lease = holder;
      leaseUsed = false;
      leaseBusy = false;
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** What a lease left behind. */
  public enum Leftover {
    /** It never ran anything. */
    UNUSED,
    /** It ran something, and that has ended. */
    USED,
    /** Something is running still, or ended so that nobody may have this worker after it. */
    BUSY,
    /** It was not this holder's. */
    NOT_OWNED
  }

  /** Whether {@code holder} has this worker. */
  public boolean isLentTo(Object holder) {
    lock.lock();
    try {
      return holder.equals(lease);
    } finally {
      lock.unlock();
    }
  }

  /** Takes this worker back from {@code holder}: from now on no call of that lease starts here. */
  public Leftover reclaim(Object holder) {
    List<PendingCall> waiting;
    Leftover leftover;
    lock.lock();
    try {
      if (!holder.equals(lease)) {
        return Leftover.NOT_OWNED;
      }
      lease = null;
      waiting = new ArrayList<>(leasedCalls);
      leasedCalls.clear();
      leftover = leaseBusy || dirty ? Leftover.BUSY : leaseUsed ? Leftover.USED : Leftover.UNUSED;
      idleSince = nanoTime.getAsLong();
    } finally {
      lock.unlock();
    }
    waiting.forEach(
        call ->
            call.fail(
                new PythonFailure.Cancelled(
                    call.call().target(), false, "its checkout ended: " + holder)));
    return leftover;
  }

  /** Stops whatever runs, for whom it may be; its callers get {@code why}. */
  public void abandonAll(java.util.function.Function<PendingCall, PythonFailure> why) {
    List<InFlight> running;
    lock.lock();
    try {
      running = new ArrayList<>(inFlight);
    } finally {
      lock.unlock();
    }
    running.forEach(one -> one.call().abandon(why.apply(one.call()), true));
  }

  /** Answers every running call whose deadline has passed. */
  public void expire(long now) {
    List<PendingCall> overdue = new ArrayList<>(0);
    lock.lock();
    try {
      inFlight.forEach(
          one -> {
            if (one.call().isOverdue(now)) {
              overdue.add(one.call());
            }
          });
      leasedCalls.forEach(
          call -> {
            if (call.isOverdue(now)) {
              overdue.add(call);
            }
          });
    } finally {
      lock.unlock();
    }
    overdue.forEach(PendingCall::expire);
  }

  // ---- the holder's part

  @Override
  public boolean hasStarted(PendingCall call) {
    Long request = requestOf(call);
    return request != null && connection.lastStarted() >= request;
  }

  @Override
  public void onAbandoned(PendingCall call, boolean dirtyEnd) {
    Long request;
    lock.lock();
    try {
      request = requestOf(call);
      if (request == null) {
        leasedCalls.remove(call);
      } else if (dirtyEnd) {
        // In one step with the look: an answer comes either before, and all is well, or after.
        dirty = true;
      }
    } finally {
      lock.unlock();
    }
    if (request != null) {
      connection.markCancelled(request);
      supervisor.onAbandoned(request, dirtyEnd);
    }
  }

  /** Whether that request has been written, started, and not answered. */
  boolean isRunning(long request) {
    return isInFlight(request) && connection.lastStarted() == request;
  }

  /** Whether Python has started a call that has no answer yet. */
  public boolean isRunning() {
    InFlight first;
    lock.lock();
    try {
      first = inFlight.peekFirst();
    } finally {
      lock.unlock();
    }
    return first != null && connection.lastStarted() >= first.request();
  }

  /** Whether that request has been written and not answered. */
  boolean isInFlight(long request) {
    lock.lock();
    try {
      return inFlight.stream().anyMatch(one -> one.request() == request);
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Long requestOf(PendingCall call) {
    lock.lock();
    try {
      for (InFlight one : inFlight) {
        if (one.call() == call) {
          return one.request();
        }
      }
      return null;
    } finally {
      lock.unlock();
    }
  }

  // ---- answers out, on the I/O thread

  void onFrame(Frame frame) {
    switch (frame.kind()) {
      case RESULT, FAILURE -> onAnswer(frame);
      case PONG -> supervisor.onPong(frame.id());
      default ->
          throw new PythonFailure.ProtocolViolation("it sent " + frame.kind() + " while it ran");
    }
  }

  private void onAnswer(Frame frame) {
    PendingCall call = null;
    PendingCall nextOfLease = null;
    boolean wasLast = false;
    boolean endedDirty;
    Object holder;
    long now = nanoTime.getAsLong();
    lock.lock();
    try {
      InFlight first = inFlight.peekFirst();
      if (first != null && first.request() == frame.id()) {
        inFlight.removeFirst();
        call = first.call();
        wasLast = inFlight.isEmpty();
      }
      endedDirty = dirty;
      holder = lease;
      if (wasLast && !endedDirty) {
        // Before the answer is given: who has it may give the worker back at once.
        nextOfLease = leasedCalls.pollFirst();
        leaseBusy = nextOfLease != null;
        idleSince = now;
      }
    } finally {
      lock.unlock();
    }
    if (call == null) {
      supervisor.onStrayAnswer(frame);
      return;
    }
    answer(call, frame, now - call.startedAt());
    retirement.served().ifPresent(supervisor::onRetireDue);
    if (wasLast && endedDirty) {
      supervisor.onDirtyEnd();
    } else if (wasLast) {
      goOn(nextOfLease, holder);
    }
  }

  private void answer(PendingCall call, Frame frame, long took) {
    boolean succeeded = frame.kind() == Frame.Kind.RESULT;
    tally.countAnswer(took, succeeded);
    source.measured(call, took);
    if (succeeded) {
      call.complete(
          new Reply(
              call.id(),
              id,
              call.attempts(),
              Duration.ofNanos(call.startedAt() - call.enteredAt()),
              Duration.ofNanos(took),
              frame.payload()));
    } else {
      call.fail(failure(call, frame.body()));
    }
  }

  private PythonFailure failure(PendingCall call, byte[] body) {
    try {
      JsonNode tree = Values.mapper().readTree(body);
      return FailureBody.read(call.call().target(), id, tree);
    } catch (PythonFailure.ProtocolViolation unknown) {
      return unknown;
    } catch (IOException | RuntimeException unreadable) {
      return new PythonFailure.ProtocolViolation("a failure that cannot be read: " + unreadable);
    }
  }

  /** Starts the lease's next call, or asks the lane for more. */
  private void goOn() {
    Object holder;
    PendingCall next;
    lock.lock();
    try {
      holder = lease;
      next = leasedCalls.pollFirst();
      leaseBusy = next != null;
    } finally {
      lock.unlock();
    }
    goOn(next, holder);
  }

  private void goOn(@Nullable PendingCall nextOfLease, @Nullable Object holder) {
    if (nextOfLease != null) {
      startNextOfLease(nextOfLease);
    } else if (holder != null) {
      supervisor.onLeaseIdle(holder);
    } else {
      List<PendingCall> more = source.next(this);
      if (!more.isEmpty()) {
        start(more);
      }
    }
  }

  // ---- the end

  /** Sends a ping; only while this worker is out of the lane and idle. */
  void ping(long number) {
    checkedAt = nanoTime.getAsLong();
    connection.send(List.of(Frame.of(Frame.Kind.PING, number)));
  }

  /**
   * Ends this incarnation's part in its calls: those that Python had started fail, or run again if
   * they may; the others go back to where they came from.
   */
  void close(Connection.Closed closed, String cause) {
    List<InFlight> unanswered;
    List<PendingCall> waiting;
    lock.lock();
    try {
      end = closed;
      endCause = cause;
      unanswered = new ArrayList<>(inFlight);
      inFlight.clear();
      waiting = new ArrayList<>(leasedCalls);
      leasedCalls.clear();
      lease = null;
    } finally {
      lock.unlock();
    }
    long lastStarted = connection.lastStarted();
    List<PendingCall> back = new ArrayList<>();
    for (InFlight one : unanswered) {
      boolean started = lastStarted >= one.request();
      PendingCall call = one.call();
      if (call.isDone()) {
        continue;
      }
      if (!one.leased() && (!started || call.mayRunAgain())) {
        if (!started) {
          call.didNotStart();
        }
        back.add(call);
      } else {
        tally.countLost();
        call.fail(lost(call, closed, started, cause));
      }
    }
    waiting.forEach(call -> call.fail(lost(call, closed, false, cause)));
    if (!back.isEmpty()) {
      source.giveBack(back);
    }
  }

  private PythonFailure lost(
      PendingCall call, Connection.Closed closed, boolean started, String cause) {
    if (closed.cause() instanceof PythonFailure.ProtocolViolation violation) {
      return violation;
    }
    return new PythonFailure.WorkerLost(
        call.call().target(),
        id,
        closed.exit(),
        started,
        call.call().retries() > 0,
        cause,
        closed.tail());
  }

  /** Prints as its id. */
  @Override
  public String toString() {
    return "worker " + id;
  }
}
