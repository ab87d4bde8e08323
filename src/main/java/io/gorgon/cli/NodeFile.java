package io.gorgon.cli;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigUtil;
import io.gorgon.message.PythonFailure.InvalidSettings;
import io.gorgon.pool.SettingsReader;
import java.io.File;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a node is to be: its file, with the changes of the command line over it.
 *
 * @param own what the file and the command line say, over the defaults
 * @param whole that, under the system properties
 */
record NodeFile(Config own, Config whole) {

  private static final int LONGEST_MESSAGE = 300;

  private static final String BOOTSTRAP =
      "org.apache.pekko.management.cluster.bootstrap.ClusterBootstrap";

  /** Blocks of Pekko's in which a key that nobody knows is a mistake; and in these what is open. */
  private static final Map<String, Set<String>> CLOSED =
      Map.of(
          "pekko.cluster",
              Set.of("role", "sharding.healthcheck", "seed-nodes", "roles"), // a.0 is in a list
          "pekko.remote.artery", Set.of(),
          "pekko.management",
              Set.of(
                  "http.routes",
                  "health-checks.startup-checks",
                  "health-checks.readiness-checks",
                  "health-checks.liveness-checks"),
          "pekko.coordinated-shutdown", Set.of("phases", "reason-overrides"));

  /** Reads and looks over it; whatever is wrong is named by its key. */
  static NodeFile read(File file, Map<String, String> changes) {
    if (!file.isFile()) {
      throw new InvalidSettings("--config", "names " + file + ", which is no file");
    }
    try {
      Config own =
          ConfigFactory.parseMap(changes, "-D")
              .withFallback(
                  ConfigFactory.parseFile(
                      file, ConfigParseOptions.defaults().setAllowMissing(false)));
      var read =
          new NodeFile(
              own.withFallback(ConfigFactory.defaultReference()).resolve(),
              ConfigFactory.load(own));
      read.refuseNoBootstrap();
      read.refuseUnknown();
      read.refuseNoCluster(file);
      return read;
    } catch (ConfigException unreadable) {
      String why = String.valueOf(unreadable.getMessage());
      throw new InvalidSettings(
          "--config",
          "cannot be read: " + why.substring(0, Math.min(why.length(), LONGEST_MESSAGE)));
    }
  }

  String name() {
    return whole.getString("gorgon.node.name");
  }

  List<String> roles() {
    return whole.getStringList("pekko.cluster.roles");
  }

  boolean management() {
    return new SettingsReader("gorgon.node", whole.getConfig("gorgon.node")).flag("management");
  }

  /** The pools that are asked for; else those in the file; else the one named default. */
  Set<String> pools(List<String> asked) {
    Set<String> names = new TreeSet<>(asked);
    if (names.isEmpty()) {
      names.addAll(own.getObject("gorgon.pools").keySet());
      // The defaults have it too, as an empty block.
      if (names.size() > 1 && own.getObject("gorgon.pools.default").isEmpty()) {
        names.remove("default");
      }
    }
    return names;
  }

  /** Whether this node's roles are such that the pool runs here. */
  boolean hosts(String pool) {
    String role =
        whole
            .getConfig("gorgon.pools." + ConfigUtil.quoteString(pool))
            .withFallback(whole.getConfig("gorgon.default-pool"))
            .getString("cluster.role");
    return role.isEmpty() || roles().contains(role);
  }

  /** Its jars are not dependencies, and without them its keys would be unknown ones. */
  private void refuseNoBootstrap() {
    if (bootstraps()) {
      try {
        Class.forName(BOOTSTRAP, false, NodeFile.class.getClassLoader());
      } catch (ClassNotFoundException missing) {
        throw new InvalidSettings(
            "pekko.extensions",
            "has ClusterBootstrap, whose jars are not there: add pekko-discovery and"
                + " pekko-management-cluster-bootstrap, in the versions of"
                + " src/site/markdown/cluster.md");
      }
    }
  }

  private boolean bootstraps() {
    return own.getStringList("pekko.extensions").contains(BOOTSTRAP);
  }

  private void refuseUnknown() {
    Config defaults = ConfigFactory.defaultReference();
    new SettingsReader("gorgon", own.getConfig("gorgon").withoutPath("pools"))
        .refuseUnknown(defaults.getConfig("gorgon"), Set.of("default-pool.environment"));
    CLOSED.forEach(
        (path, open) -> {
          if (defaults.hasPath(path)) {
            new SettingsReader(path, own.getConfig(path))
                .refuseUnknown(defaults.getConfig(path), open);
          }
        });
  }

  private void refuseNoCluster(File file) {
    String provider = whole.getString("pekko.actor.provider");
    if (!provider.equals("cluster") && !provider.endsWith("ClusterActorRefProvider")) {
      throw new InvalidSettings(
          "pekko.actor.provider",
          "is "
              + provider
              + " in "
              + file
              + "; a node needs 'cluster': begin with config/node.conf, which has it");
    }
    List<String> seeds = whole.getStringList("pekko.cluster.seed-nodes");
    if (seeds.isEmpty() && !bootstraps()) {
      throw new InvalidSettings(
          "pekko.cluster.seed-nodes",
          "is empty, so this node would never join: name one or more nodes, itself for the first"
              + " of a cluster, or switch on Cluster Bootstrap as config/kubernetes does");
    }
    for (String seed : seeds) {
      if (!seed.startsWith("pekko://" + name() + "@")) {
        throw new InvalidSettings(
            "pekko.cluster.seed-nodes",
            "has "
                + seed
                + ", which has not the form pekko://"
                + name()
                + "@HOST:PORT; the name is gorgon.node.name");
      }
    }
  }
}
