package io.gorgon.pool;

import io.gorgon.message.PoolEvent;
import io.gorgon.message.WorkerId;
import io.gorgon.pool.Slot.Member;
import io.gorgon.pool.Slot.Phase;
import io.gorgon.worker.Retirement;

/**
 * This decides which worker gets a successor while it still works: one that has to retire, one that
 * is old, and each in its turn after a reset. A part of {@link PoolState}.
 */
final class Replacements {

  private final PoolBooks books;
  private final Size size;

  Replacements(PoolBooks books, Size size) {
    this.books = books;
    this.size = size;
  }

  void onRetireDue(PoolInput.RetireDue due) {
    Slot slot = books.slot(due.slot());
    if (slot == null
        || !books.isRunning()
        || slot.current == null
        || slot.current.generation != due.generation()
        || slot.next != null
        || !hasProcess(slot.current)) {
      return;
    }
    books.publish(
        new PoolEvent.WorkerRetiring(
            books.worker(slot, due.generation()), due.reason().toString()));
    size.hireNext(slot);
  }

  private static boolean hasProcess(Member member) {
    return member.phase.isServing() || member.phase == Phase.STARTING;
  }

  void onResetWanted() {
    books.resets.clear();
    for (Slot slot : books.slots) {
      if (slot.current != null && hasProcess(slot.current)) {
        books.resets.add(books.worker(slot, slot.current.generation));
      }
      if (slot.next != null && slot.next.generation > 0) {
        // A successor that has started already may have seen what was there before.
        books.resets.add(books.worker(slot, slot.next.generation));
      }
    }
    goOnWithReset();
  }

  /** One at a time, each replaced by a ready one, so that no capacity is missing. */
  void goOnWithReset() {
    boolean underWay = books.slots.stream().anyMatch(slot -> slot.next != null);
    while (!underWay && !books.resets.isEmpty()) {
      WorkerId worker = books.resets.poll();
      Slot slot = books.slots.get(worker.slot());
      onRetireDue(
          new PoolInput.RetireDue(worker.slot(), worker.generation(), Retirement.Reason.RESET));
      underWay = slot.next != null;
    }
  }

  /** Time has passed. */
  void retireAged() {
    if (books.settings.maxAge().isZero()) {
      return;
    }
    for (Slot slot : books.slots) {
      Member member = slot.current;
      if (member != null
          && member.phase.isServing()
          && books.now - member.readyAt >= books.settings.maxAge().toNanos()) {
        onRetireDue(new PoolInput.RetireDue(slot.number, member.generation, Retirement.Reason.AGE));
      }
    }
  }
}
