package io.gorgon.pool;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** A place for a worker in the {@link Reference}, and the workers that it has. */
final class ReferenceSlot {

  enum Stage {
    HIRED,
    WAITING,
    STARTING,
    IN_LANE,
    LEASED,
    CHECKING,
    STOPPING;

    boolean serves() {
      return this == IN_LANE || this == LEASED || this == CHECKING;
    }
  }

  /** A worker: what it does, and what it has to say. */
  static final class Member {
    final ReferenceSlot slot;
    final int lineage;
    int generation;
    Stage stage = Stage.HIRED;
    boolean leaves;

    /** It is to leave the lane as soon as it has nothing to do. */
    boolean wanted;

    /** It has left the lane, and the pool is about to hear of it. */
    boolean out;

    /** It has been ready, and its end has not been seen. */
    boolean ready;

    /** Its process has died, and nobody has seen that yet. */
    boolean dead;

    /** Whether what it runs was written to it when it was dead, so that it never started. */
    boolean unstarted;

    /** What it runs: {@code c} and a call, {@code r} and a session call, {@code u} and a lease. */
    String runs = "";

    final Deque<Runnable> news = new ArrayDeque<>();

    Member(ReferenceSlot slot, int lineage) {
      this.slot = slot;
      this.lineage = lineage;
    }

    int code() {
      return slot.number * 1000 + generation;
    }

    String id() {
      return slot.number + "." + generation;
    }
  }

  /** Why a start failed last, if it did. */
  enum Failure {
    NONE,
    PASSING,
    FOR_GOOD
  }

  final int number;
  Member current;
  Member next;
  final List<Member> leaving = new ArrayList<>();
  int lastGeneration;
  int failures;
  Failure lastFailure = Failure.NONE;
  boolean quarantined;
  long restsUntil;
  final List<Long> crashes = new ArrayList<>();
  int restarts;
  int checkouts;
  int clean;
  int failed;

  ReferenceSlot(int number) {
    this.number = number;
  }

  List<Member> members() {
    var all = new ArrayList<>(leaving);
    if (current != null) {
      all.add(current);
    }
    if (next != null) {
      all.add(next);
    }
    return all;
  }

  void remove(Member member) {
    leaving.remove(member);
    current = current == member ? null : current;
    next = next == member ? null : next;
  }

  @Override
  public String toString() {
    return "slot "
        + number
        + ": "
        + (current == null ? "0 empty" : current.generation + " " + current.stage)
        + " restarts="
        + restarts
        + " checkouts="
        + checkouts
        + " clean="
        + clean
        + " failed="
        + failed;
  }
}
