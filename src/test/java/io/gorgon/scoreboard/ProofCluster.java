package io.gorgon.scoreboard;

import com.typesafe.config.ConfigFactory;
import io.gorgon.PythonPool;
import io.gorgon.cluster.ClusteredPools;
import io.gorgon.testkit.TestPostgres;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.MemberStatus;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Join;

/**
 * Nodes with Python in JVMs of their own, and this JVM as a node without Python, over one database.
 */
final class ProofCluster implements AutoCloseable {

  private static final String FRONT = "127.0.0.9";

  private final String name;
  private final TestPostgres postgres;
  private final boolean wired;
  private final Wires wires = new Wires();
  private final List<NodeProcess> nodes = new ArrayList<>();
  private final int workers;
  private final String frontAddress;
  private final ActorSystem<?> front;
  private final Members members;
  private int started;
  private int version;

  /**
   * So many nodes, each with so many workers.
   *
   * @param wired whether nodes are reached through wires that can be cut, or by themselves
   */
  ProofCluster(String name, TestPostgres postgres, boolean wired, int size, int workers) {
    this.name = name;
    this.postgres = postgres;
    this.wired = wired;
    this.workers = workers;
    int port = Wires.freePort(FRONT);
    int reachedBy = reach(FRONT, port);
    this.frontAddress = ProofNode.SYSTEM + "@" + FRONT + ":" + reachedBy;
    String settings =
        ProofNode.settings(FRONT, port, reachedBy, "front", workers)
            + "\npekko.coordinated-shutdown.exit-jvm = off"
            + "\npekko.cluster.jmx.multi-mbeans-in-same-jvm = on\n"
            + postgres.settings();
    this.front =
        ActorSystem.create(
            Behaviors.empty(),
            ProofNode.SYSTEM,
            ConfigFactory.parseString(settings).withFallback(ConfigFactory.load()).resolve());
    Cluster self = Cluster.get(front);
    self.manager().tell(Join.create(self.selfMember().address()));
    until(() -> self.selfMember().status() == MemberStatus.up());
    this.members = new Members(front);
    for (int i = 0; i < size; i++) {
      nodes.add(begin("127.0.0." + (2 + i)));
    }
    nodes.forEach(node -> node.await("ready"));
    pool();
    awaitNodes(size);
  }

  private int reach(String host, int port) {
    return wired ? wires.reach(host, port) : port;
  }

  private NodeProcess begin(String host) {
    int port = Wires.freePort(host);
    int reachedBy = reach(host, port);
    String settings =
        ProofNode.settings(host, port, reachedBy, "python", workers)
            + "\npekko.cluster.app-version = \"1.0."
            + version
            + "\"\npekko.coordinated-shutdown.exit-jvm = on"
            + "\npekko.cluster.seed-nodes = [\"pekko://"
            + frontAddress
            + "\"]\n"
            + postgres.settings();
    return NodeProcess.start(
        name + ++started, host, ProofNode.SYSTEM + "@" + host + ":" + reachedBy, settings);
  }

  /** From now on nodes start with a newer version. */
  void raiseVersion() {
    version++;
  }

  /** Starts a node where that one was, and waits until calls go there. */
  NodeProcess replace(NodeProcess gone) {
    NodeProcess next = begin(gone.host());
    nodes.set(nodes.indexOf(gone), next);
    next.await("ready");
    awaitNodes(nodes.size());
    return next;
  }

  void awaitNodes(int count) {
    until(() -> ClusteredPools.get(front).readyNodes(ProofNode.POOL) == count);
  }

  private static void until(java.util.function.BooleanSupplier condition) {
    long patience = System.nanoTime() + 120_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > patience) {
        throw new AssertionError("the cluster did not become what it should be");
      }
      LockSupport.parkNanos(10_000_000);
    }
  }

  NodeProcess node(int index) {
    return nodes.get(index);
  }

  List<NodeProcess> nodes() {
    return List.copyOf(nodes);
  }

  TestPostgres postgres() {
    return postgres;
  }

  Wires wires() {
    return wires;
  }

  Members members() {
    return members;
  }

  /** The node without Python. */
  ActorSystem<?> front() {
    return front;
  }

  PythonPool pool() {
    return ClusteredPools.get(front).pool(ProofNode.POOL);
  }

  @Override
  public void close() {
    nodes.forEach(node -> node.jvm().destroyForcibly());
    front.terminate();
    io.gorgon.proving.TestPool.get(front.getWhenTerminated());
    wires.close();
  }
}
