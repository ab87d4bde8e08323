package io.gorgon.pool;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * This is where checkouts wait: in the order of their arrival, the requests of one session one
 * after another. A part of {@link PoolState}.
 */
final class WaitingLine {

  /** Somebody who wants a worker. */
  record Waiter(
      long request, CheckoutKind kind, long owner, long since, long deadline, boolean runs) {}

  private final Map<Long, Waiter> waiters = new LinkedHashMap<>();
  private final Map<String, Deque<Waiter>> bySession = new HashMap<>();
  private final Set<String> busySessions = new HashSet<>();

  int size() {
    return waiters.size();
  }

  @Nullable Waiter get(long request) {
    return waiters.get(request);
  }

  Collection<Waiter> all() {
    return waiters.values();
  }

  /** Adds at the end; true if it is its turn as far as its session is concerned. */
  boolean add(Waiter waiter) {
    waiters.put(waiter.request(), waiter);
    if (waiter.kind().session().isEmpty()) {
      return true;
    }
    String key = waiter.kind().session().get();
    Deque<Waiter> line = bySession.computeIfAbsent(key, any -> new ArrayDeque<>());
    line.addLast(waiter);
    return line.size() == 1 && !busySessions.contains(key);
  }

  /** Puts one back that was taken out for a worker which turned out unfit: before all others. */
  void addFirst(Waiter waiter) {
    var others = new ArrayList<Waiter>(waiters.values());
    waiters.clear();
    waiters.put(waiter.request(), waiter);
    others.forEach(other -> waiters.put(other.request(), other));
    waiter
        .kind()
        .session()
        .ifPresent(
            key -> bySession.computeIfAbsent(key, any -> new ArrayDeque<>()).addFirst(waiter));
  }

  /** Takes it out; the next one of its session whose turn it is then, if that changed. */
  Optional<Waiter> remove(Waiter waiter) {
    waiters.remove(waiter.request());
    String key = waiter.kind().session().orElse(null);
    if (key == null) {
      return Optional.empty();
    }
    Deque<Waiter> line = bySession.get(key);
    if (line == null) {
      return Optional.empty();
    }
    boolean wasFirst = waiter.equals(line.peekFirst());
    line.remove(waiter);
    if (line.isEmpty()) {
      bySession.remove(key);
    }
    return wasFirst ? turnOf(key) : Optional.empty();
  }

  /** Notes that the session has a worker. */
  void sessionBusy(String key) {
    busySessions.add(key);
  }

  boolean isSessionBusy(String key) {
    return busySessions.contains(key);
  }

  /** Notes that the session has no worker any more; the one whose turn it is. */
  Optional<Waiter> sessionFree(String key) {
    busySessions.remove(key);
    return turnOf(key);
  }

  /** Whether it is the turn of {@code waiter} as far as its session is concerned. */
  boolean isTurnOf(Waiter waiter) {
    return waiter.kind().session().isEmpty()
        || turnOf(waiter.kind().session().get()).filter(waiter::equals).isPresent();
  }

  /** The one whose turn it is in that session; empty while the session has a worker. */
  Optional<Waiter> turnOf(String key) {
    Deque<Waiter> line = bySession.get(key);
    return line == null || busySessions.contains(key)
        ? Optional.empty()
        : Optional.ofNullable(line.peekFirst());
  }

  /** Those whose time is up at {@code now}. */
  List<Waiter> overdue(long now) {
    var overdue = new ArrayList<Waiter>(0);
    for (Waiter waiter : waiters.values()) {
      if (now - waiter.deadline() >= 0) {
        overdue.add(waiter);
      }
    }
    return overdue;
  }

  /** Adds what decides about the future. */
  void describe(StringBuilder text, long now) {
    for (Waiter waiter : waiters.values()) {
      text.append('|').append(waiter.request()).append(waiter.kind().session().orElse("-"));
      text.append(waiter.kind().affinity().name(), 0, 2).append(waiter.owner());
      text.append(waiter.runs()).append(waiter.since() - now).append(waiter.deadline() - now);
    }
    text.append(bySession.keySet()).append(busySessions);
  }

  WaitingLine copy() {
    var copy = new WaitingLine();
    copy.waiters.putAll(waiters);
    bySession.forEach((key, line) -> copy.bySession.put(key, new ArrayDeque<>(line)));
    copy.busySessions.addAll(busySessions);
    return copy;
  }
}
