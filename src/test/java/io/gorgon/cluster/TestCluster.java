package io.gorgon.cluster;

import static org.awaitility.Awaitility.await;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.gorgon.PythonPool;
import io.gorgon.pool.PoolStatus;
import io.gorgon.proving.TestMachine;
import io.gorgon.proving.TestPool;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.pekko.actor.CoordinatedShutdown;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.MemberStatus;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Join;

/**
 * Some nodes of one cluster in this JVM, each an actor system with its own port and its own Python.
 *
 * <pre>{@code
 * try (var cluster = TestCluster.start(2)) { cluster.pool(0).call(...) }
 * }</pre>
 */
final class TestCluster implements AutoCloseable {

  static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final AtomicLong COUNT = new AtomicLong();

  private final String name;
  private final String settings;
  private final List<ActorSystem<?>> nodes = new ArrayList<>();

  private TestCluster(String name, String settings) {
    this.name = name;
    this.settings = settings;
  }

  /** Nodes that all run the pool {@code test}, with one worker each. */
  static TestCluster start(int nodes, String... settings) {
    var cluster = new TestCluster("cluster" + COUNT.incrementAndGet(), String.join("\n", settings));
    for (int i = 0; i < nodes; i++) {
      cluster.join("python");
    }
    for (int i = 0; i < nodes; i++) {
      cluster.awaitNodes(i, nodes);
    }
    return cluster;
  }

  /** One more node, with that role; {@code python} nodes run the pool. */
  ActorSystem<?> join(String role, String... more) {
    Config own =
        ConfigFactory.parseString(
            String.join(
                "\n",
                "pekko.actor.provider = cluster",
                "pekko.remote.artery.canonical { hostname = 127.0.0.1, port = 0 }",
                "pekko.cluster.roles = [" + role + "]",
                "pekko.cluster.jmx.multi-mbeans-in-same-jvm = on",
                "pekko.cluster.min-nr-of-members = 1",
                // Nothing but how often it is looked: a test waits for all of these in turn.
                "pekko.cluster.gossip-interval = 100ms",
                "pekko.cluster.leader-actions-interval = 100ms",
                "pekko.cluster.periodic-tasks-initial-delay = 100ms",
                "pekko.cluster.unreachable-nodes-reaper-interval = 200ms",
                "pekko.cluster.singleton.hand-over-retry-interval = 100ms",
                "pekko.cluster.sharding.retry-interval = 200ms",
                "pekko.cluster.sharding.waiting-for-state-timeout = 1s",
                "pekko.cluster.distributed-data.gossip-interval = 100ms",
                "pekko.cluster.distributed-data.notify-subscribers-interval = 50ms",
                "pekko.coordinated-shutdown.exit-jvm = off",
                // Where all nodes end at once, each would wait for the others to take its sessions.
                "pekko.coordinated-shutdown.run-by-actor-system-terminate = off",
                "gorgon.cluster.shards = 12",
                "gorgon.pools.test { min-workers = 1, max-workers = 1, call-timeout = 20s",
                "  cluster.role = python",
                "  session.store = " + SharedMemoryStore.class.getName(),
                "  path = [\""
                    + Path.of("src/test/python").toAbsolutePath()
                    + "\", \""
                    + Path.of("python-bridge/testkit").toAbsolutePath()
                    + "\"]",
                "  python = \"" + TestMachine.CURRENT.python() + "\"",
                "}",
                settings,
                String.join("\n", more)));
    ActorSystem<?> system =
        ActorSystem.create(
            Behaviors.empty(), name, own.withFallback(ConfigFactory.load()).resolve());
    Cluster cluster = Cluster.get(system);
    ActorSystem<?> first = system;
    for (ActorSystem<?> node : nodes) {
      first = node.getWhenTerminated().toCompletableFuture().isDone() ? first : node;
    }
    cluster.manager().tell(Join.create(Cluster.get(first).selfMember().address()));
    nodes.add(system);
    await().atMost(PATIENCE).until(() -> cluster.selfMember().status() == MemberStatus.up());
    ClusteredPools.get(system).pool("test");
    return system;
  }

  /** Waits until a node knows so many that run the pool and have a worker ready. */
  void awaitNodes(int node, int count) {
    PythonPool pool = pool(node);
    await()
        .atMost(PATIENCE)
        .until(
            () ->
                pool.status() == PoolStatus.RUNNING
                    && ClusteredPools.get(system(node)).readyNodes("test") == count);
  }

  ActorSystem<?> system(int node) {
    return nodes.get(node);
  }

  PythonPool pool(int node) {
    return ClusteredPools.get(system(node)).pool("test");
  }

  /** Ends a node in good order. */
  void leave(int node) {
    beginToLeave(node);
    TestPool.get(system(node).getWhenTerminated());
  }

  /** The same, without waiting for it. */
  void beginToLeave(int node) {
    CoordinatedShutdown.get(system(node)).runAll(CoordinatedShutdown.unknownReason());
  }

  @Override
  public void close() {
    nodes.forEach(ActorSystem::terminate);
    nodes.forEach(node -> TestPool.get(node.getWhenTerminated()));
  }
}
