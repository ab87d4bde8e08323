package io.gorgon.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.gorgon.proving.TestPool;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.CoordinatedShutdown;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.MemberStatus;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Join;
import org.apache.pekko.cluster.typed.JoinSeedNodes;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code config/cluster/tls.conf}, with keys of {@code config/cluster/make-keys.sh}. */
class TlsTest {

  private static final String HOST = "127.0.0.1";

  @TempDir Path directory;

  private final List<ActorSystem<?>> systems = new ArrayList<>();

  private Path keys(String name) throws IOException, InterruptedException {
    Path keys = directory.resolve(name);
    var builder =
        new ProcessBuilder("sh", "config/cluster/make-keys.sh", keys.toString(), HOST)
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("said").toFile());
    builder.environment().put("TLS_PASSWORD", "for-tests");
    builder
        .environment()
        .merge(
            "PATH",
            Path.of(System.getProperty("java.home"), "bin").toString(),
            (path, jdk) -> jdk + ":" + path);
    Process making = builder.start();
    assertThat(making.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(making.exitValue()).isZero();
    return keys;
  }

  private ActorSystem<?> node(Path keys) {
    Config config =
        ConfigFactory.parseString(
                String.join(
                    "\n",
                    "pekko.remote.artery.canonical.port = 0",
                    "pekko.coordinated-shutdown.exit-jvm = off",
                    "pekko.cluster.seed-nodes = []",
                    "pekko.cluster.shutdown-after-unsuccessful-join-seed-nodes = 3s",
                    "pekko.cluster.jmx.multi-mbeans-in-same-jvm = on",
                    "pekko.loglevel = ERROR",
                    "pekko.remote.artery.ssl.config-ssl-engine {",
                    "  key-store = \"" + keys.resolve(HOST + ".p12") + "\"",
                    "  trust-store = \"" + keys.resolve("trust.p12") + "\"",
                    "  key-store-password = for-tests, key-password = for-tests",
                    "  trust-store-password = for-tests",
                    "}"))
            .withFallback(ConfigFactory.parseFile(new File("config/cluster/tls.conf")))
            .withFallback(ConfigFactory.parseFile(new File("config/node.conf")))
            .withFallback(ConfigFactory.load())
            .resolve();
    ActorSystem<?> system = ActorSystem.create(Behaviors.empty(), "tls", config);
    systems.add(system);
    return system;
  }

  @AfterEach
  void end() {
    for (ActorSystem<?> system : systems) {
      system.terminate();
      TestPool.get(system.getWhenTerminated());
    }
  }

  @Test
  void nodesJoinWhoseKeysOneAuthorityHasSignedAndNoOthers() throws Exception {
    Path ours = keys("ours");
    Cluster first = Cluster.get(node(ours));
    first.manager().tell(Join.create(first.selfMember().address()));
    Cluster second = Cluster.get(node(ours));
    second.manager().tell(Join.create(first.selfMember().address()));
    await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> second.selfMember().status() == MemberStatus.up());

    ActorSystem<?> stranger = node(keys("theirs"));
    Cluster.get(stranger).manager().tell(new JoinSeedNodes(List.of(first.selfMember().address())));
    TestPool.get(stranger.getWhenTerminated());
    assertThat(CoordinatedShutdown.get(stranger).getShutdownReason())
        .contains(CoordinatedShutdown.clusterJoinUnsuccessfulReason());
    assertThat(first.state().getMembers()).hasSize(2);
  }
}
