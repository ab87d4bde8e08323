package io.gorgon.pool;

import io.gorgon.message.PythonFailure.CheckoutRefused.Reason;
import io.gorgon.pool.PoolEffect.ClaimAny;
import io.gorgon.pool.PoolEffect.ClaimSlot;
import io.gorgon.pool.PoolEffect.Unclaim;
import io.gorgon.pool.Slot.Member;
import io.gorgon.pool.Slot.Phase;
import io.gorgon.pool.WaitingLine.Waiter;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * This decides which worker one who waits is to get, once it is its turn, and who waits in vain:
 * the end of a session, the loss of its process, a deadline. A part of {@link PoolState}.
 */
final class Turns {

  private final PoolBooks books;

  Turns(PoolBooks books) {
    this.books = books;
  }

  /** It is the waiter's turn in its session: ask the lane for a worker. */
  void place(Waiter waiter, boolean first) {
    Bindings.Binding bound = books.bindingOf(waiter);
    if (bound == null) {
      books.add(new ClaimAny(waiter.request(), -1, first));
      return;
    }
    Slot slot = books.slot(bound.slot());
    Member member = slot == null ? null : slot.byGeneration(bound.generation());
    boolean alive = member != null && member.phase.isServing() && member.leaving == null;
    if (!waiter.kind().affinity().isPinned()) {
      books.add(new ClaimAny(waiter.request(), alive ? bound.slot() : -1, first));
    } else if (!alive || member == null || slot == null) {
      drop(waiter, Refusal.sessionLost(bound.slot(), bound.generation()));
    } else if (member.phase == Phase.IN_LANE) {
      claim(slot, member);
    }
  }

  /** Asks the lane for this very worker, once. */
  void claim(Slot slot, Member member) {
    if (!member.claimed && member.phase == Phase.IN_LANE) {
      member.claimed = true;
      books.add(new ClaimSlot(slot.number, member.generation));
    }
  }

  /** Refuses one who waits still; to drop one may let the next of its session drop too. */
  void drop(Waiter waiter, Refusal refusal) {
    if (books.line.get(waiter.request()) == null) {
      return;
    }
    books.add(new Unclaim(waiter.request()));
    books.refuse(waiter.request(), refusal);
    books.line.remove(waiter).ifPresent(next -> place(next, false));
  }

  void dropAll(Refusal refusal) {
    for (Waiter waiter : List.copyOf(books.line.all())) {
      drop(waiter, refusal);
    }
  }

  /** Time has passed. */
  void dropOverdue() {
    for (Waiter waiter : books.line.overdue(books.now)) {
      dropLate(waiter);
    }
  }

  void dropLate(Waiter waiter) {
    drop(waiter, Refusal.of(Reason.DEADLINE, "no worker became free in time; " + books.figures()));
  }

  /** The process is gone: who waits for that one alone waits in vain. */
  void dropPinnedTo(Slot slot, long generation) {
    for (Waiter waiter : List.copyOf(books.line.all())) {
      if (waiter.kind().affinity().isPinned() && books.line.isTurnOf(waiter)) {
        Bindings.Binding bound = books.bindingOf(waiter);
        if (bound != null && bound.slot() == slot.number && bound.generation() == generation) {
          drop(waiter, Refusal.sessionLost(slot.number, generation));
        }
      }
    }
  }

  /** One whose turn it is, and who can be served by nobody but this worker. */
  @Nullable Waiter pinnedTo(Slot slot, Member member) {
    for (Waiter waiter : books.line.all()) {
      Bindings.Binding bound = waiter.kind().affinity().isPinned() ? books.bindingOf(waiter) : null;
      if (bound != null
          && bound.slot() == slot.number
          && bound.generation() == member.generation
          && !books.isPast(waiter.deadline())
          && books.line.isTurnOf(waiter)) {
        return waiter;
      }
    }
    return null;
  }

  /** The first whom any worker would serve: a reason to have more of them. */
  Optional<Waiter> firstForAnyWorker() {
    return books.line.all().stream().filter(this::anyWorkerWouldDo).findFirst();
  }

  /** Not for one who waits for its session's process, or for its session's turn. */
  private boolean anyWorkerWouldDo(Waiter waiter) {
    boolean hasItsOwn = waiter.kind().affinity().isPinned() && books.bindingOf(waiter) != null;
    return !hasItsOwn && books.line.isTurnOf(waiter);
  }

  /** One who waits for the session's process need not have that one any more. */
  void onSessionEnded(PoolInput.SessionEnded ended) {
    if (books.bindings.get(ended.key()) != null) {
      books.bindings.forget(ended.key());
      books
          .line
          .turnOf(ended.key())
          .filter(waiter -> waiter.kind().affinity().isPinned())
          .ifPresent(waiter -> place(waiter, false));
    }
  }

  /** Forgets the processes of sessions that nobody used for long. */
  void sweepSessions() {
    books.bindings.sweep(
        books.now, key -> books.line.isSessionBusy(key) || books.line.turnOf(key).isPresent());
  }
}
