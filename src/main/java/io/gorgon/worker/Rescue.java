package io.gorgon.worker;

import io.gorgon.connection.Connection;
import java.util.List;

/**
 * This takes short calls back that travelled with one that turned out slow. At one look they are
 * marked on the status page, so that Python does not start them any more; at the next one,
 * milliseconds later, when any start from before the mark would show, they are taken back. So none
 * is run twice, and none waits long. Guarded by the lock of the {@link Runner} that has it.
 */
final class Rescue {

  private final Flights flights;
  private final Connection connection;

  /** The request that kept others waiting at the last look, 0 for none. */
  private long slow;

  /** The requests that were marked then: those behind the first number, up to the second. */
  private long markedBehind;

  private long markedUpTo;

  Rescue(Flights flights, Connection connection) {
    this.flights = flights;
    this.connection = connection;
  }

  /**
   * Whether calls that are marked are still at the worker. They may come back one by one, and what
   * it is given meanwhile would go before them.
   */
  boolean isUnderWay() {
    InFlight first = flights.first();
    return first != null
        && first.request() <= markedUpTo
        && flights.all().stream()
            .anyMatch(flight -> flight.request() > markedBehind && flight.request() <= markedUpTo);
  }

  /** Looks once; the calls that were taken back, in their order. */
  List<PendingCall> look() {
    InFlight first = flights.first();
    long started = first == null || flights.size() == 1 ? 0 : connection.lastStarted();
    if (first == null || started != first.request()) {
      slow = 0;
      return List.of();
    }
    if (slow != started) {
      slow = started;
      markedBehind = started;
      markedUpTo = flights.lastInFlight();
      connection.markWithdrawn(markedUpTo);
      return List.of();
    }
    List<PendingCall> back =
        flights.withdrawFollowers(markedUpTo).stream().map(InFlight::call).toList();
    back.forEach(PendingCall::didNotStart);
    return back;
  }
}
