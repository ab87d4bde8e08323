package io.gorgon.cluster;

import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.DeadlineExceeded.Phase;
import io.gorgon.message.PythonFailure.Draining;
import io.gorgon.message.PythonFailure.NoCapacity;
import io.gorgon.message.PythonFailure.NodeLost;
import io.gorgon.message.PythonFailure.Overloaded;
import io.gorgon.message.PythonFailure.StartFailed;
import io.gorgon.wire.Frame;
import io.gorgon.worker.PendingCall;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * This is a one-shot call that the {@link Router} sends to a node, and to another one if the first
 * did not start it. Thread-safe.
 */
final class CallCrossing extends Crossing {

  private final Router router;
  private final Set<Station> refusedBy;
  private final int losses;
  private volatile @Nullable Station station;
  private volatile boolean heardOf;

  CallCrossing(PendingCall call, long number, Router router) {
    this(call, number, router, ConcurrentHashMap.newKeySet(), 0);
  }

  private CallCrossing(
      PendingCall call, long number, Router router, Set<Station> refusedBy, int losses) {
    super(call, number);
    this.router = router;
    this.refusedBy = refusedBy;
    this.losses = losses;
  }

  /** The same call under another number, so that nothing of this attempt can be taken for it. */
  CallCrossing again(long newNumber) {
    return new CallCrossing(call(), newNumber, router, refusedBy, losses);
  }

  /** The node that has it; null while it waits. */
  @Nullable Station station() {
    return station;
  }

  void station(@Nullable Station to) {
    station = to;
  }

  boolean wasRefused() {
    return !refusedBy.isEmpty();
  }

  boolean wasRefusedBy(Station by) {
    return refusedBy.contains(by);
  }

  @Override
  String node() {
    Station at = station;
    return at == null ? "none" : at.node();
  }

  @Override
  boolean isSent() {
    return station != null;
  }

  @Override
  public Phase waitsIn() {
    return router.hasWorkers() ? Phase.QUEUED : Phase.STARTING;
  }

  @Override
  void tick(long now) {
    if (call().isOverdue(now - (isSent() ? WORD_NANOS : 0))) {
      call().expire();
    }
  }

  @Override
  void over() {
    router.over(this);
  }

  @Override
  public void told(Frame frame) {
    heardOf = true;
    super.told(frame);
  }

  @Override
  public void failed(PythonFailure failure) {
    Station by = station;
    boolean refused =
        failure instanceof Draining
            || failure instanceof Overloaded
            || failure instanceof NoCapacity
            || (failure instanceof NodeLost lost && !lost.started())
            || (failure instanceof StartFailed start && start.retryable());
    if (refused && by != null && !call().isDone()) {
      refusedBy.add(by);
      router.redirect(this, failure);
    } else {
      super.failed(failure);
    }
  }

  /** Its node is gone for good. */
  void lost(String node) {
    PendingCall call = call();
    boolean idempotent = call.call().retries() > 0;
    var failure =
        new NodeLost(call.call().target(), node, "it has left the cluster", true, idempotent);
    if (!heardOf && losses < call.call().retries() && !call.isDone()) {
      long number = router.nextNumber();
      router.redirect(this, failure, new CallCrossing(call, number, router, refusedBy, losses + 1));
    } else {
      super.failed(failure);
    }
  }
}
