package io.gorgon.pool;

import io.gorgon.message.PoolEvent;
import io.gorgon.pool.PoolEffect.Start;
import io.gorgon.pool.Slot.Member;
import io.gorgon.pool.Slot.Phase;
import io.gorgon.worker.Worker.Fault;

/**
 * This decides which worker that waits for leave may start its process, which is not needed any
 * more, and what the end of a process means for the next starts; {@link Restarts} has the numbers.
 * A part of {@link PoolState}.
 */
final class Starts {

  /** How long a call that waited counts as a need for more workers, in nanoseconds. */
  private static final long NEED_LASTS = 100_000_000;

  private final PoolBooks books;

  Starts(PoolBooks books) {
    this.books = books;
  }

  void startWhatMay() {
    for (Slot slot : books.slots) {
      for (Member member : slot.members()) {
        if (member.phase != Phase.WAITING || !books.restarts.permits(slot, books.now)) {
          continue;
        }
        if (isNeedlessGrowth(slot, member)) {
          slot.remove(member);
          books.add(new PoolEffect.Dismiss(member.lineage));
          continue;
        }
        member.phase = Phase.STARTING;
        member.generation = ++slot.lastGeneration;
        books.restarts.onStart(slot, books.now);
        books.publish(new PoolEvent.WorkerStarting(books.worker(slot, member.generation)));
        books.add(new Start(member.lineage, slot.number, member.generation));
      }
    }
  }

  private boolean isNeedlessGrowth(Slot slot, Member member) {
    return member.growth && books.isFresh(slot) && books.occupied() > books.min && needHasPassed();
  }

  private boolean needHasPassed() {
    long patience = Math.max(NEED_LASTS, 2 * books.settings.growAfter().toNanos());
    return books.line.size() == 0 && books.now - books.pressedAt > patience;
  }

  /** Counts the end of a process, for or against its slot. */
  void account(Slot slot, PoolInput.Gone gone, boolean wasStarting) {
    long rest = 0;
    if (wasStarting && gone.fault() == Fault.POOL) {
      books.restarts.onStartStopped();
    } else if (wasStarting) {
      rest = books.restarts.onStartFailed(slot, gone.failure(), gone.tail(), books.now);
    } else if (gone.fault() == Fault.WORKER) {
      rest = books.restarts.onCrash(slot, gone.tail(), books.now);
    }
    if (rest > 0 && (slot.quarantined || slot.isFailing(Restarts.PATIENCE))) {
      books.publish(
          new PoolEvent.SlotQuarantined(
              books.settings.name(),
              slot.number,
              rest / 1_000_000,
              gone.failure() == null ? "it keeps crashing" : gone.failure().kind().toString()));
    }
  }
}
