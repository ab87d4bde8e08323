package io.gorgon.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.gorgon.cluster.SharedStore;
import io.gorgon.message.PythonFailure.InvalidSettings;
import io.gorgon.pool.PoolSettings;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The files of {@code config/} that nodes are started with, and what a node refuses in others. */
class NodeFilesTest {

  private static final String PHASES = "pekko.coordinated-shutdown.phases.";

  @TempDir Path directory;

  private static NodeFile read(String file, String... changes) {
    return NodeFile.read(
        new File(file),
        Stream.of(changes)
            .map(change -> change.split("=", 2))
            .collect(java.util.stream.Collectors.toMap(pair -> pair[0], pair -> pair[1])));
  }

  private NodeFile of(String text) throws IOException {
    return read(Files.writeString(directory.resolve("own.conf"), text).toString());
  }

  static List<Path> files() throws IOException {
    try (Stream<Path> all = Files.walk(Path.of("config"))) {
      return all.filter(path -> path.toString().endsWith(".conf")).sorted().toList();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "config/node.conf",
        "config/cluster/node-1.conf",
        "config/cluster/node-2.conf",
        "config/cluster/node-3.conf",
        "config/cluster/front.conf"
      })
  void aNodesFileIsSuchThatItsNodeRuns(String file) {
    NodeFile node = read(file);

    assertThat(node.pools(List.of())).containsExactly("default");
    PoolSettings pool = PoolSettings.from("default", node.whole());
    new ShutdownPhases(node.whole()).check(pool);
    SharedStore.check(pool, node.whole());
    assertThat(node.hosts("default")).isEqualTo(!file.contains("front"));
    assertThat(node.management()).isTrue();
    assertThat(node.own().getString("pekko.remote.artery.canonical.hostname"))
        .isEqualTo(node.own().getString("pekko.management.http.hostname"));
  }

  @ParameterizedTest
  @MethodSource("files")
  void everyKeyIsOneThatSomebodyReads(Path file) throws IOException {
    Config defaults = ConfigFactory.defaultReference();
    Set<String> known =
        new TreeSet<>(
            Files.readAllLines(Path.of("src/test/resources/io/gorgon/cli/bootstrap-keys.txt")));
    defaults.entrySet().forEach(entry -> known.add(entry.getKey()));
    Config own = ConfigFactory.parseFile(file.toFile()).withFallback(defaults).resolve();

    List<String> unknown =
        own.entrySet().stream()
            .map(entry -> entry.getKey())
            .filter(key -> !known.contains(key) && !isOpen(key, defaults))
            .toList();
    assertThat(unknown).isEmpty();
  }

  /** Checks have names of ours, a pool has what the default pool has, and phases a timeout. */
  private static boolean isOpen(String key, Config defaults) {
    if (key.startsWith("gorgon.pools.default.")) {
      return defaults.hasPath(
          "gorgon.default-pool." + key.substring("gorgon.pools.default.".length()));
    }
    return key.matches(
            "pekko\\.management\\.health-checks\\.(startup|readiness)-checks\\.gorgon-.*")
        || (key.startsWith(PHASES)
            && key.endsWith(".timeout")
            && defaults.hasPath(key.substring(0, key.length() - ".timeout".length())));
  }

  @Test
  void everyCheckThatAFileNamesIsThere() throws Exception {
    Config checks = read("config/node.conf").own().getConfig("pekko.management.health-checks");
    for (String kind : List.of("startup-checks", "readiness-checks")) {
      for (Object type : checks.getObject(kind).unwrapped().values()) {
        if (!type.equals("")) {
          assertThat(
                  Class.forName(type.toString())
                      .getConstructor(org.apache.pekko.actor.ActorSystem.class))
              .isNotNull();
        }
      }
    }
    assertThat(checks.getObject("liveness-checks")).as("Python is no matter of life").isEmpty();
    assertThat(checks.getDuration("check-timeout"))
        .isGreaterThan(read("config/node.conf").own().getDuration("gorgon.health.timeout"));
  }

  @Test
  void bootstrapWithoutItsJarsIsRefusedWithTheirNames() {
    assertThatThrownBy(() -> read("config/kubernetes/kubernetes.conf"))
        .isInstanceOf(InvalidSettings.class)
        .hasMessageContaining("pekko-discovery")
        .hasMessageContaining("pekko-management-cluster-bootstrap");
  }

