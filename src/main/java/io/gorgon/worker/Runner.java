package io.gorgon.worker;

import io.gorgon.connection.Connection;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.WorkerId;
import io.gorgon.wire.Frame;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
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

  private static final byte[] NO_CREDIT = "{\"n\":0}".getBytes(StandardCharsets.UTF_8);

  private final WorkerId id;
  private final Connection connection;
  private final CallSource source;
  private final Supervisor supervisor;
  private final Retirement retirement;
  private final Answers answers;
  private final PythonLog log;
  private final LongSupplier nanoTime;
  private final int concurrency;

  private final ReentrantLock lock = new ReentrantLock();

  /**
   * Held from the numbering of requests until they are written, so that Python reads them in their
   * order, and nothing about one before it. Taken before the other lock.
   */
  private final ReentrantLock writing = new ReentrantLock();

  private final Flights flights;
  private final Rescue rescue;
  private final Tenancy tenancy = new Tenancy();
  private final Gathering gathering = new Gathering();
  private long answeredAt;

  private Connection.@Nullable Closed end;
  private String endCause = "";

  /** A call that it ran outlived its deadline or its owner: it takes nothing more. */
  private volatile boolean dirty;

  private volatile long idleSince;
  private volatile long checkedAt;

  Runner(
      WorkerId id,
      Connection connection,
      int concurrency,
      CallSource source,
      Supervisor supervisor,
      Retirement retirement,
      Tally tally,
      LongSupplier nanoTime) {
    this.id = id;
    this.connection = connection;
    this.concurrency = concurrency;
    this.source = source;
    this.supervisor = supervisor;
    this.retirement = retirement;
    this.answers = new Answers(id, tally, source);
    this.log = new PythonLog(id);
    this.nanoTime = nanoTime;
    this.flights = new Flights(lock, concurrency == 1);
    this.rescue = new Rescue(flights, connection);
    this.idleSince = nanoTime.getAsLong();
    this.checkedAt = idleSince;
  }

  public WorkerId id() {
    return id;
  }

  /** Calls that it runs at once. */
  public int concurrency() {
    return concurrency;
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
    lock.lock();
    try {
      return Math.max(0, retirement.callsLeft() - flights.size());
    } finally {
      lock.unlock();
    }
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
   * Writes calls to this worker. Calls whose caller has gone meanwhile are left out; where the
   * worker died meanwhile, they go back to the source.
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
        tenancy.putBack(call);
      }
    } finally {
      lock.unlock();
    }
    if (ended != null) {
      call.fail(answers.lost(call, ended, false, endCause));
    }
  }

  private boolean write(List<PendingCall> calls, boolean leased) {
    List<InFlight> written = new ArrayList<>(calls.size());
    List<PendingCall> gone = new ArrayList<>(0);
    writing.lock();
    try {
      if (!number(calls, leased, written, gone)) {
        return false;
      }
      if (!written.isEmpty()) {
        List<Frame> frames = new ArrayList<>(written.size());
        for (InFlight flight : written) {
          Settlement settles = flight.call().settlement();
          Frame opening =
              settles == null ? null : settles.opening(flight.request(), id, flight.leased());
          if (opening != null) {
            frames.add(opening);
          }
          frames.add(Frame.of(Frame.Kind.REQUEST, flight.request(), flight.call().body()));
        }
        long position = connection.send(frames);
        written.forEach(flight -> flight.wasSent(position));
      }
    } finally {
      writing.unlock();
    }
    gone.forEach(PendingCall::leaves);
    if (written.isEmpty()) {
      onNothingWritten(leased);
    }
    return true;
  }

  /** Takes calls up, those that nobody waits for left out; false if this worker takes none. */
  private boolean number(
      List<PendingCall> calls, boolean leased, List<InFlight> written, List<PendingCall> gone) {
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
        long request = flights.nextRequest();
        call.starts(this, request, now);
        if (call.isDone()) {
          // Its caller left while it changed hands, and believes that it never ran.
          gone.add(call);
          continue;
        }
        var flight = new InFlight(request, call, leased);
        flights.add(flight);
        written.add(flight);
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  private void onNothingWritten(boolean leased) {
    if (leased) {
      goOnWithLease();
    } else if (concurrency > 1 || flights.isEmpty()) {
      startAll(source.next(this));
    }
  }

  private void startAll(List<PendingCall> calls) {
    if (!calls.isEmpty()) {
      start(calls);
    }
  }

  /**
   * Runs a call under a lease, behind those that the lease has running.
   *
   * @return false if {@code holder} does not have this worker (any more)
   */
  public boolean startLeased(Object holder, PendingCall call) {
    boolean startNow;
    lock.lock();
    try {
      if (end != null || dirty || !tenancy.isOf(holder)) {
        return false;
      }
      call.heldBy(this);
      startNow = tenancy.enqueue(call);
    } finally {
      lock.unlock();
    }
    if (startNow) {
      goOnWithLease();
    }
    return true;
  }

  private void goOnWithLease() {
    Object holder;
    PendingCall next;
    lock.lock();
    try {
      holder = tenancy.holder();
      next = tenancy.next();
    } finally {
      lock.unlock();
    }
    if (next != null) {
      startNextOfLease(next);
    } else if (holder != null) {
      supervisor.onLeaseIdle(holder);
    }
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
      return flights.isEmpty() && tenancy.begin(holder);
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
      return tenancy.isOf(holder);
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
      if (!tenancy.isOf(holder)) {
        return Leftover.NOT_OWNED;
      }
      leftover =
          tenancy.isBusy() || dirty
              ? Leftover.BUSY
              : tenancy.isUsed() ? Leftover.USED : Leftover.UNUSED;
      waiting = tenancy.end();
      idleSince = nanoTime.getAsLong();
    } finally {
      lock.unlock();
    }
    String why = "its checkout ended: " + holder;
    waiting.forEach(
        call -> call.fail(new PythonFailure.Cancelled(call.call().target(), false, why)));
    return leftover;
  }

  /** Stops whatever runs, for whom it may be; its callers get {@code why}. */
  public void abandonAll(Function<PendingCall, PythonFailure> why) {
    flights.all().forEach(one -> one.call().abandon(why.apply(one.call()), true));
  }

  // ---- time

  /**
   * Answers every call whose deadline has passed, and takes calls back that wait behind one that
   * turned out slow. To be called every few milliseconds.
   */
  public void tend(long now) {
    List<PendingCall> overdue = new ArrayList<>(0);
    List<PendingCall> back;
    lock.lock();
    try {
      back = concurrency == 1 ? rescue.look() : List.of();
      for (InFlight flight : flights.all()) {
        if (flight.call().isOverdue(now)) {
          overdue.add(flight.call());
        }
      }
      for (PendingCall call : tenancy.waiting()) {
        if (call.isOverdue(now)) {
          overdue.add(call);
        }
      }
    } finally {
      lock.unlock();
    }
    overdue.forEach(PendingCall::expire);
    if (!back.isEmpty()) {
      back.forEach(PendingCall::leaves);
      source.giveBack(back);
    }
  }

  // ---- the holder's part

  @Override
  public void keepFromStarting(PendingCall call) {
    if (call.request() > 0) {
      connection.markCancelled(call.request());
    }
  }

  @Override
  public boolean hasStarted(PendingCall call) {
    return call.request() > 0 && connection.lastStarted() >= call.request();
  }

  @Override
  public long send(PendingCall call, LongFunction<Frame> frame) {
    writing.lock();
    try {
      InFlight flight = flights.of(call.request());
      return flight == null || flight.call() != call
          ? -1
          : connection.send(List.of(frame.apply(flight.request())));
    } finally {
      writing.unlock();
    }
  }

  @Override
  public void noteRead(long position) {
    connection.noteRead(position);
  }

  @Override
  public void onAbandoned(PendingCall call, boolean dirtyEnd) {
    InFlight flight;
    boolean ends = false;
    lock.lock();
    try {
      flight = flights.of(call);
      // With several calls at once, one that ends within its grace leaves its neighbours alone.
      ends = dirtyEnd && flight != null && (concurrency == 1 || flight.leased());
      if (flight == null) {
        tenancy.remove(call);
      } else if (ends) {
        // In one step with the look: an answer comes either before, and all is well, or after.
        dirty = true;
      }
    } finally {
      lock.unlock();
    }
    if (flight != null) {
      connection.markCancelled(flight.request());
      if (call.isStream()) {
        // It may wait for credit: let it look at its mark.
        send(call, request -> Frame.of(Frame.Kind.CREDIT, request, NO_CREDIT));
      }
      supervisor.onAbandoned(flight.request(), ends);
    }
  }

  /** Whether Python runs that request: written, started, and not answered. */
  boolean isRunning(long request) {
    long started = connection.lastStarted();
    return isInFlight(request) && (concurrency == 1 ? started == request : started >= request);
  }

  /** Whether Python has started a call that has no answer yet. */
  public boolean isRunning() {
    InFlight first = flights.first();
    return first != null && connection.lastStarted() >= first.request();
  }

  /** Whether that request is the next that Python will come to, and nothing runs before it. */
  boolean isNext(long request) {
    InFlight first = flights.first();
    return first != null && first.request() == request && connection.lastStarted() < request;
  }

  /** Whether that request has been written and not answered. */
  boolean isInFlight(long request) {
    return flights.of(request) != null;
  }

  // ---- frames out, on the I/O thread

  /** Takes what the worker sent. */
  void onFrame(Frame frame) {
    switch (frame.kind()) {
      case RESULT, FAILURE, END -> onAnswer(frame);
      case CHUNK, HOST_CALL, PROGRESS, PULL, PATCH -> onSaid(frame);
      case LOG -> onLog(frame);
      case PONG -> supervisor.onPong(frame.id());
      default ->
          throw new PythonFailure.ProtocolViolation("it sent " + frame.kind() + " while it ran");
    }
  }

  /**
   * Takes note that all that had come has been taken, and gives the worker more before it runs dry.
   *
   * @return for how many nanoseconds the next answers may gather before the next look; 0 if one is
   *     to be taken as soon as it comes
   */
  long onPause() {
    if (concurrency > 1 || dirty) {
      return 0;
    }
    int left = flights.size();
    if (left == 0 || isRescuing()) {
      return 0;
    }
    List<PendingCall> more = source.more(this, left);
    startAll(more);
    return gathering.pause(nanoTime.getAsLong(), left + more.size());
  }

  private boolean isRescuing() {
    lock.lock();
    try {
      return rescue.isUnderWay();
    } finally {
      lock.unlock();
    }
  }

  private void onSaid(Frame frame) {
    InFlight flight = flights.of(frame.id());
    if (flight == null) {
      supervisor.onStrayAnswer(frame);
      return;
    }
    PendingCall call = flight.call();
    if (frame.kind() == Frame.Kind.PATCH) {
      onPatch(call, frame);
    } else {
      call.onSaid(frame);
    }
  }

  private static void onPatch(PendingCall call, Frame frame) {
    Settlement settles = call.settlement();
    if (settles == null) {
      throw new PythonFailure.ProtocolViolation("it sent PATCH for a call of no session");
    }
    settles.onPatch(call, frame);
  }

  private void onLog(Frame frame) {
    InFlight flight = flights.of(frame.id());
    log.write(frame, flight == null ? null : flight.call());
  }

  private void onAnswer(Frame frame) {
    InFlight flight;
    boolean expected;
    boolean endedDirty;
    PendingCall nextOfLease = null;
    Object holder = null;
    int left;
    long since;
    long now = nanoTime.getAsLong();
    lock.lock();
    try {
      flight = flights.land(frame.id());
      expected = flight != null || flights.landWithdrawn(frame.id());
      endedDirty = dirty;
      left = flights.size();
      since = answeredAt;
      answeredAt = now;
      if (left == 0) {
        idleSince = now;
      }
      if (flight != null && flight.leased() && !endedDirty) {
        // Before the answer is given: who has it may give the worker back at once.
        holder = tenancy.holder();
        nextOfLease = tenancy.next();
      }
    } finally {
      lock.unlock();
    }
    if (flight == null) {
      if (!expected) {
        supervisor.onStrayAnswer(frame);
      }
      return;
    }
    connection.noteRead(flight.sentUpTo());
    retirement.served().ifPresent(supervisor::onRetireDue);
    boolean free = !endedDirty && !flight.leased() && concurrency == 1 && left == 0;
    // Before the answer is given: a caller's next call finds the worker idle that served the last.
    List<PendingCall> next = free ? source.next(this) : List.of();
    if (holder != null && nextOfLease == null) {
      supervisor.onLeaseIdle(holder);
    }
    answers.give(flight, frame, concurrency == 1 ? since : flight.call().startedAt(), now);
    if (endedDirty) {
      if (left == 0) {
        supervisor.onDirtyEnd();
      }
    } else if (nextOfLease != null) {
      startNextOfLease(nextOfLease);
    } else if (!flight.leased()) {
      gathering.onAnswer();
      startAll(concurrency > 1 ? source.next(this) : next);
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
   *
   * @param mayMove whether there is a pool that finds another worker for a call under a lease
   * @return the lease if it was taken for a call that another worker may run; that is not answered
   */
  Optional<Object> close(Connection.Closed closed, String cause, boolean mayMove) {
    List<InFlight> unanswered;
    List<InFlight> left;
    List<PendingCall> waiting;
    Object holder;
    lock.lock();
    try {
      holder = tenancy.holder();
      end = closed;
      endCause = cause;
      unanswered = flights.clear();
      left = List.copyOf(unanswered);
      waiting = tenancy.end();
    } finally {
      lock.unlock();
    }
    long lastStarted = connection.lastStarted();
    Predicate<PendingCall> moves = call -> mayMove && call.isRoaming() && !call.isDone();
    boolean moving = waiting.stream().anyMatch(moves);
    for (InFlight flight : left) {
      if (lastStarted < flight.request()
          && moves.test(flight.call())
          && flight.call().outlivesADeath()) {
        unanswered.remove(flight);
        flight.call().didNotStart();
        moving = true;
      }
    }
    List<PendingCall> back = answers.giveUp(unanswered, closed, lastStarted, cause);
    left.forEach(flight -> flight.call().leaves());
    waiting.stream()
        .filter(moves.negate())
        .forEach(call -> call.fail(answers.lost(call, closed, false, cause)));
    if (!back.isEmpty()) {
      source.giveBack(back);
    }
    return moving ? Optional.ofNullable(holder) : Optional.empty();
  }

  /** Prints as its id. */
  @Override
  public String toString() {
    return "worker " + id;
  }
}
