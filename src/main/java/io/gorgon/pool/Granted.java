package io.gorgon.pool;

import io.gorgon.message.WorkerId;
import io.gorgon.worker.PendingCall;
import io.gorgon.worker.Runner;

/**
 * This is what a checkout is answered with: the lease, and the road to the worker that it is for.
 * Acknowledge it with {@link Pool.Acknowledge}, or it is revoked.
 */
public final class Granted {

  /** This leads to a worker that is checked out, wherever that is. Thread-safe. */
  public interface Road {

    /** The incarnation that was checked out. */
    WorkerId worker();

    /** Runs a call on it, behind the lease's other calls; false if the lease has ended. */
    boolean start(PendingCall call);

    /** Whether the lease still has its worker, as far as is known here. */
    boolean isCurrent();
  }

  private final Lease lease;
  private final Road road;

  /** For a worker that is elsewhere. */
  public Granted(Lease lease, Road road) {
    this.lease = lease;
    this.road = road;
  }

  Granted(Lease lease, Runner runner) {
    this(lease, new Here(lease, runner));
  }

  private record Here(Lease lease, Runner runner) implements Road {
    @Override
    public WorkerId worker() {
      return runner.id();
    }

    @Override
    public boolean start(PendingCall call) {
      return runner.startLeased(lease, call);
    }

    @Override
    public boolean isCurrent() {
      return runner.isLentTo(lease) && runner.isOpen();
    }
  }

  public Lease lease() {
    return lease;
  }

  /** The incarnation that was checked out. */
  public WorkerId worker() {
    return road.worker();
  }

  /** Runs a call on the worker, behind this lease's other calls; false if the lease has ended. */
  public boolean start(PendingCall call) {
    return road.start(call);
  }

  /** Whether the lease still has its worker. */
  public boolean isCurrent() {
    return road.isCurrent();
  }
}
