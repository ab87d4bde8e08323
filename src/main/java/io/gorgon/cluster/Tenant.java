package io.gorgon.cluster;

import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.Terminated;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/**
 * Stands at a worker's node for the owner of its lease, who is on another one. It is stopped with
 * the owner and stops when the owner's node is gone; the pool takes the worker back then.
 */
final class Tenant {

  private Tenant() {}

  static Behavior<Void> create(ActorRef<Borrower.Command> borrower) {
    return Behaviors.setup(
        context -> {
          context.watch(borrower);
          return Behaviors.receive(Void.class)
              .onSignal(Terminated.class, gone -> Behaviors.stopped())
              .build();
        });
  }
}
