package io.gorgon.pool;

import io.gorgon.message.PoolEvent;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.jspecify.annotations.Nullable;

/** This tells the events of a {@link Pool} to those who listen, and to its log. */
final class Subscribers {

  private final ActorContext<Pool.Command> context;
  private final Set<ActorRef<PoolEvent>> subscribers = new LinkedHashSet<>();
  private @Nullable PoolEvent openCircuit;

  Subscribers(ActorContext<Pool.Command> context) {
    this.context = context;
  }

  /** False if it listens already. */
  boolean add(ActorRef<PoolEvent> subscriber) {
    return subscribers.add(subscriber);
  }

  /** All who listen. */
  List<ActorRef<PoolEvent>> all() {
    return List.copyOf(subscribers);
  }

  /** That the circuit is open, if it is. */
  Optional<PoolEvent> openCircuit() {
    return Optional.ofNullable(openCircuit);
  }

  void remove(ActorRef<?> subscriber) {
    subscribers.removeIf(subscriber::equals);
  }

  void publish(PoolEvent event) {
    context.getLog().debug("{}", event);
    if (event instanceof PoolEvent.CircuitClosed) {
      openCircuit = null;
    } else if (event instanceof PoolEvent.CircuitOpened opened) {
      openCircuit = opened;
      context.getLog().error("pool '{}' cannot serve: {}", opened.pool(), opened.why());
    }
    subscribers.forEach(subscriber -> subscriber.tell(event));
  }
}
