package io.gorgon.pool;

import io.gorgon.pool.PoolEffect.Stop;
import io.gorgon.pool.Slot.Member;
import io.gorgon.pool.Slot.Phase;

/**
 * This decides how a worker that is to go goes: at once, or when whoever uses it has finished. A
 * part of {@link PoolState}.
 */
final class Departures {

  private final PoolBooks books;
  private final Turns turns;

  Departures(PoolBooks books, Turns turns) {
    this.books = books;
    this.turns = turns;
  }

  /** Sends a worker away as soon as nobody uses it. */
  void leave(Slot slot, Member member, String why) {
    member.leaving = why;
    if (slot.current == member) {
      slot.current = null;
    }
    if (slot.next == member) {
      slot.next = null;
    }
    if (!slot.leaving.contains(member)) {
      slot.leaving.add(member);
    }
    switch (member.phase) {
      case IN_LANE -> turns.claim(slot, member);
      case STARTING -> {
        books.restarts.onStartStopped();
        stop(member, why, false, false);
      }
      case WAITING -> {
        books.add(new PoolEffect.Dismiss(member.lineage));
        slot.remove(member);
      }
      case HIRED, LEASED, CHECKING, STOPPING -> {
        // It is dealt with when it asks, comes back, answers, or is gone.
      }
    }
  }

  /** Ends a worker's process, which is another's to use no more. */
  void stop(Member member, String cause, boolean graceful, boolean replace) {
    member.phase = Phase.STOPPING;
    books.add(new Stop(member.lineage, cause, graceful, replace));
  }

  /** Ends a worker that is of no use any more; another follows unless it was to leave anyway. */
  void stopUnfit(Member member, String cause) {
    stop(member, cause, false, member.leaving == null);
  }
}
