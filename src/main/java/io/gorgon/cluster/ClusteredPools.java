package io.gorgon.cluster;

import com.typesafe.config.Config;
import io.gorgon.PythonPool;
import io.gorgon.message.PythonFailure.InvalidSettings;
import io.gorgon.pool.PoolSettings;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.pekko.Done;
import org.apache.pekko.actor.CoordinatedShutdown;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Extension;
import org.apache.pekko.actor.typed.ExtensionId;

/**
 * These are pools that run on many nodes of a cluster, each behind the face of one. A node whose
 * roles say so runs its part of a pool from the moment that it asks for it here; any node can call.
 * Thread-safe.
 *
 * <pre>{@code
 * PythonPool pool = ClusteredPools.get(system).pool("default");
 * }</pre>
 *
 * <p>One-shot calls and streams go to the least loaded node, sessions to the one that has them.
 * Java functions that a call offers run at the caller's node. A checkout is of a worker of the
 * least loaded node, for a session of the session's; it ends with that node, and with its holder's.
 *
 * <p>Replies, events and figures name workers with their node, as {@code default@host:port/0.3}.
 * Limits are per node: {@code resize} sets them on each that can be reached, and nodes that join
 * later have those of their configuration. {@code drain} ends this node's use of the pool alone,
 * not the pool. A pinned session is pinned to a process of the node that has the session; if the
 * session goes to another node, that knows of no process.
 */
public final class ClusteredPools implements Extension {

  /** Makes the extension; needed by Pekko alone. */
  public static final class Id extends ExtensionId<ClusteredPools> {
    private static final Id INSTANCE = new Id();

    @Override
    public ClusteredPools createExtension(ActorSystem<?> system) {
      return new ClusteredPools(system);
    }

    public static Id getInstance() {
      return INSTANCE;
    }
  }

  /** What the end of the phase leaves for those that are cut off, so that they are answered. */
  private static final Duration TO_ANSWER = Duration.ofSeconds(1);

  private final ActorSystem<?> system;
  private final Map<String, ClusteredPool> pools = new ConcurrentHashMap<>();

  private ClusteredPools(ActorSystem<?> system) {
    this.system = system;
    CoordinatedShutdown shutdown = CoordinatedShutdown.get(system);
    shutdown.addTask(
        CoordinatedShutdown.PhaseServiceUnbind(), "gorgon-close-gates", this::closeGates);
    shutdown.addTask(
        CoordinatedShutdown.PhaseServiceRequestsDone(), "gorgon-close-desks", this::closeDesks);
  }

  /**
   * The pools of {@code system}'s cluster.
   *
   * @throws InvalidSettings if the system is not part of one
   */
  public static ClusteredPools get(ActorSystem<?> system) {
    String provider = system.settings().config().getString("pekko.actor.provider");
    if (!provider.equals("cluster") && !provider.contains("ClusterActorRefProvider")) {
      throw new InvalidSettings(
          "pekko.actor.provider",
          "is '"
              + provider
              + "': a pool over many nodes needs 'cluster'; in one JVM use"
              + " PythonPools.get(system)");
    }
    return Id.INSTANCE.apply(system);
  }

  /**
   * The pool that the config block {@code gorgon.pools.NAME} describes, over all nodes of the role
   * {@code gorgon.pools.NAME.cluster.role}. If this node has the role, it runs its part from now
   * on.
   *
   * @throws InvalidSettings if there is no such block, or something in it is wrong, such as a store
   *     of sessions that one JVM has for itself
   */
  public PythonPool pool(String name) {
    return pools.computeIfAbsent(name, this::open).face();
  }

  /** The pools that run on this node, by name: its parts of those that were asked for here. */
  public Map<String, PythonPool> hosted() {
    Map<String, PythonPool> hosted = new TreeMap<>();
    pools.forEach(
        (name, pool) -> {
          Hosted own = pool.hosted();
          if (own != null) {
            hosted.put(name, own.pool());
          }
        });
    return hosted;
  }

  /** How many nodes that can be reached have workers of that pool ready, as this node knows. */
  public int readyNodes(String name) {
    ClusteredPool pool = pools.get(name);
    return pool == null ? 0 : pool.router().readyNodes();
  }

  /** The gate to this node's part of a pool that runs here. */
  ActorRef<Gate.Command> gate(String name) {
    ClusteredPool pool = pools.get(name);
    Hosted own = pool == null ? null : pool.hosted();
    if (own == null) {
      throw new IllegalArgumentException("pool '" + name + "' does not run on this node");
    }
    return own.gate();
  }

  private ClusteredPool open(String name) {
    Config config = system.settings().config();
    PoolSettings settings = PoolSettings.from(name, config);
    ClusterSettings spread = ClusterSettings.from(name, config);
    SharedStore.check(settings, config);
    return ClusteredPool.open(system, settings, spread);
  }

  private CompletionStage<Done> closeGates() {
    pools.values().forEach(ClusteredPool::leave);
    return CompletableFuture.completedFuture(Done.getInstance());
  }

  private CompletionStage<Done> closeDesks() {
    Config shutdown = system.settings().config().getConfig("pekko.coordinated-shutdown");
    String own = "phases." + CoordinatedShutdown.PhaseServiceRequestsDone() + ".timeout";
    Duration phase = shutdown.getDuration(shutdown.hasPath(own) ? own : "default-phase-timeout");
    Duration limit = phase.minus(TO_ANSWER).isNegative() ? Duration.ZERO : phase.minus(TO_ANSWER);
    CompletableFuture<?>[] closed =
        pools.values().stream()
            .map(pool -> pool.close(limit).toCompletableFuture())
            .toArray(CompletableFuture<?>[]::new);
    return CompletableFuture.allOf(closed).handle((done, failure) -> Done.getInstance());
  }
}
