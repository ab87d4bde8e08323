package io.gorgon.cli;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigValueFactory;
import io.gorgon.cluster.ClusteredPools;
import io.gorgon.cluster.SharedStore;
import io.gorgon.cluster.WorkersReady;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.InvalidSettings;
import io.gorgon.pool.PoolSettings;
import java.io.File;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.apache.pekko.Done;
import org.apache.pekko.actor.CoordinatedShutdown;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.Cluster;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs a node of a cluster until it is told to end. */
@Command(
    name = "node",
    mixinStandardHelpOptions = true,
    description = {
      "Runs a node of a cluster: joins as the file says, hosts its pools, and answers health checks.",
      "TERM or Ctrl-C lets calls end, leaves the cluster and ends. See config/node.conf."
    })
@SuppressWarnings("NullAway.Init")
final class NodeCommand implements Callable<Integer> {

  /** The exit codes are this command's, whatever the file says; see {@link ExitCode}. */
  private static final Config ENDING =
      ConfigFactory.parseString(
          """
          pekko.coordinated-shutdown {
            exit-jvm = on
            exit-code = 1
            reason-overrides {
              "org.apache.pekko.actor.CoordinatedShutdown$ClusterDowningReason$".exit-code = 1
              "org.apache.pekko.actor.CoordinatedShutdown$ClusterJoinUnsuccessfulReason$".exit-code = 1
              "org.apache.pekko.actor.CoordinatedShutdown$ClusterLeavingReason$".exit-code = 0
            }
          }
          """);

  /** Why a node ends by itself. */
  record Failed(String why) implements CoordinatedShutdown.Reason {}

  @Spec CommandSpec spec;

  @Option(names = "--config", paramLabel = "FILE", required = true, description = "HOCON")
  File config;

  @Option(
      names = "--pool",
      paramLabel = "NAME",
      description = "only this one of the file's pools; may be repeated")
  List<String> pools = new ArrayList<>();

  @Option(
      names = "-D",
      paramLabel = "KEY=VALUE",
      description = "a setting over the file, as -Dgorgon.pools.default.max-workers=8")
  Map<String, String> changes = new LinkedHashMap<>();

  @Override
  public Integer call() {
    NodeFile file = NodeFile.read(config, changes);
    Set<String> names = file.pools(pools);
    Config whole = ENDING.withFallback(expecting(names)).withFallback(file.whole());
    List<PoolSettings> here = here(file, names, whole);
    var story = new NodeStory(spec.commandLine().getOut());
    ActorSystem<?> system = start(file.name(), whole);
    if (system == null) {
      return ExitCode.FAILED.number();
    }
    run(system, names, here, file.management(), story);
    system.getWhenTerminated().toCompletableFuture().join();
    boolean asked =
        CoordinatedShutdown.get(system)
            .getShutdownReason()
            .filter(why -> why == CoordinatedShutdown.clusterLeavingReason())
            .isPresent();
    return (asked ? ExitCode.OK : ExitCode.FAILED).number();
  }

  /** What the health checks wait for. */
  private static Config expecting(Set<String> names) {
    return ConfigFactory.empty()
        .withValue("gorgon.health.pools", ConfigValueFactory.fromIterable(names));
  }

  /** The pools that run here; all are looked over, wherever they run. */
  private static List<PoolSettings> here(NodeFile file, Set<String> names, Config whole) {
    List<PoolSettings> all = names.stream().map(name -> PoolSettings.from(name, whole)).toList();
    all.forEach(pool -> SharedStore.check(pool, whole));
    WorkersReady.check(whole);
    List<PoolSettings> here = all.stream().filter(pool -> file.hosts(pool.name())).toList();
    here.forEach(new ShutdownPhases(whole)::check);
    if (file.management() && !ManagementPort.isThere()) {
      throw new InvalidSettings(
          "gorgon.node.management",
          "is on, which needs the jar pekko-management-cluster-http; add it, or say off");
    }
    return here;
  }

  private @Nullable ActorSystem<?> start(String name, Config whole) {
    try {
      return ActorSystem.create(Behaviors.empty(), name, whole);
    } catch (RuntimeException refused) {
      String why = NodeStory.taken(refused);
      if (why == null) {
        throw refused;
      }
      Config address = whole.getConfig("pekko.remote.artery.canonical");
      spec.commandLine()
          .getErr()
          .println(
              "gorgon: the port of the cluster, "
                  + address.getString("hostname")
                  + ":"
                  + address.getString("port")
                  + ", cannot be had ("
                  + why
                  + "); set pekko.remote.artery.canonical.hostname or port");
      return null;
    }
  }

  private static void run(
      ActorSystem<?> system,
      Set<String> names,
      List<PoolSettings> here,
      boolean management,
      NodeStory story) {
    Cluster cluster = Cluster.get(system);
    story.node(system);
    story.tellTheEnd(system, here);
    try {
      names.forEach(ClusteredPools.get(system)::pool);
    } catch (PythonFailure refused) {
      end(system, refused.name() + ": " + refused.getMessage());
      return;
    }
    story.pools(names, here);
    if (management) {
      ManagementPort.open(system)
          .whenComplete(
              (address, failure) -> {
                if (failure == null) {
                  story.management(address);
                } else {
                  end(system, ManagementPort.refused(system, failure));
                }
              });
    }
    var up = new CompletableFuture<Done>();
    cluster.registerOnMemberUp(
        () -> {
          story.up(cluster.state());
          up.complete(Done.getInstance());
        });
    ClusteredPools.get(system).hosted().values().stream()
        .map(pool -> story.workers(system, pool))
        .reduce(up, (all, one) -> all.thenCombine(one, (a, b) -> a))
        .thenRun(story::ready);
  }

  private static void end(ActorSystem<?> system, String why) {
    CoordinatedShutdown.get(system).runAll(new Failed(why));
  }
}
