package io.gorgon.pool;

import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure.CheckoutRefused.Reason;
import io.gorgon.pool.PoolBooks.Mode;
import io.gorgon.pool.Slot.Member;
import io.gorgon.pool.Slot.Phase;

/**
 * This decides how the pool ends: drained, cut short when the time for that is up, finished when
 * the last worker is gone. A part of {@link PoolState}.
 */
final class Ending {

  private final PoolBooks books;
  private final Turns turns;
  private final Departures departures;

  Ending(PoolBooks books, Turns turns, Departures departures) {
    this.books = books;
    this.turns = turns;
    this.departures = departures;
  }

  void onDrainWanted(PoolInput.DrainWanted wanted) {
    if (!books.isRunning()) {
      books.drainUntil = Math.min(books.drainUntil, wanted.deadline());
      return;
    }
    books.mode = Mode.DRAINING;
    books.drainUntil = wanted.deadline();
    books.publish(new PoolEvent.PoolDraining(books.settings.name()));
    books.add(new PoolEffect.CloseLane());
    turns.dropAll(refusal());
    for (Slot slot : books.slots) {
      for (Member member : slot.members()) {
        departures.leave(slot, member, "drained");
      }
    }
    finishIfEmpty();
  }

  /** Time has passed. */
  void cutShortIfDue() {
    if (books.mode == Mode.DRAINING && !books.drainCutShort && books.isPast(books.drainUntil)) {
      books.drainCutShort = true;
      stopAll();
    }
  }

  private void stopAll() {
    for (Slot slot : books.slots) {
      for (Member member : slot.members()) {
        if (member.phase != Phase.HIRED) {
          departures.stop(member, "the drain's time was up", false, false);
        }
      }
    }
  }

  void finishIfEmpty() {
    if (books.mode == Mode.DRAINING
        && books.slots.stream().allMatch(slot -> slot.members().isEmpty())) {
      books.mode = Mode.STOPPED;
      books.add(new PoolEffect.Finish());
    }
  }

  /** What those are told who come too late. */
  Refusal refusal() {
    return books.mode == Mode.STOPPED
        ? Refusal.of(Reason.STOPPED, "it has stopped")
        : Refusal.of(Reason.DRAINING, "it takes nothing new");
  }
}
