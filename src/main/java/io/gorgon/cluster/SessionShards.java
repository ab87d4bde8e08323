package io.gorgon.cluster;

import io.gorgon.message.PoolEvent;
import io.gorgon.pool.Pool;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.sharding.ShardRegion;
import org.apache.pekko.cluster.sharding.typed.ClusterShardingSettings;
import org.apache.pekko.cluster.sharding.typed.HashCodeMessageExtractor;
import org.apache.pekko.cluster.sharding.typed.ShardingEnvelope;
import org.apache.pekko.cluster.sharding.typed.javadsl.ClusterSharding;
import org.apache.pekko.cluster.sharding.typed.javadsl.Entity;
import org.apache.pekko.cluster.sharding.typed.javadsl.EntityRef;
import org.apache.pekko.cluster.sharding.typed.javadsl.EntityTypeKey;
import org.jspecify.annotations.Nullable;

/**
 * This is one node's part in the sharding of a pool's sessions. A node that runs the pool takes
 * sessions only when it can serve them: sharding gives the next ones to the node that has fewest,
 * and so all at once to one that has just come, whose workers may still import. Thread-safe.
 */
final class SessionShards {

  /** Is looked for so that the database's connections are there before the first session is. */
  private static final String NOBODY = "gorgon-nobody";

  private final ActorSystem<?> system;
  private final EntityTypeKey<SessionEntity.Command> type;
  private final ClusterSettings settings;
  private final @Nullable Hosted hosted;
  private @Nullable ActorRef region;
  private boolean left;

  /** {@code hosted}: the pool of this node; null if it only calls. */
  SessionShards(
      ActorSystem<?> system, String pool, ClusterSettings settings, @Nullable Hosted hosted) {
    this.system = system;
    this.type = EntityTypeKey.create(SessionEntity.Command.class, "gorgon-session-" + pool);
    this.settings = settings;
    this.hosted = hosted;
  }

  /** Takes part: now, or when the first worker of this node is ready. */
  void open() {
    Hosted own = hosted;
    if (own == null) {
      begin(null);
      return;
    }
    org.apache.pekko.actor.typed.ActorRef<PoolEvent> listener =
        system.systemActorOf(
            Behaviors.receiveMessage(
                event -> {
                  if (event instanceof PoolEvent.WorkerReady) {
                    whenTheStoreIsThere(own);
                    return Behaviors.stopped();
                  }
                  return Behaviors.same();
                }),
            "gorgon-shards-" + own.pool().name(),
            Props.empty());
    own.pool().ref().tell(new Pool.Subscribe(listener));
  }

  /** Or when it has said that it is not: then sessions will say so too. */
  private void whenTheStoreIsThere(Hosted own) {
    CompletableFuture.completedFuture(NOBODY)
        .thenComposeAsync(own.pool().sessions()::read, blocking())
        .handle((state, failure) -> own.pool().sessions().release(NOBODY))
        .thenAcceptAsync(released -> begin(own), blocking());
  }

  /** Sharding blocks its caller for a moment. */
  private java.util.concurrent.Executor blocking() {
    return system.dispatchers().lookup(DispatcherSelector.fromConfig("gorgon.blocking-dispatcher"));
  }

  private synchronized void begin(@Nullable Hosted own) {
    if (left) {
      return;
    }
    // Sessions are let go by their own idea of idleness, which sharding's does not know.
    Entity<SessionEntity.Command, ShardingEnvelope<SessionEntity.Command>> entity =
        Entity.of(
                type,
                context -> {
                  if (own == null) {
                    throw new IllegalStateException(
                        "a session has come to a node without the role");
                  }
                  return SessionEntity.create(
                      context.getEntityId(), own, settings, context.getShard());
                })
            .withMessageExtractor(
                new HashCodeMessageExtractor<SessionEntity.Command>(settings.shards()))
            .withSettings(ClusterShardingSettings.create(system).withNoPassivationStrategy())
            .withStopMessage(new SessionEntity.HandOff());
    region =
        Adapter.toClassic(
            ClusterSharding.get(system)
                .init(settings.role().isEmpty() ? entity : entity.withRole(settings.role())));
  }

  /** The way to a session; empty as long as this node takes no part. */
  synchronized Optional<EntityRef<SessionEntity.Command>> find(String key) {
    return region == null
        ? Optional.empty()
        : Optional.of(ClusterSharding.get(system).entityRefFor(type, key));
  }

  /** Gives the sessions of this node to others. */
  synchronized void leave() {
    left = true;
    ActorRef own = region;
    if (own != null && hosted != null) {
      own.tell(ShardRegion.gracefulShutdownInstance(), ActorRef.noSender());
    }
  }
}
