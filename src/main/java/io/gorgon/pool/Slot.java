package io.gorgon.pool;

import io.gorgon.message.PythonFailure.StartFailed;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * This is one place for a worker: the process that serves, perhaps the one that will follow it, and
 * those that are on their way out. A part of {@link PoolState}.
 */
final class Slot {

  /** Where a worker is in its life. */
  enum Phase {
    /** Its actor has been made, or is restarting; it has not asked for leave to start yet. */
    HIRED,
    /** It waits for leave. */
    WAITING,
    STARTING,
    IN_LANE,
    LEASED,
    CHECKING,
    STOPPING;

    boolean isServing() {
      return this == IN_LANE || this == LEASED || this == CHECKING;
    }
  }

  /** One worker actor and the process that it has. */
  static final class Member {
    final long lineage;
    final boolean growth;
    Phase phase = Phase.HIRED;
    long generation;
    long readyAt;
    boolean claimed;
    boolean checkWanted;
    @Nullable String leaving;

    Member(long lineage, boolean growth) {
      this.lineage = lineage;
      this.growth = growth;
    }

    Member copy() {
      var copy = new Member(lineage, growth);
      copy.phase = phase;
      copy.generation = generation;
      copy.readyAt = readyAt;
      copy.claimed = claimed;
      copy.checkWanted = checkWanted;
      copy.leaving = leaving;
      return copy;
    }

    @Override
    public String toString() {
      return lineage
          + ":"
          + generation
          + phase
          + (claimed ? "c" : "")
          + (checkWanted ? "k" : "")
          + (leaving == null ? "" : "!");
    }
  }

  final int number;
  @Nullable Member current;
  @Nullable Member next;
  final List<Member> leaving = new ArrayList<>(2);
  long lastGeneration;
  int failures;
  boolean quarantined;
  long restUntil = Long.MIN_VALUE;
  final Deque<Long> crashes = new ArrayDeque<>();
  @Nullable StartFailed lastFailure;
  List<String> lastTail = List.of();
  int restarts;
  long checkouts;
  long cleanReturns;
  long failedReturns;

  Slot(int number) {
    this.number = number;
  }

  boolean isOccupied() {
    return current != null;
  }

  /** All that have, had or will have a process here. */
  List<Member> members() {
    var all = new ArrayList<Member>(leaving);
    if (current != null) {
      all.add(current);
    }
    if (next != null) {
      all.add(next);
    }
    return all;
  }

  @Nullable Member byLineage(long lineage) {
    for (Member member : members()) {
      if (member.lineage == lineage) {
        return member;
      }
    }
    return null;
  }

  @Nullable Member byGeneration(long generation) {
    for (Member member : members()) {
      if (member.generation == generation && generation != 0) {
        return member;
      }
    }
    return null;
  }

  void remove(Member member) {
    leaving.remove(member);
    if (current == member) {
      current = null;
    }
    if (next == member) {
      next = null;
    }
  }

  /** Whether starting here has failed so often, or so surely, that nobody should wait for it. */
  boolean isFailing(int patience) {
    return quarantined
        || failures >= patience
        || (failures > 0 && lastFailure != null && lastFailure.kind().permanent());
  }

  /** Adds what decides about the future. */
  void describe(StringBuilder text, long now) {
    text.append('|').append(number).append(current).append(next).append(leaving);
    text.append(lastGeneration).append('f').append(failures).append(quarantined);
    text.append(restUntil == Long.MIN_VALUE || restUntil - now <= 0 ? 0 : restUntil - now);
    crashes.forEach(crash -> text.append(' ').append(crash - now));
    text.append(lastFailure == null ? "" : lastFailure.kind());
  }

  Slot copy() {
    var copy = new Slot(number);
    copy.current = current == null ? null : current.copy();
    copy.next = next == null ? null : next.copy();
    leaving.forEach(member -> copy.leaving.add(member.copy()));
    copy.lastGeneration = lastGeneration;
    copy.failures = failures;
    copy.quarantined = quarantined;
    copy.restUntil = restUntil;
    copy.crashes.addAll(crashes);
    copy.lastFailure = lastFailure;
    copy.lastTail = lastTail;
    copy.restarts = restarts;
    copy.checkouts = checkouts;
    copy.cleanReturns = cleanReturns;
    copy.failedReturns = failedReturns;
    return copy;
  }
}
