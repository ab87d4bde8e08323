package io.gorgon.pool;

import io.gorgon.pool.PoolEffect.Admit;
import io.gorgon.pool.Slot.Member;
import io.gorgon.pool.Slot.Phase;
import io.gorgon.worker.Worker.Fault;
import java.util.List;

/**
 * This decides what becomes of a worker that has no process, of one that is ready, and of the place
 * of one that is gone. A part of {@link PoolState}.
 */
final class Workers {

  private final PoolBooks books;
  private final Turns turns;
  private final Departures departures;
  private final Ending ending;
  private final Leases leases;
  private final Circuit circuit;
  private final Starts starts;
  private final Size size;
  private final Replacements replacements;

  Workers(
      PoolBooks books,
      Turns turns,
      Departures departures,
      Ending ending,
      Leases leases,
      Circuit circuit,
      Starts starts,
      Size size,
      Replacements replacements) {
    this.books = books;
    this.turns = turns;
    this.departures = departures;
    this.ending = ending;
    this.leases = leases;
    this.circuit = circuit;
    this.starts = starts;
    this.size = size;
    this.replacements = replacements;
  }

  void onWanted(PoolInput.Wanted wanted) {
    Slot slot = books.slot(wanted.slot());
    Member member = slot == null ? null : slot.byLineage(wanted.lineage());
    if (slot == null || member == null || member.leaving != null || !books.isRunning()) {
      books.add(new PoolEffect.Dismiss(wanted.lineage()));
      if (slot != null && member != null) {
        slot.remove(member);
        ending.finishIfEmpty();
      }
      return;
    }
    member.phase = Phase.WAITING;
    member.generation = 0;
    starts.startWhatMay();
  }

  void onBecameReady(PoolInput.BecameReady ready) {
    Slot slot = books.slot(ready.slot());
    Member member = slot == null ? null : slot.byLineage(ready.lineage());
    if (slot == null || member == null || member.phase != Phase.STARTING) {
      books.staleMessages++;
      return;
    }
    books.restarts.onReady(slot);
    member.readyAt = books.now;
    circuit.heal();
    if (member == slot.next) {
      Member old = slot.current;
      slot.current = member;
      slot.next = null;
      if (old != null) {
        departures.leave(slot, old, "replaced");
      }
    }
    member.phase = Phase.IN_LANE;
    if (member.leaving != null) {
      departures.stop(member, member.leaving, true, false);
    } else {
      books.add(new Admit(slot.number, member.generation));
    }
    replacements.goOnWithReset();
    starts.startWhatMay();
  }

  void onGone(PoolInput.Gone gone) {
    Slot slot = books.slot(gone.slot());
    Member member = slot == null ? null : slot.byLineage(gone.lineage());
    if (slot == null || member == null || member.generation != gone.generation()) {
      books.staleMessages++;
      return;
    }
    starts.account(slot, gone, member.phase == Phase.STARTING);
    member.phase = Phase.HIRED;
    member.claimed = false;
    member.checkWanted = false;
    leases.loseAllOf(slot, gone.generation());
    turns.dropPinnedTo(slot, gone.generation());
    if (!gone.replaced()) {
      vacate(slot, member);
    } else if (member.leaving == null) {
      slot.restarts++;
      giveWayToSuccessor(slot, member);
    }
    circuit.openIfHopeless();
    if (books.isRunning()) {
      size.fill();
      replacements.goOnWithReset();
      starts.startWhatMay();
    }
    ending.finishIfEmpty();
  }

  /** It will not come back. */
  private void vacate(Slot slot, Member member) {
    boolean wasNext = member == slot.next;
    slot.remove(member);
    if (wasNext && books.isRunning()) {
      size.hireNext(slot);
    } else if (slot.current == null) {
      slot.current = slot.next;
      slot.next = null;
    }
  }

  /** Should one be on the way, that one takes the place. */
  private void giveWayToSuccessor(Slot slot, Member member) {
    if (member == slot.current && slot.next != null) {
      Member successor = slot.next;
      departures.leave(slot, member, "its successor takes over");
      slot.current = successor;
      slot.next = null;
    }
  }

  void onVanished(PoolInput.Vanished vanished) {
    Slot slot = books.slot(vanished.slot());
    Member member = slot == null ? null : slot.byLineage(vanished.lineage());
    if (member != null) {
      onGone(
          new PoolInput.Gone(
              vanished.slot(),
              vanished.lineage(),
              member.generation,
              Fault.WORKER,
              null,
              List.of(),
              false));
    }
  }
}
