package io.gorgon.pool;

import io.gorgon.message.PythonFailure;
import io.gorgon.worker.CallSource;
import io.gorgon.worker.PendingCall;
import io.gorgon.worker.Runner;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
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

  /** Calls and claims in one order of arrival; exactly one of the two fields is set. */
  private record Entry(@Nullable PendingCall call, long claim) {}

  private final int capacity;
  private final int batch;
  private final Pace pace;
  private final Supervisor supervisor;
  private final Supplier<PythonFailure> overloaded;

  private final ReentrantLock lock = new ReentrantLock();
  private final Deque<Entry> entries = new ArrayDeque<>();
  private final Deque<Runner> idle = new ArrayDeque<>();
  private final Set<Runner> members = new HashSet<>();
  private final Set<Runner> wanted = new HashSet<>();

  /** They have run as many calls as they may, and wait for their replacements. */
  private final Set<Runner> spent = new HashSet<>();

  private int waitingCalls;
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
    Runner runner = null;
    PythonFailure refusal = null;
    boolean nobody = false;
    lock.lock();
    try {
      if (closed != null) {
        refusal = closed;
      } else if (broken != null) {
        refusal = broken;
      } else {
        runner = pollIdle();
        if (runner == null) {
          if (waitingCalls >= capacity) {
            refusal = overloaded.get();
          } else {
            call.heldBy(this);
            entries.addLast(new Entry(call, 0));
            waitingCalls++;
            nobody = members.isEmpty();
          }
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

  /** The idle worker that was used last, since it is the warmest; one that closed is left out. */
  private @Nullable Runner pollIdle() {
    Runner runner = idle.pollFirst();
    while (runner != null && !runner.isOpen()) {
      runner = idle.pollFirst();
    }
    return runner;
  }

  // ---- workers in and out

  /** Lets the lane use a worker that is idle; it may get something to do at once. */
  void admit(Runner runner) {
    lock.lock();
    try {
      members.add(runner);
    } finally {
      lock.unlock();
    }
    List<PendingCall> calls = next(runner);
    if (!calls.isEmpty()) {
      runner.start(calls);
    }
  }

  /** A worker has gone; it is told nothing more. */
  void remove(Runner runner) {
    lock.lock();
    try {
      members.remove(runner);
      idle.remove(runner);
      wanted.remove(runner);
      spent.remove(runner);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes a worker out for {@code request}: {@code preferred} if that is idle, else any idle one,
   * else the first that the line's order gives. The supervisor is told, perhaps before this
   * returns.
   *
   * @param first whether the claim goes before everything that waits
   */
  void claimAny(long request, @Nullable Runner preferred, boolean first) {
    Runner runner = null;
    lock.lock();
    try {
      if (preferred != null && preferred.isOpen() && idle.remove(preferred)) {
        runner = preferred;
      } else {
        runner = pollIdle();
      }
      if (runner != null) {
        members.remove(runner);
      } else if (first) {
        entries.addFirst(new Entry(null, request));
      } else {
        entries.addLast(new Entry(null, request));
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
    lock.lock();
    try {
      entries.removeIf(entry -> entry.call() == null && entry.claim() == request);
    } finally {
      lock.unlock();
    }
  }

  /** Takes this very worker out, at once if it is idle, else when it has done what it does. */
  void claim(Runner runner) {
    boolean now;
    lock.lock();
    try {
      now = idle.remove(runner) || spent.remove(runner);
      if (now) {
        members.remove(runner);
      } else if (members.contains(runner)) {
        wanted.add(runner);
      }
    } finally {
      lock.unlock();
    }
    if (now) {
      supervisor.onClaimed(runner, 0);
    }
  }

  @Override
  public List<PendingCall> next(Runner runner) {
    long claim = 0;
    boolean byName = false;
    List<PendingCall> calls = List.of();
    lock.lock();
    try {
      if (!members.contains(runner)) {
        return List.of();
      }
      byName = wanted.remove(runner);
      if (!byName && runner.callsLeft() == 0) {
        spent.add(runner);
        return List.of();
      }
      if (!byName) {
        Entry head = pollLive();
        if (head == null) {
          idle.addFirst(runner);
          return List.of();
        }
        if (head.call() == null) {
          claim = head.claim();
        } else {
          calls = batchFrom(head.call(), runner.callsLeft());
        }
      }
      if (byName || claim != 0) {
        members.remove(runner);
      }
    } finally {
      lock.unlock();
    }
    if (byName || claim != 0) {
      supervisor.onClaimed(runner, claim);
    }
    return calls;
  }

  private @Nullable Entry pollLive() {
    Entry head = entries.pollFirst();
    while (head != null && head.call() != null) {
      waitingCalls--;
      if (!head.call().isDone()) {
        return head;
      }
      head = entries.pollFirst();
    }
    return head;
  }

  /** The first call, and more that are short too, as far as they stand right behind it. */
  private List<PendingCall> batchFrom(PendingCall first, int most) {
    int limit = Math.min(Math.min(batch, most), 1 + waitingCalls / Math.max(1, members.size()));
    if (limit <= 1 || !pace.isShort(first.call().target())) {
      return List.of(first);
    }
    var calls = new ArrayList<PendingCall>(limit);
    calls.add(first);
    while (calls.size() < limit) {
      Entry head = entries.peekFirst();
      if (head == null || head.call() == null || !pace.isShort(head.call().call().target())) {
        break;
      }
      entries.removeFirst();
      waitingCalls--;
      if (!head.call().isDone()) {
        calls.add(head.call());
      }
    }
    return calls;
  }

  @Override
  public void giveBack(List<PendingCall> calls) {
    PythonFailure refusal;
    lock.lock();
    try {
      refusal = closed != null ? closed : broken;
      if (refusal == null) {
        for (int i = calls.size() - 1; i >= 0; i--) {
          calls.get(i).heldBy(this);
          entries.addFirst(new Entry(calls.get(i), 0));
          waitingCalls++;
        }
      }
    } finally {
      lock.unlock();
    }
    if (refusal != null) {
      for (PendingCall call : calls) {
        call.fail(refusal);
      }
      return;
    }
    offerToIdle();
  }

  /** Calls that came back may find workers that went idle before them. */
  private void offerToIdle() {
    while (true) {
      Runner runner;
      lock.lock();
      try {
        runner = entries.isEmpty() ? null : pollIdle();
      } finally {
        lock.unlock();
      }
      if (runner == null) {
        return;
      }
      List<PendingCall> calls = next(runner);
      if (!calls.isEmpty()) {
        runner.start(calls);
      }
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
      if (entries.removeIf(entry -> entry.call() == call)) {
        waitingCalls--;
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean hasStarted(PendingCall call) {
    return call.attempts() > 0; // it came back from a worker that died in it
  }

  /** Answers every waiting call whose deadline has passed. */
  void expire(long now) {
    List<PendingCall> overdue = new ArrayList<>(0);
    lock.lock();
    try {
      for (Iterator<Entry> each = entries.iterator(); each.hasNext(); ) {
        PendingCall call = each.next().call();
        if (call != null && call.isOverdue(now)) {
          overdue.add(call);
          each.remove();
          waitingCalls--;
        }
      }
    } finally {
      lock.unlock();
    }
    overdue.forEach(PendingCall::expire);
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
    List<PendingCall> waiting = new ArrayList<>();
    lock.lock();
    try {
      if (forGood) {
        closed = failure;
      } else {
        broken = failure;
      }
      for (Iterator<Entry> each = entries.iterator(); each.hasNext(); ) {
        PendingCall call = each.next().call();
        if (call != null) {
          waiting.add(call);
          each.remove();
        }
      }
      waitingCalls = 0;
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
      return waitingCalls;
    } finally {
      lock.unlock();
    }
  }

  /** Since when the first waiting call waits. */
  OptionalLong waitingSince() {
    lock.lock();
    try {
      for (Entry entry : entries) {
        if (entry.call() != null) {
          return OptionalLong.of(entry.call().enteredAt());
        }
      }
      return OptionalLong.empty();
    } finally {
      lock.unlock();
    }
  }

  /** Workers that have nothing to do, the one that was used last first. */
  List<Runner> idle() {
    lock.lock();
    try {
      return List.copyOf(idle);
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
