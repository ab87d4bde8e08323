package io.gorgon.cluster;

import io.gorgon.message.Loan;
import io.gorgon.message.WorkerId;
import io.gorgon.pool.Granted;
import io.gorgon.pool.Lease;
import io.gorgon.pool.PoolClock;
import io.gorgon.worker.PendingCall;
import org.apache.pekko.actor.typed.ActorRef;

/** This leads to a worker of any node that is checked out. Thread-safe. */
final class RemoteLease implements Granted.Road {

  /** What all leases of a pool need at a node. */
  record Means(Router router, Parcels parcels, PoolClock clock, ActorRef<Desk.Command> desk) {}

  private final Means means;
  private final ActorRef<Gate.Command> gate;
  private final Lease lease;
  private final WorkerId worker;
  private volatile boolean ended;

  /**
   * For one lease.
   *
   * @param lease as the worker's node calls it
   */
  RemoteLease(Means means, ActorRef<Gate.Command> gate, Lease lease, WorkerId worker) {
    this.means = means;
    this.gate = gate;
    this.lease = lease;
    this.worker = worker;
  }

  ActorRef<Gate.Command> gate() {
    return gate;
  }

  /** The lease, as the worker's node calls it. */
  Lease lease() {
    return lease;
  }

  /** Notes that it has ended: no call starts any more. */
  void end() {
    ended = true;
  }

  @Override
  public WorkerId worker() {
    return worker;
  }

  @Override
  public boolean isCurrent() {
    return !ended;
  }

  @Override
  public boolean start(PendingCall call) {
    if (ended) {
      return false;
    }
    var crossing = new LeaseCrossing(call, means.router(), gate);
    call.heldBy(crossing);
    means.router().add(crossing);
    crossing.isAt(new RemoteVisit(gate, means.desk(), crossing.number(), means.parcels()));
    var body = call.body().with(call.body().attachments(), Loan.NONE);
    gate.tell(
        new Gate.Serve(
            means.desk(),
            crossing.number(),
            Errand.of(call, means.clock().getAsLong()),
            means.parcels().pack(body),
            lease));
    if (call.isDone()) {
      crossing.onAbandoned(call, false);
    } else if (means.router().isGone(gate)) {
      crossing.lost(gate.path().address().hostPort());
    }
    return true;
  }
}