  @Test
  void aFileWithoutAClusterIsToldWhereToBegin() {
    assertThatThrownBy(() -> read("config/application.conf"))
        .hasMessageContaining("pekko.actor.provider")
        .hasMessageContaining("config/node.conf");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "gorgon.clutser.shards",
        "gorgon.default-pool.cluster.rolle",
        "pekko.cluster.seed-node",
        "pekko.remote.artery.canonical.host",
        "pekko.management.http.prot"
      })
  void aKeyThatNobodyReadsIsRefused(String key) {
    assertThatThrownBy(() -> read("config/node.conf", key + "=1"))
        .isInstanceOf(InvalidSettings.class)
        .hasMessageContaining("'" + key + "' is unknown");
  }

  @Test
  void aNodeThatCouldNeverJoinIsRefused() throws IOException {
    String base =
        "include required(file(\"" + Path.of("config/node.conf").toAbsolutePath() + "\"))\n";
    assertThatThrownBy(() -> of(base + "pekko.cluster.seed-nodes = []"))
        .hasMessageContaining("pekko.cluster.seed-nodes");
    assertThatThrownBy(() -> of(base + "gorgon.node.name = other"))
        .hasMessageContaining("pekko://other@HOST:PORT");
    assertThatThrownBy(() -> of("include required(\"nothing.conf\")"))
        .hasMessageContaining("cannot be read");
  }

  @Test
  void thePoolsOfTheFileAreTheNodes() throws IOException {
    String base =
        "include required(file(\"" + Path.of("config/node.conf").toAbsolutePath() + "\"))\n";
    NodeFile two = of(base + "gorgon.pools.nlp { cluster.role = gpu }");
    assertThat(two.pools(List.of())).containsExactly("default", "nlp");
    assertThat(two.pools(List.of("nlp"))).containsExactly("nlp");
    assertThat(two.hosts("nlp")).isFalse();
    NodeFile one =
        of(
            "pekko { actor.provider = cluster, cluster.seed-nodes = [\"pekko://gorgon@h:1\"] }\ngorgon.pools.nlp {}");
    assertThat(one.pools(List.of())).containsExactly("nlp");
  }

  @Test
  void aDrainThatItsPhaseWouldCutIsRefused() {
    NodeFile slow = read("config/node.conf", "gorgon.pools.default.timeouts.drain=30s");
    PoolSettings pool = PoolSettings.from("default", slow.whole());
    assertThatThrownBy(() -> new ShutdownPhases(slow.whole()).check(pool))
        .isInstanceOf(InvalidSettings.class)
        .hasMessageContaining(PHASES + "service-requests-done.timeout")
        .hasMessageContaining("35000ms");
    NodeFile right =
        read(
            "config/node.conf",
            "gorgon.pools.default.timeouts.drain=30s",
            PHASES + "service-requests-done.timeout=35s");
    new ShutdownPhases(right.whole()).check(pool);
    assertThat(new ShutdownPhases(right.whole()).sum())
        .isEqualTo(new ShutdownPhases(slow.whole()).sum().plusSeconds(20));
  }

  @Test
  void sessionsAndTlsAreIncludedAtTheEndOfANodesFile() throws IOException {
    StringBuilder text = new StringBuilder();
    for (String part : List.of("node-1.conf", "sessions.conf", "tls.conf")) {
      text.append("include required(file(\"")
          .append(Path.of("config/cluster", part).toAbsolutePath())
          .append("\"))\n");
    }
    NodeFile node = of(text.toString());

    PoolSettings pool = PoolSettings.from("default", node.whole());
    SharedStore.check(pool, node.whole());
    assertThat(SharedStore.problem(pool)).isEmpty();
    assertThat(node.own().getString("pekko.remote.artery.transport")).isEqualTo("tls-tcp");
    PoolSettings plain = PoolSettings.from("default", read("config/cluster/node-1.conf").whole());
    assertThat(SharedStore.problem(plain)).isPresent();
  }

  @Test
  void theCommandLineGoesBeforeTheFile() {
    assertThat(
            read("config/node.conf", "gorgon.pools.default.max-workers=9")
                .whole()
                .getInt("gorgon.pools.default.max-workers"))
        .isEqualTo(9);
    assertThat(NodeFile.read(new File("config/node.conf"), Map.of()).name()).isEqualTo("gorgon");
  }
}
