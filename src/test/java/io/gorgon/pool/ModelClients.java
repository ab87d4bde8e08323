package io.gorgon.pool;

import static io.gorgon.pool.CheckoutKind.Affinity.PINNED;
import static io.gorgon.pool.CheckoutKind.Affinity.PINNED_FAIL_FAST;
import static io.gorgon.pool.CheckoutKind.Affinity.PREFER;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** The clients of the modelled pool: what they asked for, who waits, and the leases they hold. */
final class ModelClients {

  /** A lease as its holder has it; one that {@code runs} is a session call's. */
  record Held(Lease lease, long request, boolean runs) {}

  /** The one actor that is named as an owner. */
  static final int OWNER = 1;

  /** The one session that there is. */
  static final String SESSION = "s";

  /** What can be asked for; an action names one by its index. */
  static final List<CheckoutKind> KINDS =
      List.of(
          CheckoutKind.anonymous(),
          CheckoutKind.session(SESSION, PREFER),
          CheckoutKind.session(SESSION, PINNED),
          CheckoutKind.session(SESSION, PINNED_FAIL_FAST));

  private final int most;
  private long requests;
  private boolean ownerDead;

  /** By request: how it was asked, as {@link ModelAction#how} codes it. */
  private final TreeMap<Long, Integer> kinds = new TreeMap<>();

  /** Requests without an answer. */
  private final Set<Long> open = new TreeSet<>();

  private final Set<Long> cancelled = new TreeSet<>();
  private final List<Held> held = new ArrayList<>(2);

  /** Leases that were given back. */
  private final Set<Lease> ended = new HashSet<>(2);

  /** Clients that ask at most {@code most} times together. */
  ModelClients(int most) {
    this.most = most;
  }

  boolean mayAsk() {
    return requests < most;
  }

  boolean haveAsked() {
    return requests > 0;
  }

  boolean isOwnerDead() {
    return ownerDead;
  }

  void ownerDies() {
    ownerDead = true;
  }

  /** Asks; the number of the request. */
  long ask(int how) {
    long request = ++requests;
    kinds.put(request, how);
    open.add(request);
    return request;
  }

  static boolean runs(int how) {
    return (how & 1) == 1;
  }

  static CheckoutKind kind(int how) {
    return KINDS.get(how >> 1);
  }

  boolean runs(long request) {
    return runs(kinds.get(request));
  }

  Set<Long> open() {
    return open;
  }

  boolean waits(long request) {
    return open.contains(request);
  }

  boolean hasCancelled(long request) {
    return cancelled.contains(request);
  }

  void cancel(long request) {
    cancelled.add(request);
  }

  /** Everybody is answered once. */
  void answer(long request, PoolEffect effect) {
    if (!open.remove(request)) {
      throw new AssertionError("answered twice: " + effect);
    }
  }

  List<Held> held() {
    return held;
  }

  Held heldBy(long sequence) {
    return held.stream()
        .filter(one -> one.lease().sequence() == sequence)
        .findFirst()
        .orElseThrow();
  }

  void hold(Lease lease, long request) {
    held.add(new Held(lease, request, runs(request)));
  }

  /** A call ended, or its worker: nobody holds its lease any more. */
  void dropCallsOn(int slot, long generation) {
    held.removeIf(
        one -> one.runs() && one.lease().slot() == slot && one.lease().generation() == generation);
  }

  void dropCallWith(Lease lease) {
    held.removeIf(one -> one.runs() && one.lease().equals(lease));
  }

  void letGo(Held one) {
    held.remove(one);
  }

  void ended(Lease lease) {
    ended.add(lease);
  }

  Set<Lease> ended() {
    return ended;
  }

  ModelClients copy() {
    var copy = new ModelClients(most);
    copy.requests = requests;
    copy.ownerDead = ownerDead;
    copy.kinds.putAll(kinds);
    copy.open.addAll(open);
    copy.cancelled.addAll(cancelled);
    copy.held.addAll(held);
    copy.ended.addAll(ended);
    return copy;
  }

  void describe(StringBuilder text) {
    for (Held one : held) {
      text.append('h').append(one.lease()).append(one.request());
    }
    text.append('|').append(open).append(cancelled).append(kinds);
    text.append(ownerDead).append(requests);
  }
}
