package io.gorgon.cluster;

import io.gorgon.PythonPool;
import io.gorgon.PythonPools;
import io.gorgon.message.PythonFailure.InvalidSettings;
import io.gorgon.pool.Entrance;
import io.gorgon.pool.Pool;
import io.gorgon.pool.PoolClock;
import io.gorgon.pool.PoolSettings;
import io.gorgon.session.SessionHome;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.cluster.sharding.typed.javadsl.EntityRef;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.stream.SystemMaterializer;
import org.jspecify.annotations.Nullable;

/**
 * This is one pool of a cluster at one node: its parts, put together.
 *
 * @param face what users hold
 * @param hosted the pool that runs here; null on a node without the role
 * @param router sends calls out
 * @param shards this node's part in the pool's sessions; null if the pool can have none
 */
record ClusteredPool(
    PythonPool face, @Nullable Hosted hosted, Router router, @Nullable SessionShards shards) {

  static ClusteredPool open(ActorSystem<?> system, PoolSettings settings, ClusterSettings spread) {
    String name = settings.name();
    PoolClock clock = PoolClock.SYSTEM;
    var parcels =
        new Parcels(
            SystemMaterializer.get(system).materializer(),
            spread.inlineLimit(),
            settings.frameLimit());
    var site = Site.at(name, Cluster.get(system).selfMember().address());
    Hosted hosted =
        runsHere(system, spread) ? host(system, settings, spread, parcels, clock, site) : null;
    var sender = new Sender(parcels, clock);
    var router = new Router(settings, clock, sender);
    ActorRef<Desk.Command> desk =
        system.systemActorOf(
            Desk.create(
                new Desk.Parts(
                    name,
                    router,
                    parcels,
                    gate ->
                        new Station(
                            gate, hosted != null && gate.equals(hosted.gate()) ? hosted : null))),
            "gorgon-desk-" + name,
            Props.empty());
    sender.desk(desk);
    InvalidSettings unshared = SharedStore.problem(settings).orElse(null);
    SessionHome sessions;
    SessionShards shards = null;
    Function<String, EntityRef<SessionEntity.Command>> entities = null;
    if (unshared == null) {
      shards = new SessionShards(system, name, spread, hosted, router::isReady);
      entities = shards::find;
      var sharded =
          new ShardedSessions(
              settings,
              entities,
              desk,
              router,
              parcels,
              clock,
              (delay, task) ->
                  system.scheduler().scheduleOnce(delay, task, system.executionContext()));
      router.watchedBy(sharded);
      shards.open();
      sessions = sharded;
    } else {
      sessions = new UnsharedSessions(unshared);
    }
    ActorRef<Borrower.Command> borrower =
        system.systemActorOf(
            Borrower.create(name, new RemoteLease.Means(router, parcels, clock, desk), entities),
            "gorgon-borrower-" + name,
            Props.empty());
    Entrance entrance = Entrance.to(router, settings, clock, site.name());
    ActorRef<Pool.Command> front =
        system.systemActorOf(
            Front.create(new Front.Parts(entrance, router, sessions, borrower, parcels, site)),
            "gorgon-front-" + name,
            Props.empty());
    PythonPool face = PythonPool.elsewhere(system, entrance, front, sessions);
    return new ClusteredPool(face, hosted, router, shards);
  }

  private static boolean runsHere(ActorSystem<?> system, ClusterSettings spread) {
    return spread.role().isEmpty() || Cluster.get(system).selfMember().hasRole(spread.role());
  }

  private static Hosted host(
      ActorSystem<?> system,
      PoolSettings settings,
      ClusterSettings spread,
      Parcels parcels,
      PoolClock clock,
      Site site) {
    PythonPool pool = PythonPools.get(system).pool(settings.name());
    var visits = new Visits(parcels, clock, site);
    ActorRef<Gate.Command> gate =
        system.systemActorOf(
            Gate.create(pool, visits, spread), "gorgon-gate-" + settings.name(), Props.empty());
    return new Hosted(pool, visits, gate);
  }

  /** This node is going to leave: others send no more, and its sessions begin to move. */
  void leave() {
    Hosted own = hosted;
    if (own != null) {
      own.gate().tell(new Gate.Close());
      SessionShards sessions = shards;
      if (sessions != null) {
        sessions.leave();
      }
    }
  }

  /**
   * Takes no calls of this node any more, cuts those that run off at the limit, and ends when those
   * that run have their answers.
   */
  CompletionStage<Done> close(Duration limit) {
    Duration drain = face.settings().drainTimeout();
    return face.drain(drain.compareTo(limit) < 0 ? drain : limit);
  }
}
