package io.gorgon.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.gorgon.PythonPool;
import io.gorgon.message.Call;
import io.gorgon.pool.PoolStatus;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestMachine;
import io.gorgon.proving.TestPool;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.sharding.ClusterSharding;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Join;
import org.apache.pekko.management.javadsl.PekkoManagement;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What {@code config/node.conf} has a node say over HTTP, of the three things asked. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class HealthChecksTest {

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Health ALL_WELL = new Health(200, 200, 200);
  private static final Health ALIVE_ONLY = new Health(500, 500, 200);
  private static final Health STARTED_NOT_READY = new Health(200, 500, 200);

  private record Health(int startup, int ready, int alive) {}

  private final HttpClient http = HttpClient.newHttpClient();
  private ActorSystem<?> system;
  private String address;

  private void start(String... settings) {
    Config config =
        ConfigFactory.parseString(
                String.join(
                    "\n",
                    "pekko.remote.artery.canonical.port = 0",
                    "pekko.coordinated-shutdown.exit-jvm = off",
                    "pekko.management.http.port = 0",
                    "pekko.cluster.seed-nodes = []",
                    "pekko.cluster.jmx.multi-mbeans-in-same-jvm = on",
                    "gorgon.health.pools = [default]",
                    "gorgon.pools.default { min-workers = 1, max-workers = 1 }",
                    "gorgon.pools.default.python = \"" + TestMachine.CURRENT.python() + "\"",
                    String.join("\n", settings)))
            .withFallback(ConfigFactory.parseFile(new File("config/node.conf")))
            .withFallback(ConfigFactory.load())
            .resolve();
    system = ActorSystem.create(Behaviors.empty(), "health", config);
    address = TestPool.get(PekkoManagement.get(system).start()).toString();
  }

  private void join() {
    Cluster cluster = Cluster.get(system);
    cluster.manager().tell(Join.create(cluster.selfMember().address()));
  }

  @AfterEach
  void end() {
    system.terminate();
    TestPool.get(system.getWhenTerminated());
  }

  private int ask(String path) throws IOException, InterruptedException {
    return http.send(
            HttpRequest.newBuilder(URI.create(address + "/" + path)).build(),
            HttpResponse.BodyHandlers.ofString())
        .statusCode();
  }

  private Health health() throws IOException, InterruptedException {
    return new Health(ask("startup"), ask("ready"), ask("alive"));
  }

  @Test
  void startupReadinessAndLivenessTellDifferentThings() throws Exception {
    start();
    join();
    await().atMost(PATIENCE).until(() -> ask("cluster/members") == 200);
    assertThat(health()).as("before its pool").isEqualTo(ALIVE_ONLY);

    PythonPool face = ClusteredPools.get(system).pool("default");
    await().atMost(PATIENCE).until(() -> health().equals(ALL_WELL));

    PythonPool here = ClusteredPools.get(system).hosted().get("default");
    TestPool.get(here.drain(Duration.ZERO));
    assertThat(health()).as("drained").isEqualTo(STARTED_NOT_READY);
    assertThat(face.name()).isEqualTo("default");
  }

  @Test
  void aWorkerInACallIsReadyUntilItsPoolDrains() throws Exception {
    start();
    join();
    PythonPool pool = ClusteredPools.get(system).pool("default");
    await().atMost(PATIENCE).until(() -> health().equals(ALL_WELL));

    var call = pool.call(Call.of("time:sleep", 30));
    PythonPool here = ClusteredPools.get(system).hosted().get("default");
    await()
        .atMost(PATIENCE)
        .until(() -> TestPool.get(here.stats()).workers().stream().anyMatch(one -> one.running()));
    assertThat(health()).isEqualTo(ALL_WELL);

    var drained = here.drain(Duration.ofMinutes(1));
    await().atMost(PATIENCE).until(() -> here.status() == PoolStatus.DRAINING);
    assertThat(health()).as("while it drains").isEqualTo(STARTED_NOT_READY);
    call.cancel();
    TestPool.get(drained);
  }

  /** The limit is so long that only a region that has registered can make the node ready. */
  @Test
  void aNodeWithSessionsIsReadyWhenItsRegionIsKnown() throws Exception {
    start(
        "gorgon.pools.default.session.store = " + SharedMemoryStore.class.getName(),
        "gorgon.health.sharding-limit = 1h");
    ClusteredPools.get(system).pool("default");
    assertThat(ClusterSharding.get(system).getShardTypeNames()).isNotEmpty();
    await().atMost(PATIENCE).until(() -> ask("startup") == 200);
    var check = new SessionsReady(Adapter.toClassic(system));
    assertThat(TestPool.get(check.get())).as("no member, no coordinator").isFalse();

    join();
    await().atMost(PATIENCE).until(() -> health().equals(ALL_WELL));
    assertThat(TestPool.get(check.get())).isTrue();
  }

  @Test
  void whereNoPythonStartsANodeIsAliveAndNeverStarted() throws Exception {
    start("gorgon.pools.default.python = \"/nowhere/python3\"");
    join();
    PythonPool pool = ClusteredPools.get(system).pool("default");
    PythonPool here = ClusteredPools.get(system).hosted().get(pool.name());
    await().atMost(PATIENCE).until(() -> here.status() == PoolStatus.BROKEN);

    assertThat(health()).isEqualTo(ALIVE_ONLY);
  }

  @Test
  void aNodeThatIsNotAMemberIsStartedAndNotReady() throws Exception {
    start();
    PythonPool pool = ClusteredPools.get(system).pool("default");
    PythonPool here = ClusteredPools.get(system).hosted().get(pool.name());
    await().atMost(PATIENCE).until(() -> here.status() == PoolStatus.RUNNING);

    assertThat(health()).isEqualTo(STARTED_NOT_READY);
    join();
    await().atMost(PATIENCE).until(() -> health().equals(ALL_WELL));
  }
}
