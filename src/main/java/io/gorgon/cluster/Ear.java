package io.gorgon.cluster;

import io.gorgon.message.ClusterMessage;
import io.gorgon.message.PoolEvent;
import java.util.HashSet;
import java.util.Set;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.AbstractBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.Receive;
import org.apache.pekko.actor.typed.receptionist.Receptionist;
import org.apache.pekko.actor.typed.receptionist.ServiceKey;
import org.jspecify.annotations.Nullable;

/**
 * Brings one subscriber the events of all nodes that run the pool, those that join later included.
 * What happens while a node cannot be reached may be missing. It lives as long as its subscriber.
 */
final class Ear extends AbstractBehavior<Ear.Command> {

  /** What an ear can be told. */
  sealed interface Command {}

  /** Something happened at a node; null if this node does not know what. */
  record Heard(@Nullable PoolEvent event) implements Command, ClusterMessage {}

  private record Listed(Receptionist.Listing listing) implements Command {}

  private record SubscriberGone() implements Command {}

  /** Listens for {@code subscriber} at the gates of that key. */
  static Behavior<Command> create(ServiceKey<Gate.Command> key, ActorRef<PoolEvent> subscriber) {
    return Behaviors.setup(context -> new Ear(context, key, subscriber));
  }

  private final ServiceKey<Gate.Command> key;
  private final ActorRef<PoolEvent> subscriber;
  private final Set<ActorRef<Gate.Command>> followed = new HashSet<>();

  private Ear(
      ActorContext<Command> context, ServiceKey<Gate.Command> key, ActorRef<PoolEvent> subscriber) {
    super(context);
    this.key = key;
    this.subscriber = subscriber;
    context.watchWith(subscriber, new SubscriberGone());
    context
        .getSystem()
        .receptionist()
        .tell(
            Receptionist.subscribe(
                key, context.messageAdapter(Receptionist.Listing.class, Listed::new)));
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Heard.class, this::onHeard)
        .onMessage(Listed.class, this::onListed)
        .onMessage(SubscriberGone.class, gone -> onSubscriberGone())
        .build();
  }

  private Behavior<Command> onHeard(Heard heard) {
    PoolEvent event = heard.event();
    if (event != null) {
      subscriber.tell(event);
    }
    return this;
  }

  private Behavior<Command> onSubscriberGone() {
    return Behaviors.stopped();
  }

  private Behavior<Command> onListed(Listed listed) {
    followed.retainAll(listed.listing().getAllServiceInstances(key));
    for (ActorRef<Gate.Command> gate : listed.listing().getServiceInstances(key)) {
      if (followed.add(gate)) {
        gate.tell(new Gate.Follow(getContext().getSelf()));
      }
    }
    return this;
  }
}
