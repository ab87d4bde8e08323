package io.gorgon.scoreboard;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.gorgon.PythonPool;
import io.gorgon.cluster.ClusteredPools;
import io.gorgon.message.Call;
import io.gorgon.proving.TestMachine;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;
import org.apache.pekko.actor.AbstractActor;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.actor.Props;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/**
 * One node of the proof, in a JVM of its own: its settings come as a file, commands by lines of
 * standard input, and it ends at once when those end. SIGTERM lets it leave in good order.
 */
final class ProofNode {

  static final String SYSTEM = "proof";
  static final String POOL = "test";
  static final String ECHO = "proof-echo";

  private ProofNode() {}

  /** Answers with what it is told: the bare way there and back. */
  static final class Echo extends AbstractActor {
    @Override
    public Receive createReceive() {
      return receiveBuilder().matchAny(any -> getSender().tell(any, getSelf())).build();
    }
  }

  /** What all nodes have. Failures are found early, in proportion to what such a test can wait. */
  static String settings(String host, int port, int reachedBy, String role, int workers) {
    return String.join(
        "\n",
        "pekko.actor.provider = cluster",
        "pekko.remote.artery.canonical { hostname = \"" + host + "\", port = " + reachedBy + " }",
        "pekko.remote.artery.bind { hostname = \"" + host + "\", port = " + port + " }",
        "pekko.remote.artery.advanced.tcp.outbound-client-hostname = \"" + host + "\"",
        "pekko.cluster.roles = [" + role + "]",
        "pekko.cluster.gossip-interval = 200ms",
        "pekko.cluster.leader-actions-interval = 200ms",
        "pekko.cluster.unreachable-nodes-reaper-interval = 200ms",
        "pekko.cluster.failure-detector {",
        "  heartbeat-interval = 300ms, acceptable-heartbeat-pause = 2s",
        "}",
        "pekko.cluster.downing-provider-class ="
            + " \"org.apache.pekko.cluster.sbr.SplitBrainResolverProvider\"",
        "pekko.cluster.split-brain-resolver {",
        "  active-strategy = keep-majority, stable-after = 2s",
        "}",
        // For the difference of both sides' clocks and eyes, and for Python to be interrupted.
        "pekko.cluster.down-removal-margin = 1500ms",
        // By default all nodes of so small a cluster must agree to where a session is, the dead
        // too.
        "pekko.cluster.sharding.coordinator-state {",
        "  write-majority-plus = 0, read-majority-plus = 0",
        "}",
        "pekko.cluster.sharding.distributed-data.majority-min-cap = 2",
        "pekko.cluster.sharding.updating-state-timeout = 1s",
        "pekko.cluster.sharding.retry-interval = 200ms",
        "pekko.cluster.sharding.waiting-for-state-timeout = 1s",
        "pekko.cluster.singleton.hand-over-retry-interval = 200ms",
        "pekko.cluster.distributed-data.gossip-interval = 200ms",
        "pekko.cluster.distributed-data.notify-subscribers-interval = 100ms",
        "gorgon.cluster.shards = 30",
        "gorgon.session-store.connections = 4",
        "gorgon.pools.test { min-workers = " + workers + ", max-workers = " + workers,
        "  call-timeout = 10s, cluster.role = python, preload = [clustered]",
        "  session.store = durable",
        "  path = [\"" + Path.of("src/test/python").toAbsolutePath() + "\"]",
        "  python = \"" + TestMachine.CURRENT.python() + "\"",
        "}");
  }

  /** The file of settings is the only argument. */
  public static void main(String[] arguments) throws IOException {
    Thread.setDefaultUncaughtExceptionHandler(
        (thread, thrown) -> {
          thrown.printStackTrace();
          Runtime.getRuntime().halt(1);
        });
    Config own = ConfigFactory.parseFile(Path.of(arguments[0]).toFile());
    ActorSystem<?> system =
        ActorSystem.create(
            Behaviors.empty(), SYSTEM, own.withFallback(ConfigFactory.load()).resolve());
    var commands = new Thread(() -> obey(system), "commands");
    commands.setDaemon(true);
    commands.start();
    ((ExtendedActorSystem) Adapter.toClassic(system)).systemActorOf(Props.create(Echo.class), ECHO);
    PythonPool pool = ClusteredPools.get(system).pool(POOL);
    int workers = pool.settings().minWorkers();
    while (ClusteredPools.get(system).readyNodes(POOL) == 0) {
      LockSupport.parkNanos(20_000_000);
    }
    say("ready " + workers);
  }

  private static void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  private static void obey(ActorSystem<?> system) {
    try (var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        String[] words = line.split(" ");
        if (words[0].equals("local")) {
          PythonPool pool = ClusteredPools.get(system).hosted().get(POOL);
          say("p50 " + p50(Integer.parseInt(words[1]), () -> small(pool)));
        }
      }
    } catch (IOException gone) {
      // so is who commands
    }
    Runtime.getRuntime().halt(9);
  }

  /** The small call that figures are of. */
  static void small(PythonPool pool) {
    pool.call(Call.of("targets:add", 1, 2)).join();
  }

  /** The median of so many, in nanoseconds, after as many to get warm. */
  static long p50(int count, Runnable call) {
    long[] nanos = new long[count];
    for (int i = -count; i < count; i++) {
      long before = System.nanoTime();
      call.run();
      if (i >= 0) {
        nanos[i] = System.nanoTime() - before;
      }
    }
    Arrays.sort(nanos);
    return nanos[count / 2];
  }
}
