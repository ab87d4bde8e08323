package io.gorgon.pool;

import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.DeadlineExceeded.Phase;
import io.gorgon.message.WorkerId;
import io.gorgon.worker.CallSource;
import io.gorgon.worker.PendingCall;
import io.gorgon.worker.Runner;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * This is where one-shot calls wait. Workers that are ready and not leased take from it with their
 * own I/O threads; a call that finds an idle worker is written by its caller's thread. No actor
 * stands on this road. Claims of the pool, which wants a worker for a lease, wait in the same line,
 * so that calls and checkouts are served in the order of their arrival.
 *
 * <p>Thread-safe; the lock is held for tens of nanoseconds and never while something is sent.
 */
final class Lane implements CallSource, PendingCall.Holder {

  /** Who is told what the lane cannot decide. Must not block. */
  interface Supervisor {

    /** A worker is out of the lane, idle, as it was asked for; {@code request} 0 if by name. */
    void onClaimed(Runner runner, long request);

    /** A call waits, and there is nobody who could take it. */
    void onNobodyThere();
  }

  private final int capacity;
  private final int batch;
  private final Pace pace;
  private final Supervisor supervisor;
  private final Supplier<PythonFailure> overloaded;

  private final ReentrantLock lock = new ReentrantLock();
  private final LaneQueue queue = new LaneQueue();
  private final LaneRoom room = new LaneRoom();

  /** Whether any worker has ever got ready. */
  private volatile boolean staffed;

  private @Nullable PythonFailure broken;
  private @Nullable PythonFailure closed;

  private final LongAdder accepted = new LongAdder();
  private final LongAdder refused = new LongAdder();

  Lane(
      int capacity,
      int batch,
      long shortCallNanos,
      Supervisor supervisor,
      Supplier<PythonFailure> overloaded) {
    this.capacity = capacity;
    this.batch = batch;
    this.pace = new Pace(shortCallNanos);
    this.supervisor = supervisor;
    this.overloaded = overloaded;
  }

  // ---- calls in

  /** Runs the call on an idle worker, lets it wait, or answers it with a failure, at once. */
  void offer(PendingCall call) {
    offer(call, null);
  }

  /** The same; {@code preferred} is the worker that it should have if that is idle. */
  void offer(PendingCall call, @Nullable WorkerId preferred) {
    Runner runner = null;
    PythonFailure refusal;
    boolean nobody = false;
    lock.lock();
    try {
      refusal = closed != null ? closed : broken;
      if (refusal == null) {
        runner = room.pollIdle(preferred);
        if (runner == null && queue.calls() >= capacity) {
          refusal = overloaded.get();
        } else if (runner == null) {
          call.heldBy(this);
          queue.addLast(call);
          nobody = room.isEmpty();
        }
      }
    } finally {
      lock.unlock();
    }
    if (refusal != null) {
      refused.increment();
      call.fail(refusal);
      return;
    }
    accepted.increment();
    if (runner != null) {
      runner.start(List.of(call));
    } else if (nobody) {
      supervisor.onNobodyThere();
    }
    if (call.isDone()) {
      onAbandoned(call, false);
    }
  }

  // ---- workers in and out

  /** Lets the lane use a worker that is idle; it may get something to do at once. */
  void admit(Runner runner) {
    staffed = true;
    lock.lock();
    try {
      room.add(runner);
    } finally {
      lock.unlock();
    }
    for (int place = 0; place < runner.concurrency(); place++) {
      fill(runner);
    }
  }

  private void fill(Runner runner) {
    List<PendingCall> calls = next(runner);
    if (!calls.isEmpty()) {
      runner.start(calls);
    }
  }

  /** A worker has gone; it is told nothing more. */
  void remove(Runner runner) {
    lock.lock();
    try {
      long request = room.remove(runner);
      if (request != LaneRoom.BY_NAME) {
        queue.addClaim(request, true);
      }
    } finally {
      lock.unlock();
    }
    offerToIdle();
  }

  /**
   * Takes a worker out for {@code request}: {@code preferred} if that is idle, else any idle one,
   * else the first that the line's order gives. The supervisor is told, perhaps before this
   * returns.
   *
   * @param first whether the claim goes before everything that waits
   */
  void claimAny(long request, @Nullable Runner preferred, boolean first) {
    Runner runner;
    lock.lock();
    try {
      runner = room.idlest(preferred);
      if (runner == null) {
        queue.addClaim(request, first);
      } else {
        room.want(runner, request);
        runner = handOut(runner);
      }
    } finally {
      lock.unlock();
    }
    if (runner != null) {
      supervisor.onClaimed(runner, request);
    }
  }

  /** Forgets the claim of {@code request}, if it still waits. */
  void unclaim(long request) {
    Runner spared = null;
    int places = 0;
    lock.lock();
    try {
      if (!queue.removeClaim(request)) {
        spared = room.unwant(request);
        places = spared == null ? 0 : room.release(spared);
      }
    } finally {
      lock.unlock();
    }
    for (int place = 0; spared != null && place < places; place++) {
      fill(spared);
    }
  }

  /** Takes this very worker out, at once if it is idle, else when it has done what it does. */
  void claim(Runner runner) {
    Runner out = null;
    lock.lock();
    try {
      if (room.contains(runner)) {
        room.want(runner, LaneRoom.BY_NAME);
        out = handOut(runner);
      }
    } finally {
      lock.unlock();
    }
    if (out != null) {
      supervisor.onClaimed(out, LaneRoom.BY_NAME);
    }
  }

  /** Takes a worker out if nothing runs on it; null if something does. */
  private @Nullable Runner handOut(Runner runner) {
    if (!room.isWhole(runner)) {
      return null;
    }
    room.remove(runner);
    return runner;
  }

