package io.gorgon.pool;

import io.gorgon.message.PoolEvent;
import io.gorgon.pool.PoolEffect.Hire;
import io.gorgon.pool.Slot.Member;
import io.gorgon.pool.Slot.Phase;

/**
 * This decides how many workers there are: at least so many, one more when somebody waits for long,
 * one less when one is idle for long, others when the limits change. A part of {@link PoolState}.
 */
final class Size {

  private final PoolBooks books;
  private final Turns turns;
  private final Departures departures;
  private final Starts starts;

  Size(PoolBooks books, Turns turns, Departures departures, Starts starts) {
    this.books = books;
    this.turns = turns;
    this.departures = departures;
    this.starts = starts;
  }

  void onBegan() {
    if (books.settings.eager()) {
      fill();
    }
  }

  /** Up to the least that there shall be. */
  void fill() {
    fill(books.min);
  }

  /** For the first who wants a worker. */
  void fillIfEmpty() {
    if (books.occupied() == 0) {
      fill(Math.max(1, books.min));
    }
  }

  private void fill(int wanted) {
    for (int number = 0; number < books.max && books.occupied() < wanted; number++) {
      hireInto(number, false);
    }
  }

  private void hireInto(int number, boolean growth) {
    while (books.slots.size() <= number) {
      books.addSlot();
    }
    Slot slot = books.slots.get(number);
    if (!slot.isOccupied() && slot.next == null) {
      slot.current = hire(slot, growth);
    }
  }

  /** One who follows the slot's present worker. */
  void hireNext(Slot slot) {
    slot.next = hire(slot, false);
  }

  private Member hire(Slot slot, boolean growth) {
    books.add(new Hire(slot.number, ++books.lineages));
    return new Member(books.lineages, growth);
  }

  void onPressed(PoolInput.Pressed pressed) {
    books.pressedAt = books.now;
    grow(pressed.since());
  }

  /** Time has passed. */
  void growForTheLine() {
    turns.firstForAnyWorker().ifPresent(waiter -> grow(waiter.since()));
  }

  private void grow(long since) {
    if (!books.isRunning() || books.circuitOpen) {
      return;
    }
    if (books.occupied() == 0) {
      fillIfEmpty();
    } else if (books.now - since >= books.settings.growAfter().toNanos()
        && books.occupied() < books.max
        && books.slots.stream().allMatch(Size::isSettled)) {
      hireGrowth();
    }
  }

  /** No worker is on the way there who would make another one needless. */
  private static boolean isSettled(Slot slot) {
    return slot.current == null
        || slot.current.phase.isServing()
        || slot.current.phase == Phase.STOPPING;
  }

  private void hireGrowth() {
    for (int number = 0; number < books.max; number++) {
      if (number >= books.slots.size() || !books.slots.get(number).isOccupied()) {
        books.pressedAt = books.now;
        hireInto(number, true);
        return;
      }
    }
  }

  void onIdled(PoolInput.Idled idled) {
    Slot slot = books.slot(idled.slot());
    Member member = slot == null ? null : slot.byGeneration(idled.generation());
    if (slot == null || member == null || member.phase != Phase.IN_LANE || member.claimed) {
      return;
    }
    if (idled.step() == PoolInput.IdleStep.CHECK) {
      member.checkWanted = true;
      turns.claim(slot, member);
    } else if (books.occupied() > books.min && slot.next == null) {
      books.publish(new PoolEvent.WorkerRetiring(books.worker(slot, member.generation), "IDLE"));
      departures.leave(slot, member, "idle");
    }
  }

  void onResized(PoolInput.Resized resized) {
    books.min = resized.min();
    books.max = resized.max();
    books.publish(new PoolEvent.PoolResized(books.settings.name(), books.min, books.max));
    for (int number = books.slots.size() - 1;
        number >= 0 && books.occupied() > books.max;
        number--) {
      Slot slot = books.slots.get(number);
      for (Member member : slot.members()) {
        if (member.leaving == null) {
          departures.leave(slot, member, "resized");
        }
      }
    }
    if (books.isRunning() && (books.settings.eager() || books.occupied() > 0)) {
      fill();
    }
    starts.startWhatMay();
  }
}
