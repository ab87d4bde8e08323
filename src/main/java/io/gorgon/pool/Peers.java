package io.gorgon.pool;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.jspecify.annotations.Nullable;

/**
 * These are the actors outside whose end a {@link Pool} has to know of: the owners of leases, who
 * are numbered for {@link PoolState}, and those who listen to events.
 */
final class Peers {

  private final ActorContext<Pool.Command> context;
  private final Function<ActorRef<?>, Pool.Command> stopped;
  private final Set<ActorRef<?>> watched = new HashSet<>();
  private final Map<ActorRef<?>, Long> owners = new HashMap<>();
  private long ownersSeen;

  /**
   * Watches nobody yet.
   *
   * @param stopped what the pool is told when a peer has stopped
   */
  Peers(ActorContext<Pool.Command> context, Function<ActorRef<?>, Pool.Command> stopped) {
    this.context = context;
    this.stopped = stopped;
  }

  /** Once, whatever it is watched for: Pekko refuses a second message for the same actor. */
  void watch(ActorRef<?> peer) {
    if (watched.add(peer)) {
      context.watchWith(peer, stopped.apply(peer));
    }
  }

  /** The number of an owner, who is watched from now on; 0 for nobody. */
  long ownerNumber(@Nullable ActorRef<?> owner) {
    if (owner == null) {
      return 0;
    }
    watch(owner);
    return owners.computeIfAbsent(owner, any -> ++ownersSeen);
  }

  boolean isOwnerAlive(ActorRef<?> owner) {
    return owners.containsKey(owner);
  }

  /** Forgets one that has stopped; its number if it was an owner. */
  OptionalLong remove(ActorRef<?> peer) {
    watched.remove(peer);
    Long number = owners.remove(peer);
    return number == null ? OptionalLong.empty() : OptionalLong.of(number);
  }
}
