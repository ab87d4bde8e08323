package io.gorgon.worker;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * This is the lease that a worker is under, if it is: who holds it, and the holder's calls that
 * wait for one another. Guarded by the lock of the {@link Runner} that has it.
 */
final class Tenancy {

  private @Nullable Object holder;
  private boolean used;

  /** One thread at a time starts a lease's calls, so that they are written in their order. */
  private boolean busy;

  private final Deque<PendingCall> waiting = new ArrayDeque<>();

  /** False if somebody has it already. */
  boolean begin(Object newHolder) {
    if (holder != null) {
      return false;
    }
    holder = newHolder;
    used = false;
    busy = false;
    return true;
  }

  boolean isOf(Object somebody) {
    return somebody.equals(holder);
  }

  @Nullable Object holder() {
    return holder;
  }

  /** Takes in a call of the holder; true if nothing of it runs, so that this one can start. */
  boolean enqueue(PendingCall call) {
    boolean wasIdle = !busy;
    waiting.addLast(call);
    used = true;
    busy = true;
    return wasIdle;
  }

  /** It could not be written: it is the next one still. */
  void putBack(PendingCall call) {
    waiting.addFirst(call);
  }

  /** The call to be written now; null when none waits, and then the lease is idle. */
  @Nullable PendingCall next() {
    PendingCall next = waiting.pollFirst();
    busy = next != null;
    return next;
  }

  boolean remove(PendingCall call) {
    return waiting.remove(call);
  }

  List<PendingCall> waiting() {
    return new ArrayList<>(waiting);
  }

  boolean isUsed() {
    return used;
  }

  boolean isBusy() {
    return busy;
  }

  /** Ends it; the calls that waited. */
  List<PendingCall> end() {
    holder = null;
    List<PendingCall> left = waiting();
    waiting.clear();
    return left;
  }
}
