package io.gorgon.pool;

import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.CheckoutRefused.Reason;
import io.gorgon.pool.Slot.Member;
import java.util.List;

/**
 * This decides when it is hopeless to wait for a worker, what callers are told then, and when there
 * is hope again. A part of {@link PoolState}.
 */
final class Circuit {

  private final PoolBooks books;
  private final Turns turns;

  Circuit(PoolBooks books, Turns turns) {
    this.books = books;
    this.turns = turns;
  }

  void openIfHopeless() {
    if (books.circuitOpen || !books.isRunning() || books.occupied() == 0 || !isHopeless()) {
      return;
    }
    books.circuitOpen = true;
    PythonFailure failure = failure();
    books.add(new PoolEffect.Break(failure));
    books.publish(
        new PoolEvent.CircuitOpened(books.settings.name(), String.valueOf(failure.getMessage())));
    turns.dropAll(refusal());
  }

  private boolean isHopeless() {
    boolean hopeless = true;
    boolean forGood = false;
    for (Slot slot : books.slots) {
      for (Member member : slot.members()) {
        if (member.phase.isServing()) {
          return false;
        }
      }
      forGood |= slot.isOccupied() && failsForGood(slot);
      hopeless &=
          !slot.isOccupied()
              || slot.isFailing(Restarts.PATIENCE)
              || (slot.failures > 0 && books.restarts.failuresInARow() >= Restarts.PATIENCE);
    }
    return hopeless || forGood;
  }

  private static boolean failsForGood(Slot slot) {
    return slot.lastFailure != null && slot.lastFailure.kind().permanent();
  }

  /** A worker is ready. */
  void heal() {
    if (books.circuitOpen) {
      books.circuitOpen = false;
      books.add(new PoolEffect.Mend());
      books.publish(new PoolEvent.CircuitClosed(books.settings.name()));
    }
  }

  /** What callers are told while the circuit is open. */
  private PythonFailure failure() {
    // A slot that nobody has any more remembers how it failed, but that is nobody's trouble now.
    List<Slot> occupied = books.slots.stream().filter(Slot::isOccupied).toList();
    for (Slot slot : occupied) {
      if (slot.lastFailure != null && failsForGood(slot)) {
        return slot.lastFailure;
      }
    }
    for (Slot slot : occupied) {
      if (slot.lastFailure != null) {
        return new PythonFailure.NoCapacity(
            books.settings.name(),
            "every worker fails to start; the last: " + slot.lastFailure.getMessage(),
            slot.lastTail);
      }
    }
    List<String> tail = occupied.stream().map(slot -> slot.lastTail).findFirst().orElse(List.of());
    return new PythonFailure.NoCapacity(books.settings.name(), "every worker keeps crashing", tail);
  }

  /** What those are told who ask for a worker while the circuit is open. */
  Refusal refusal() {
    return Refusal.of(Reason.NO_CAPACITY, String.valueOf(failure().getMessage()));
  }
}
