package io.gorgon.pool;

import io.gorgon.message.PoolEvent;
import io.gorgon.pool.PoolEffect.Abandon;
import io.gorgon.pool.PoolEffect.Reclaim;
import io.gorgon.pool.PoolState.Holding;
import io.gorgon.pool.Slot.Member;
import io.gorgon.pool.Slot.Phase;
import io.gorgon.pool.WaitingLine.Waiter;
import io.gorgon.worker.Runner.Leftover;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * This decides how long a lease lasts and how it ends: given back, revoked because it was not
 * acknowledged, not wanted any more or too old, or lost with its worker. A part of {@link
 * PoolState}.
 */
final class Leases {

  private final PoolBooks books;
  private final Turns turns;
  private final Departures departures;
  private final Grants grants;

  Leases(PoolBooks books, Turns turns, Departures departures, Grants grants) {
    this.books = books;
    this.turns = turns;
    this.departures = departures;
    this.grants = grants;
  }

  /** The holder has shown that it is there. */
  void renew(Lease lease) {
    Holding holding = books.holdings.get(lease);
    if (holding == null) {
      books.staleMessages++;
      return;
    }
    if (!holding.waiter().runs()) {
      books.holdings.put(lease, holding.renewed(books.now + books.settings.leaseTtl().toNanos()));
    }
  }

  void onReturned(PoolInput.Returned returned) {
    if (!books.holdings.containsKey(returned.lease())
        || returned.leftover() == Leftover.NOT_OWNED) {
      // Given back before, revoked, or its worker is gone, which is told by itself.
      books.staleMessages++;
      return;
    }
    boolean broken = returned.verdict() == Verdict.BROKEN || returned.leftover() == Leftover.BUSY;
    end(
        returned.lease(),
        broken ? "returned broken" : "returned " + returned.verdict(),
        broken,
        returned.verdict() == Verdict.SUSPECT);
  }

  void onReclaimed(PoolInput.Reclaimed reclaimed) {
    if (books.holdings.containsKey(reclaimed.lease())) {
      boolean unused = reclaimed.leftover() == Leftover.UNUSED;
      end(reclaimed.lease(), unused ? "revoked unused" : "revoked in use", !unused, false);
    }
  }

  private void end(Lease lease, String how, boolean broken, boolean suspect) {
    Holding holding = Objects.requireNonNull(books.holdings.remove(lease));
    Slot slot = Objects.requireNonNull(books.slot(lease.slot()));
    Member member = slot.byGeneration(lease.generation());
    publishEnd(slot, holding, how);
    if (broken) {
      slot.failedReturns++;
    } else {
      slot.cleanReturns++;
    }
    Optional<Waiter> next = holding.kind().session().flatMap(books.line::sessionFree);
    if (member != null && member.phase == Phase.LEASED) {
      if (broken) {
        departures.stopUnfit(member, how);
      } else {
        member.checkWanted |= suspect;
        grants.dispose(slot, member);
      }
    }
    // Unless it has been served by that very worker.
    next.filter(waiter -> books.line.get(waiter.request()) != null)
        .ifPresent(waiter -> turns.place(waiter, false));
  }

  /** The request was withdrawn; its holder may have a lease that it does not know of. */
  void revokeUnacknowledged(long request) {
    books.holdings.values().stream()
        .filter(holding -> holding.waiter().request() == request && !holding.acknowledged())
        .findFirst()
        .ifPresent(holding -> books.add(new Reclaim(holding.lease())));
  }

  void revokeAllOf(long owner) {
    for (Holding holding : List.copyOf(books.holdings.values())) {
      if (holding.waiter().owner() == owner) {
        books.add(new Abandon(holding.lease(), "its owner stopped"));
        books.add(new Reclaim(holding.lease()));
      }
    }
  }

  /** Time has passed. */
  void revokeExpired() {
    for (Holding holding : List.copyOf(books.holdings.values())) {
      if (books.isPast(holding.until())) {
        if (holding.acknowledged()) {
          books.add(new Abandon(holding.lease(), "its lease expired"));
        }
        books.add(new Reclaim(holding.lease()));
      }
    }
  }

  /** The process is gone, and what was lent of it. */
  void loseAllOf(Slot slot, long generation) {
    for (Holding holding : List.copyOf(books.holdings.values())) {
      Lease lease = holding.lease();
      if (lease.slot() == slot.number && lease.generation() == generation) {
        books.holdings.remove(lease);
        slot.failedReturns++;
        publishEnd(slot, holding, "its worker is gone");
        holding
            .kind()
            .session()
            .flatMap(books.line::sessionFree)
            .ifPresent(next -> turns.place(next, false));
      }
    }
  }

  /** Of a lease that was told of when it was granted: that of a session's call never is. */
  private void publishEnd(Slot slot, Holding holding, String how) {
    if (!holding.waiter().runs()) {
      Lease lease = holding.lease();
      books.publish(
          new PoolEvent.LeaseEnded(books.worker(slot, lease.generation()), lease.sequence(), how));
    }
  }
}
