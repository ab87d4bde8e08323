package io.gorgon.worker;

/** This is a request that has been written to a worker and not been answered. Thread-safe. */
final class InFlight {

  private final long request;
  private final PendingCall call;
  private final boolean leased;
  private volatile long sentUpTo;

  /**
   * For a request that is about to be written.
   *
   * @param request its id on this connection
   * @param leased whether it belongs to the worker's lease, else to the lane
   */
  InFlight(long request, PendingCall call, boolean leased) {
    this.request = request;
    this.call = call;
    this.leased = leased;
  }

  long request() {
    return request;
  }

  PendingCall call() {
    return call;
  }

  boolean leased() {
    return leased;
  }

  /** The connection's position behind it; 0 while that is not known. */
  long sentUpTo() {
    return sentUpTo;
  }

  /** Notes where it went. */
  void wasSent(long position) {
    sentUpTo = position;
  }
}