  @Override
  public List<PendingCall> next(Runner free) {
    long claim;
    lock.lock();
    try {
      if (!room.contains(free)) {
        return List.of();
      }
      if (room.isWanted(free) || free.callsLeft() == 0) {
        // Spent workers wait for their replacements, who will have them claimed by name.
        room.hold(free);
      } else {
        LaneQueue.Entry head = queue.poll();
        if (head == null) {
          room.rest(free);
          return List.of();
        }
        if (head.call() != null) {
          return batchFrom(head.call(), free);
        }
        room.hold(free);
        room.want(free, head.claim());
      }
      if (!room.isWhole(free)) {
        return List.of();
      }
      claim = room.remove(free);
    } finally {
      lock.unlock();
    }
    supervisor.onClaimed(free, claim);
    return List.of();
  }

  @Override
  public List<PendingCall> more(Runner busy, int left) {
    lock.lock();
    try {
      if (!room.contains(busy) || room.isWanted(busy)) {
        return List.of();
      }
      int most = Math.min(Math.min(batch - left, share()), busy.callsLeft());
      List<PendingCall> calls = new ArrayList<>(Math.max(0, most));
      queue.pollInto(calls, most, (call, taken) -> fitsBehind(call, left + taken));
      return calls;
    } finally {
      lock.unlock();
    }
  }

  /** The first call, and more that are short too, as far as they stand right behind it. */
  private List<PendingCall> batchFrom(PendingCall first, Runner free) {
    int most = Math.min(Math.min(batch, 1 + share()), free.callsLeft());
    if (most <= 1 || free.concurrency() > 1 || !fitsBehind(first, 0)) {
      return List.of(first);
    }
    List<PendingCall> calls = new ArrayList<>(most);
    calls.add(first);
    queue.pollInto(calls, most, this::fitsBehind);
    return calls;
  }

  /** What a worker may take of the waiting calls, so that something is left for its neighbours. */
  private int share() {
    return queue.calls() / Math.max(1, room.size());
  }

  /** Whether a call may wait behind so many in the hands of a worker. */
  private boolean fitsBehind(PendingCall call, int others) {
    return others < pace.room(call.call().target(), batch) && call.body().size() <= SMALL;
  }

  /** Bytes of a call that may travel with others; what is larger takes its time on the way. */
  private static final int SMALL = 4 * 1024;

  @Override
  public void giveBack(List<PendingCall> calls) {
    PythonFailure refusal;
    lock.lock();
    try {
      refusal = closed != null ? closed : broken;
      if (refusal == null) {
        calls.forEach(call -> call.heldBy(this));
        queue.addFirst(calls);
      }
    } finally {
      lock.unlock();
    }
    if (refusal != null) {
      PythonFailure why = refusal;
      calls.forEach(call -> call.fail(why));
      return;
    }
    calls.stream().filter(PendingCall::isDone).forEach(call -> onAbandoned(call, false));
    offerToIdle();
  }

  /** What came back may find workers that went idle before. */
  private void offerToIdle() {
    while (true) {
      Runner runner;
      lock.lock();
      try {
        runner = queue.isEmpty() ? null : room.pollIdle();
      } finally {
        lock.unlock();
      }
      if (runner == null) {
        return;
      }
      fill(runner);
    }
  }

  @Override
  public void measured(PendingCall call, long nanos) {
    pace.measured(call.call().target(), nanos);
  }

  // ---- calls out

  @Override
  public void onAbandoned(PendingCall call, boolean dirty) {
    lock.lock();
    try {
      queue.remove(call);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean hasStarted(PendingCall call) {
    return call.attempts() > 0; // it came back from a worker that died in it
  }

  @Override
  public Phase waitsIn() {
    return staffed ? Phase.QUEUED : Phase.STARTING;
  }

  /** Answers every waiting call whose deadline has passed. */
  void expire(long now) {
    take(call -> call.isOverdue(now)).forEach(PendingCall::expire);
  }

  private List<PendingCall> take(java.util.function.Predicate<PendingCall> which) {
    lock.lock();
    try {
      return queue.removeCalls(which);
    } finally {
      lock.unlock();
    }
  }

  /** Refuses new calls and answers those that wait, with {@code failure}; claims stay. */
  void breakWith(PythonFailure failure) {
    refuseAll(failure, false);
  }

  /** Takes calls again, unless it is closed. */
  void mend() {
    lock.lock();
    try {
      broken = null;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Refuses all calls from now on, and answers those that wait; workers may finish what they do.
   */
  void close(PythonFailure failure) {
    refuseAll(failure, true);
  }

  private void refuseAll(PythonFailure failure, boolean forGood) {
    List<PendingCall> waiting;
    lock.lock();
    try {
      if (forGood) {
        closed = failure;
      } else {
        broken = failure;
      }
      waiting = queue.removeCalls(call -> true);
    } finally {
      lock.unlock();
    }
    waiting.forEach(call -> call.fail(failure));
  }

  // ---- looking

  /** Calls that wait. */
  int waiting() {
    lock.lock();
    try {
      return queue.calls();
    } finally {
      lock.unlock();
    }
  }

  /** Since when the first waiting call waits. */
  OptionalLong waitingSince() {
    lock.lock();
    try {
      return queue.waitingSince();
    } finally {
      lock.unlock();
    }
  }

  /** Workers that have nothing to do, the one that was used last first. */
  List<Runner> idle() {
    lock.lock();
    try {
      return room.idle();
    } finally {
      lock.unlock();
    }
  }

  /** Calls taken in since the start. */
  long accepted() {
    return accepted.sum();
  }

  /** Calls refused at the door since the start. */
  long refused() {
    return refused.sum();
  }

  /** Prints as where a call waits. */
  @Override
  public String toString() {
    return "the lane";
  }
}
