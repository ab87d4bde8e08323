package io.gorgon.pool;

import io.gorgon.message.WorkerId;
import io.gorgon.worker.PendingCall;
import io.gorgon.worker.Runner;

/**
 * This is what a checkout is answered with: the lease, and the road to the worker that it is for.
 * Acknowledge it with {@link Pool.Acknowledge}, or it is revoked.
 */
public final class Granted {

  private final Lease lease;
  private final Runner runner;

  Granted(Lease lease, Runner runner) {
    this.lease = lease;
    this.runner = runner;
  }

  public Lease lease() {
    return lease;
  }

  /** The incarnation that was checked out. */
  public WorkerId worker() {
    return runner.id();
  }

  /** Runs a call on the worker, behind this lease's other calls; false if the lease has ended. */
  public boolean start(PendingCall call) {
    return runner.startLeased(lease, call);
  }

  /** Whether the lease still has its worker. */
  public boolean isCurrent() {
    return runner.isLentTo(lease) && runner.isOpen();
  }
}
