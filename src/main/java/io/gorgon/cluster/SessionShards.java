package io.gorgon.cluster;

import java.util.function.Predicate;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.cluster.sharding.ShardCoordinator;
import org.apache.pekko.cluster.sharding.ShardRegion;
import org.apache.pekko.cluster.sharding.typed.ClusterShardingSettings;
import org.apache.pekko.cluster.sharding.typed.HashCodeMessageExtractor;
import org.apache.pekko.cluster.sharding.typed.ShardingEnvelope;
import org.apache.pekko.cluster.sharding.typed.javadsl.ClusterSharding;
import org.apache.pekko.cluster.sharding.typed.javadsl.Entity;
import org.apache.pekko.cluster.sharding.typed.javadsl.EntityRef;
import org.apache.pekko.cluster.sharding.typed.javadsl.EntityTypeKey;
import org.jspecify.annotations.Nullable;

/** This is one node's part in the sharding of a pool's sessions. Thread-safe. */
final class SessionShards {

  /** Is looked for so that the database's connections are there before the first session is. */
  private static final String NOBODY = "gorgon-nobody";

  private final ActorSystem<?> system;
  private final EntityTypeKey<SessionEntity.Command> type;
  private final ClusterSettings settings;
  private final @Nullable Hosted hosted;
  private final Predicate<Address> isReady;
  private volatile @Nullable ActorRef region;

  /**
   * For one pool on one node.
   *
   * @param hosted the pool of this node; null if it only calls
   * @param isReady whether a node has workers that serve
   */
  SessionShards(
      ActorSystem<?> system,
      String pool,
      ClusterSettings settings,
      @Nullable Hosted hosted,
      Predicate<Address> isReady) {
    this.isReady = isReady;
    this.system = system;
    this.type = EntityTypeKey.create(SessionEntity.Command.class, "gorgon-session-" + pool);
    this.settings = settings;
    this.hosted = hosted;
  }

  /** Takes part from now on. */
  void open() {
    Hosted own = hosted;
    if (own != null) {
      own.pool()
          .sessions()
          .read(NOBODY)
          .whenComplete((state, failure) -> own.pool().sessions().release(NOBODY));
    }
    begin(own);
  }

  private void begin(@Nullable Hosted own) {
    // Sessions are let go by their own idea of idleness, which sharding's does not know.
    var sharding = ClusterShardingSettings.create(system).withNoPassivationStrategy();
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
            .withSettings(sharding)
            .withAllocationStrategy(new ReadyNodesFirst(usual(), isReady))
            .withStopMessage(new SessionEntity.HandOff());
    region =
        Adapter.toClassic(
            ClusterSharding.get(system)
                .init(settings.role().isEmpty() ? entity : entity.withRole(settings.role())));
  }

  /** What sharding would do by itself. */
  private ShardCoordinator.ShardAllocationStrategy usual() {
    org.apache.pekko.actor.ActorSystem classic = Adapter.toClassic(system);
    return org.apache.pekko.cluster.sharding.ClusterSharding.get(classic)
        .defaultShardAllocationStrategy(
            org.apache.pekko.cluster.sharding.ClusterShardingSettings.create(classic));
  }

  /** The way to a session. */
  EntityRef<SessionEntity.Command> find(String key) {
    return ClusterSharding.get(system).entityRefFor(type, key);
  }

  /** Gives the sessions of this node to others. */
  void leave() {
    ActorRef own = region;
    if (own != null && hosted != null) {
      own.tell(ShardRegion.gracefulShutdownInstance(), ActorRef.noSender());
    }
  }
}
