package io.gorgon.cluster;

import io.gorgon.message.PythonFailure.NodeLost;
import io.gorgon.worker.PendingCall;
import org.apache.pekko.actor.typed.ActorRef;

/** This is a call on a worker of another node that is checked out. Thread-safe. */
final class LeaseCrossing extends Crossing {

  private final Router router;
  private final ActorRef<Gate.Command> gate;

  LeaseCrossing(PendingCall call, Router router, ActorRef<Gate.Command> gate) {
    super(call, router.nextNumber());
    this.router = router;
    this.gate = gate;
  }

  /** The node that has the worker. */
  ActorRef<Gate.Command> gate() {
    return gate;
  }

  @Override
  String node() {
    return gate.path().address().hostPort();
  }

  @Override
  boolean isSent() {
    return true;
  }

  @Override
  void tick(long now) {
    if (call().isOverdue(now - WORD_NANOS)) {
      call().expire();
    }
  }

  @Override
  void over() {
    router.remove(this);
  }

  /** Its node is gone for good, and the worker with it. */
  void lost(String node) {
    failed(new NodeLost(call().call().target(), node, "it has left the cluster", true, false));
  }
}
