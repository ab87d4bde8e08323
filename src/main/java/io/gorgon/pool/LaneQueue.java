package io.gorgon.pool;

import io.gorgon.worker.PendingCall;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * These are the calls and the claims that wait in the {@link Lane}, in one order of arrival.
 * Guarded by the lane's lock.
 */
final class LaneQueue {

  /** Exactly one of the two is set: a call, or the number of the request that claims a worker. */
  record Entry(@Nullable PendingCall call, long claim) {}

  private final Deque<Entry> entries = new ArrayDeque<>();
  private int calls;

  void addLast(PendingCall call) {
    entries.addLast(new Entry(call, 0));
    calls++;
  }

  /** Puts calls back before all that came after them, and before claims, in their order. */
  void addFirst(List<PendingCall> returned) {
    Deque<Entry> older = new ArrayDeque<>(0);
    for (int i = returned.size() - 1; i >= 0; i--) {
      PendingCall call = returned.get(i);
      // Some come back one by one, and those before it may be here already.
      while (!entries.isEmpty() && isOlder(entries.peekFirst(), call)) {
        older.addLast(entries.pollFirst());
      }
      entries.addFirst(new Entry(call, 0));
      calls++;
      while (!older.isEmpty()) {
        entries.addFirst(older.pollLast());
      }
    }
  }

  private static boolean isOlder(Entry entry, PendingCall call) {
    return entry.call() != null && entry.call().enteredAt() - call.enteredAt() < 0;
  }

  void addClaim(long request, boolean first) {
    var entry = new Entry(null, request);
    if (first) {
      entries.addFirst(entry);
    } else {
      entries.addLast(entry);
    }
  }

  /** The first one that has not been answered meanwhile; null if there is none. */
  @Nullable Entry poll() {
    for (Entry head = entries.pollFirst(); head != null; head = entries.pollFirst()) {
      if (head.call() == null) {
        return head;
      }
      calls--;
      if (!head.call().isDone()) {
        return head;
      }
    }
    return null;
  }

  /**
   * Takes calls from the head into {@code batch}, as long as they fit behind so many, until it has
   * {@code most}.
   */
  void pollInto(List<PendingCall> batch, int most, BiPredicate<PendingCall, Integer> fits) {
    while (batch.size() < most) {
      Entry head = entries.peekFirst();
      if (head == null || head.call() == null || !fits.test(head.call(), batch.size())) {
        return;
      }
      entries.removeFirst();
      calls--;
      if (!head.call().isDone()) {
        batch.add(head.call());
      }
    }
  }

  boolean remove(PendingCall call) {
    boolean removed = entries.removeIf(entry -> entry.call() == call);
    calls -= removed ? 1 : 0;
    return removed;
  }

  boolean removeClaim(long request) {
    return entries.removeIf(entry -> entry.call() == null && entry.claim() == request);
  }

  /** Takes out the calls that are meant; claims stay. */
  List<PendingCall> removeCalls(Predicate<PendingCall> which) {
    List<PendingCall> removed = new ArrayList<>(0);
    for (Iterator<Entry> each = entries.iterator(); each.hasNext(); ) {
      PendingCall call = each.next().call();
      if (call != null && which.test(call)) {
        removed.add(call);
        each.remove();
        calls--;
      }
    }
    return removed;
  }

  /** Calls that wait, those included that were answered meanwhile and not yet taken out. */
  int calls() {
    return calls;
  }

  boolean isEmpty() {
    return entries.isEmpty();
  }

  /** Since when the first call waits. */
  OptionalLong waitingSince() {
    for (Entry entry : entries) {
      if (entry.call() != null) {
        return OptionalLong.of(entry.call().enteredAt());
      }
    }
    return OptionalLong.empty();
  }
}
