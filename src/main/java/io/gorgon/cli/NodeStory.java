package io.gorgon.cli;

import com.typesafe.config.Config;
import io.gorgon.PythonPool;
import io.gorgon.message.PoolEvent;
import io.gorgon.pool.PoolSettings;
import java.io.PrintWriter;
import java.net.BindException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.apache.pekko.Done;
import org.apache.pekko.actor.CoordinatedShutdown;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.cluster.Cluster;
import org.apache.pekko.cluster.ClusterEvent;
import org.apache.pekko.cluster.Member;
import org.apache.pekko.cluster.MemberStatus;
import org.apache.pekko.remote.RemoteTransportException;
import org.apache.pekko.stream.javadsl.Sink;
import org.jspecify.annotations.Nullable;

/** What a node tells its user, a line for each thing that happens. Thread-safe. */
final class NodeStory {

  private final PrintWriter out;
  private final long began = System.nanoTime();

  NodeStory(PrintWriter out) {
    this.out = out;
  }

  /** Where it listens and what it is. */
  void node(ActorSystem<?> system) {
    Member self = Cluster.get(system).selfMember();
    // The data centre is a role of Pekko's own.
    String roles =
        self.getRoles().stream()
            .filter(role -> !role.startsWith("dc-"))
            .sorted()
            .collect(Collectors.joining(", "));
    say(
        "node "
            + self.address()
            + ", "
            + (roles.isEmpty() ? "no roles" : "roles " + roles)
            + ", version "
            + self.appVersion());
  }

  /** What runs here, and what is reached elsewhere. */
  void pools(Set<String> names, List<PoolSettings> here) {
    Set<String> elsewhere = new TreeSet<>(names);
    for (PoolSettings pool : here) {
      elsewhere.remove(pool.name());
      say("pool " + pool.name() + " runs here, " + size(pool));
    }
    if (!elsewhere.isEmpty()) {
      say("calls only, for this node has not the role: pool " + String.join(", ", elsewhere));
    }
  }

  private static String size(PoolSettings pool) {
    return pool.minWorkers() == pool.maxWorkers()
        ? pool.minWorkers() + " workers"
        : pool.minWorkers() + " to " + pool.maxWorkers() + " workers";
  }

  /** Where health and members are asked for. */
  void management(String address) {
    say("health at " + address + "/ready, with startup and alive beside it; cluster/members");
  }

  void up(ClusterEvent.CurrentClusterState cluster) {
    long members =
        StreamSupport.stream(cluster.getMembers().spliterator(), false)
            .filter(member -> member.status().equals(MemberStatus.up()))
            .count();
    say("up after " + after() + ", one of " + Math.max(1, members));
  }

  /** Completes when the pool has as many workers as it keeps, and tells so. */
  CompletableFuture<Done> workers(ActorSystem<?> system, PythonPool pool) {
    int wanted = pool.settings().eager() ? pool.settings().minWorkers() : 0;
    if (wanted == 0) {
      return CompletableFuture.completedFuture(Done.getInstance());
    }
    return pool.events()
        .filter(PoolEvent.WorkerReady.class::isInstance)
        .mapAsync(1, event -> pool.stats())
        .filter(stats -> stats.ready() >= wanted)
        .runWith(Sink.head(), system)
        .toCompletableFuture()
        .thenApply(
            stats -> {
              say("pool " + pool.name() + " has " + stats.ready() + " workers after " + after());
              return Done.getInstance();
            });
  }

  void ready() {
    say("serves; TERM or Ctrl-C lets calls end, leaves the cluster and ends");
  }

  private synchronized void say(String line) {
    out.println("gorgon: " + line);
    out.flush();
  }

  /** Seconds since the beginning, as {@code 1.4 s}. */
  private String after() {
    return String.format(Locale.ROOT, "%.1f s", (System.nanoTime() - began) / 1e9);
  }

  /** What the system says of a port that cannot be had; null if that is not what is wrong. */
  static @Nullable String taken(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      String text = String.valueOf(cause.getMessage());
      if (cause instanceof BindException) {
        return text;
      }
      if (cause instanceof RemoteTransportException) {
        return text.substring(text.lastIndexOf(": ") + 1).strip();
      }
    }
    return null;
  }

  /** Tells of the end: why, when nothing runs any more, when the cluster knows. */
  void tellTheEnd(ActorSystem<?> system, List<PoolSettings> here) {
    CoordinatedShutdown shutdown = CoordinatedShutdown.get(system);
    var member = new AtomicBoolean();
    Cluster.get(system).registerOnMemberUp(() -> member.set(true));
    String calls =
        here.stream()
            .map(PoolSettings::drainTimeout)
            .max(Duration::compareTo)
            .map(
                drain ->
                    "; calls that run have "
                        + String.format(Locale.ROOT, "%.1f s", drain.toMillis() / 1e3)
                        + ", new ones are refused")
            .orElse("");
    task(
        shutdown,
        CoordinatedShutdown.PhaseBeforeServiceUnbind(),
        () -> say(reason(shutdown, system) + (member.get() ? calls : "")));
    if (!here.isEmpty()) {
      task(
          shutdown,
          CoordinatedShutdown.PhaseBeforeClusterShutdown(),
          () -> say("no Python runs any more"));
    }
    task(
        shutdown,
        CoordinatedShutdown.PhaseBeforeActorSystemTerminate(),
        () -> say(member.get() ? "left the cluster" : "ended, without having been a member"));
  }

  private static void task(CoordinatedShutdown shutdown, String phase, Runnable story) {
    shutdown.addTask(
        phase,
        "gorgon-story",
        () -> {
          story.run();
          return CompletableFuture.completedFuture(Done.getInstance());
        });
  }

  private static String reason(CoordinatedShutdown shutdown, ActorSystem<?> system) {
    CoordinatedShutdown.Reason why =
        shutdown.getShutdownReason().orElse(CoordinatedShutdown.unknownReason());
    if (why instanceof NodeCommand.Failed failed) {
      return failed.why();
    }
    if (why == CoordinatedShutdown.jvmExitReason()) {
      return "told to end (TERM or Ctrl-C)";
    }
    if (why == CoordinatedShutdown.clusterLeavingReason()) {
      return "told to leave the cluster";
    }
    if (why == CoordinatedShutdown.clusterDowningReason()) {
      return "given up by the other nodes (downed), or cut off from most of them; start it again";
    }
    if (why == CoordinatedShutdown.incompatibleConfigurationDetectedReason()) {
      return "the cluster has another configuration, as the log says key by key";
    }
    if (why == CoordinatedShutdown.clusterJoinUnsuccessfulReason()) {
      Config cluster = system.settings().config().getConfig("pekko.cluster");
      return "no seed node has answered within "
          + cluster.getString("shutdown-after-unsuccessful-join-seed-nodes")
          + ": one of "
          + String.join(", ", cluster.getStringList("seed-nodes"))
          + " must run; a new cluster begins with the first of them";
    }
    return "ending: " + why;
  }
}
