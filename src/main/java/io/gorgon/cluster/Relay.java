package io.gorgon.cluster;

import io.gorgon.message.PoolEvent;
import io.gorgon.pool.Pool;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.Terminated;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/** Passes the events of this node's pool on to an {@link Ear}, as long as that lives. */
final class Relay {

  private Relay() {}

  static Behavior<PoolEvent> create(
      ActorRef<Pool.Command> pool, Site site, ActorRef<Ear.Command> ear) {
    return Behaviors.setup(
        context -> {
          context.watch(ear);
          pool.tell(new Pool.Subscribe(context.getSelf()));
          return Behaviors.receive(PoolEvent.class)
              .onAnyMessage(
                  event -> {
                    ear.tell(new Ear.Heard(site.outside(event)));
                    return Behaviors.same();
                  })
              .onSignal(Terminated.class, gone -> Behaviors.stopped())
              .build();
        });
  }
}
