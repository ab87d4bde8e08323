package io.gorgon.pool;

import io.gorgon.message.PythonFailure.CheckoutRefused.Reason;
import io.gorgon.pool.PoolEffect.Settle;
import io.gorgon.pool.WaitingLine.Waiter;
import java.util.List;

/**
 * This decides who may wait for a worker: on arrival, when nobody could be found at once, and when
 * the asker or its owner does not want one any more. A part of {@link PoolState}.
 */
final class Asking {

  private final PoolBooks books;
  private final Turns turns;
  private final Ending ending;
  private final Leases leases;
  private final Circuit circuit;
  private final Size size;

  Asking(PoolBooks books, Turns turns, Ending ending, Leases leases, Circuit circuit, Size size) {
    this.books = books;
    this.turns = turns;
    this.ending = ending;
    this.leases = leases;
    this.circuit = circuit;
    this.size = size;
  }

  void onAsked(PoolInput.Asked asked) {
    String problem = asked.kind().problem();
    if (problem != null) {
      books.refuse(asked.request(), Refusal.of(Reason.INVALID_KIND, problem));
    } else if (!books.isRunning()) {
      books.refuse(asked.request(), ending.refusal());
    } else if (books.isPast(asked.deadline())) {
      books.refuse(
          asked.request(), Refusal.of(Reason.DEADLINE, "the deadline had passed on arrival"));
    } else if (books.circuitOpen) {
      books.refuse(asked.request(), circuit.refusal());
    } else {
      enqueue(asked);
    }
  }

  private void enqueue(PoolInput.Asked asked) {
    var waiter =
        new Waiter(
            asked.request(),
            asked.kind(),
            asked.owner(),
            books.now,
            asked.deadline(),
            asked.runs());
    size.fillIfEmpty();
    if (isSurelyTooMany(waiter)) {
      books.refuse(waiter.request(), queueFull());
      return;
    }
    if (books.line.add(waiter)) {
      turns.place(waiter, false);
    }
    if (books.line.get(waiter.request()) == null) {
      return;
    }
    if (asked.kind().affinity() == CheckoutKind.Affinity.PINNED_FAIL_FAST) {
      books.add(
          new Settle(
              waiter.request(),
              Refusal.of(Reason.WORKER_BUSY, "the session's worker is busy: try again later")));
    } else if (isOverfull()) {
      books.add(new Settle(waiter.request(), queueFull()));
    }
  }

  /**
   * Whether the line is full and no idle worker could make room. Known without asking the lane, so
   * that a flood costs neither memory nor time; where the lane has workers, it is asked.
   */
  private boolean isSurelyTooMany(Waiter waiter) {
    int capacity = books.settings.queueCapacity();
    return books.line.size() >= capacity
        && waiter.kind().affinity() != CheckoutKind.Affinity.PINNED_FAIL_FAST
        && (books.line.size() >= capacity + books.max
            || books.slots.stream()
                .noneMatch(
                    slot -> slot.current != null && slot.current.phase == Slot.Phase.IN_LANE));
  }

  private Refusal queueFull() {
    return Refusal.of(
        Reason.QUEUE_FULL,
        books.settings.queueCapacity() + " are waiting, which is all that may: " + books.figures());
  }

  private boolean isOverfull() {
    return books.line.size() > books.settings.queueCapacity();
  }

  void onUnsettled(PoolInput.Unsettled unsettled) {
    Waiter waiter = books.line.get(unsettled.request());
    boolean fits = unsettled.refusal().reason() == Reason.QUEUE_FULL && !isOverfull();
    if (waiter != null && !fits) {
      turns.drop(waiter, unsettled.refusal());
    }
  }

  void onWithdrawn(PoolInput.Withdrawn withdrawn) {
    Waiter waiter = books.line.get(withdrawn.request());
    if (waiter != null) {
      turns.drop(waiter, Refusal.of(Reason.CANCELLED, "it was withdrawn"));
    } else {
      leases.revokeUnacknowledged(withdrawn.request());
    }
  }

  void onOwnerDied(PoolInput.OwnerDied died) {
    for (Waiter waiter : List.copyOf(books.line.all())) {
      if (waiter.owner() == died.owner()) {
        turns.drop(waiter, Refusal.of(Reason.OWNER_DEAD, "its owner stopped"));
      }
    }
    leases.revokeAllOf(died.owner());
  }
}
