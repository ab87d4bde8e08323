package io.gorgon.pool;

import io.gorgon.message.Exit;
import io.gorgon.message.PoolEvent;
import io.gorgon.worker.Worker;
import org.apache.pekko.actor.typed.javadsl.ActorContext;

/** This takes in for a {@link Pool} what its workers tell, and what their ends tell. */
final class WorkerNews {

  private final ActorContext<Pool.Command> context;
  private final Hands hands;
  private final Askers askers;
  private final Subscribers subscribers;
  private final Decisions decisions;

  WorkerNews(
      ActorContext<Pool.Command> context,
      Hands hands,
      Askers askers,
      Subscribers subscribers,
      Decisions decisions) {
    this.context = context;
    this.hands = hands;
    this.askers = askers;
    this.subscribers = subscribers;
    this.decisions = decisions;
  }

  void on(Worker.Event event) {
    if (event instanceof Worker.Wants wants) {
      decisions.feed(new PoolInput.Wanted(wants.slot(), wants.lineage()));
    } else if (event instanceof Worker.Ready ready) {
      onReady(ready);
    } else if (event instanceof Worker.Gone gone) {
      onGone(gone);
    } else if (event instanceof Worker.Checked checked) {
      decisions.feed(
          new PoolInput.Checked(
              checked.id().slot(), checked.id().generation(), checked.answered()));
    } else if (event instanceof Worker.LeaseIdle idle && idle.lease() instanceof Lease lease) {
      onLeaseIdle(lease);
    } else if (event instanceof Worker.RetireDue due) {
      decisions.feed(new PoolInput.RetireDue(due.id().slot(), due.id().generation(), due.reason()));
    } else if (event instanceof Worker.Noticed noticed) {
      context.getLog().warn("worker {}: {}", noticed.id(), noticed.what());
      subscribers.publish(new PoolEvent.WorkerNoticed(noticed.id(), noticed.what()));
    }
  }

  private void onReady(Worker.Ready ready) {
    if (!hands.ready(ready)) {
      return;
    }
    var id = ready.runner().id();
    decisions.feed(new PoolInput.BecameReady(id.slot(), ready.lineage(), id.generation()));
    decisions.showStatus();
    subscribers.publish(new PoolEvent.WorkerReady(id, ready.pid()));
  }

  private void onGone(Worker.Gone gone) {
    hands.gone(gone.lineage());
    subscribers.publish(
        new PoolEvent.WorkerGone(
            gone.id(), gone.closed().exit(), gone.cause(), gone.fault() == Worker.Fault.POOL));
    gone.unstarted()
        .map(Lease.class::cast)
        .filter(askers::takeBack)
        .ifPresent(
            lease ->
                decisions.feed(new PoolInput.HandOverFailed(lease, HandOver.Problem.PROCESS_DEAD)));
    decisions.feed(
        new PoolInput.Gone(
            gone.id().slot(),
            gone.lineage(),
            gone.id().generation(),
            gone.fault(),
            gone.failure(),
            gone.closed().tail(),
            gone.replaced()));
    askers.forgetHoldersOf(gone.id());
    decisions.showStatus();
  }

  private void onLeaseIdle(Lease lease) {
    if (askers.isForOneCall(lease)) {
      decisions.feed(new PoolInput.Returned(lease, Verdict.CLEAN, askers.reclaim(lease)));
    }
  }

  /** A worker actor that stopped without a word failed in a way that was not foreseen. */
  void onStopped(long lineage) {
    Hand hand = hands.remove(lineage);
    if (hand == null) {
      return;
    }
    if (hand.runner != null) {
      String cause = "its actor stopped unexpectedly";
      subscribers.publish(new PoolEvent.WorkerGone(hand.runner.id(), Exit.UNKNOWN, cause, false));
      context.getLog().error("worker {} is gone: {}", hand.runner.id(), cause);
      askers.forgetHoldersOf(hand.runner.id());
    }
    decisions.feed(new PoolInput.Vanished(hand.slot, lineage));
    decisions.showStatus();
  }
}
