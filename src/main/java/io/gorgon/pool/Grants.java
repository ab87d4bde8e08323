package io.gorgon.pool;

import io.gorgon.message.PythonFailure.CheckoutRefused.Reason;
import io.gorgon.pool.PoolEffect.Admit;
import io.gorgon.pool.PoolEffect.Grant;
import io.gorgon.pool.PoolEffect.Unclaim;
import io.gorgon.pool.PoolState.Holding;
import io.gorgon.pool.Slot.Member;
import io.gorgon.pool.Slot.Phase;
import io.gorgon.pool.WaitingLine.Waiter;
import org.jspecify.annotations.Nullable;

/**
 * This decides what becomes of a worker that is out of the lane and idle: it leaves, is checked, is
 * handed to one who waits, or goes back; and what follows when a hand-over fails. A part of {@link
 * PoolState}.
 */
final class Grants {

  /** For a lease that needs no acknowledgement. */
  private static final long FOR_EVER = Long.MAX_VALUE / 4;

  private final PoolBooks books;
  private final Turns turns;
  private final Departures departures;
  private final Ending ending;

  Grants(PoolBooks books, Turns turns, Departures departures, Ending ending) {
    this.books = books;
    this.turns = turns;
    this.departures = departures;
    this.ending = ending;
  }

  void onClaimed(PoolInput.Claimed claimed) {
    Slot slot = books.slot(claimed.slot());
    Member member = slot == null ? null : slot.byGeneration(claimed.generation());
    Waiter waiter = books.line.get(claimed.request());
    if (slot == null || member == null || member.phase != Phase.IN_LANE) {
      books.staleMessages++;
      if (waiter != null) {
        turns.place(waiter, true);
      }
      return;
    }
    // It is out of the lane, for whomever: a claim of it by name has nothing left to wait for.
    member.claimed = false;
    if (waiter != null && books.isPast(waiter.deadline())) {
      turns.dropLate(waiter);
      waiter = null;
    }
    boolean wantedElsewhere = member.leaving != null || member.checkWanted;
    if (waiter != null && wantedElsewhere) {
      turns.place(waiter, true);
    }
    if (wantedElsewhere || waiter == null || !books.line.isTurnOf(waiter)) {
      dispose(slot, member);
    } else {
      grant(waiter, slot, member);
    }
  }

  /** Decides about a worker that is out of the lane and idle. */
  void dispose(Slot slot, Member member) {
    if (member.leaving != null) {
      departures.stop(member, member.leaving, true, false);
      return;
    }
    if (member.checkWanted) {
      member.checkWanted = false;
      member.phase = Phase.CHECKING;
      books.add(new PoolEffect.Check(member.lineage));
      return;
    }
    Waiter pinned = turns.pinnedTo(slot, member);
    if (pinned != null) {
      grant(pinned, slot, member);
      return;
    }
    member.phase = Phase.IN_LANE;
    books.add(new Admit(slot.number, member.generation));
  }

  void onChecked(PoolInput.Checked checked) {
    Slot slot = books.slot(checked.slot());
    Member member = slot == null ? null : slot.byGeneration(checked.generation());
    if (slot == null || member == null || member.phase != Phase.CHECKING) {
      books.staleMessages++;
    } else if (checked.answered()) {
      dispose(slot, member);
    } else {
      departures.stopUnfit(member, "it did not answer a ping");
    }
  }

  private void grant(Waiter waiter, Slot slot, Member member) {
    var lease = new Lease(slot.number, member.generation, ++books.leases);
    member.phase = Phase.LEASED;
    slot.checkouts++;
    books.line.remove(waiter);
    String key = waiter.kind().session().orElse(null);
    Bindings.Binding before = key == null ? null : books.bindings.get(key);
    if (key != null) {
      books.line.sessionBusy(key);
      books.bindings.bind(key, slot.number, member.generation, books.now);
    }
    long patience = waiter.runs() ? FOR_EVER : books.settings.acknowledgeTimeout().toNanos();
    books.holdings.put(
        lease, new Holding(lease, waiter, before, waiter.runs(), books.now + patience));
    books.add(new Unclaim(waiter.request()));
    books.add(new Grant(waiter.request(), lease));
  }

  /** The worker was unfit, or its holder-to-be is gone. */
  void onHandOverFailed(PoolInput.HandOverFailed failed) {
    Holding holding = books.holdings.remove(failed.lease());
    Slot slot = books.slot(failed.lease().slot());
    if (holding == null || slot == null) {
      books.staleMessages++;
      return;
    }
    slot.checkouts--;
    String key = holding.kind().session().orElse(null);
    if (key != null) {
      books.line.sessionFree(key);
      books.bindings.restore(key, holding.before());
    }
    boolean ownerDead = failed.problem() == HandOver.Problem.OWNER_DEAD;
    Member member = slot.byGeneration(failed.lease().generation());
    if (member != null && member.phase == Phase.LEASED) {
      if (ownerDead) {
        dispose(slot, member);
      } else {
        departures.stopUnfit(member, "unfit at the hand-over: " + failed.problem());
      }
    }
    Waiter waiter = holding.waiter();
    Refusal refusal = refusalAfter(failed, holding);
    if (refusal == null) {
      // It was its turn before, so it still is.
      books.line.addFirst(waiter);
      turns.place(waiter, true);
      return;
    }
    books.refuse(waiter.request(), refusal);
    if (key != null) {
      books.line.turnOf(key).ifPresent(next -> turns.place(next, false));
    }
  }

  /** Why no other worker can take the place of the one that was not handed over. */
  private @Nullable Refusal refusalAfter(PoolInput.HandOverFailed failed, Holding holding) {
    Lease lease = failed.lease();
    boolean hadThisOne = holding.before() != null && holding.before().isOf(lease);
    if (failed.problem() == HandOver.Problem.OWNER_DEAD) {
      return Refusal.of(Reason.OWNER_DEAD, "its owner stopped");
    } else if (!books.isRunning()) {
      return ending.refusal();
    } else if (holding.kind().affinity().isPinned() && hadThisOne) {
      return Refusal.sessionLost(lease.slot(), lease.generation());
    }
    return null;
  }
}
