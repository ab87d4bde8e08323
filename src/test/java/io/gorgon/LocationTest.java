package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.ConfigFactory;
import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure;
import io.gorgon.pool.Pool;
import io.gorgon.pool.PoolStatus;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import java.time.Duration;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which Python service runs: pool, bridge, or neither; by reference, or by the registry. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class LocationTest {

  private final ActorSystem<?> system =
      ActorSystem.create(
          Behaviors.empty(),
          "location",
          ConfigFactory.parseString(
                  "gorgon.pools { default { min-workers = 1 }, single { mode = bridge } }")
              .withFallback(ConfigFactory.load()));

  @AfterEach
  void stop() {
    system.terminate();
    get(system.getWhenTerminated());
  }

  @Test
  void neitherIsToldWithTheWayToStartOne() {
    assertThat(failureOf(PythonPools.get(system).locate()))
        .isInstanceOf(PythonFailure.NotRunning.class)
        .hasMessageContaining("PythonPools.get(system).pool(\"default\")");
  }

  @Test
  void aPoolIsFoundByReferenceWhileItStartsAndWhenItRuns() {
    PythonPool pool = PythonPools.get(system).pool("default");

    Located starting = get(PythonPools.get(system).locate());
    assertThat(starting.kind()).isEqualTo(Located.Kind.POOL);
    assertThat(starting.by()).isEqualTo(Located.By.REFERENCE);
    assertThat(starting.status()).isIn(PoolStatus.STARTING, PoolStatus.RUNNING);
    get(pool.call(Call.of("math:sqrt", 4)));
    assertThat(get(PythonPools.get(system).locate()).status()).isEqualTo(PoolStatus.RUNNING);
    assertThat(PythonPools.get(system).pool("default")).isSameAs(pool);
  }

  @Test
  void aBridgeIsOneWorkerWithoutALine() {
    PythonPool bridge = PythonPools.get(system).pool("single");
    get(bridge.call(Call.of("math:sqrt", 4)).handle((reply, failure) -> "started"));

    assertThat(get(PythonPools.get(system).locate("single")).kind()).isEqualTo(Located.Kind.BRIDGE);
    assertThat(bridge.settings().maxWorkers()).isEqualTo(1);
    assertThat(bridge.settings().queueCapacity()).isZero();
  }

  @Test
  void aBusyBridgeRefusesAtOnce() {
    try (var tested = TestPool.startIn(system, "mode = bridge").awaitReady(1)) {
      awaitServing(tested);
      RunningCall running = tested.pool().call(Call.of("targets:sleep", 0.3));

      assertThat(failureOf(tested.pool().call(Call.of("targets:pid"))))
          .isInstanceOf(PythonFailure.Overloaded.class);
      get(running);
    }
  }

  private static void awaitServing(TestPool tested) {
    org.awaitility.Awaitility.await()
        .until(
            () ->
                get(
                    tested
                        .pool()
                        .call(Call.of("targets:pid"))
                        .handle((reply, failure) -> failure == null)));
  }

  @Test
  void aPoolInTheUsersOwnHierarchyIsFoundByTheRegistry() {
    var settings = TestPool.settings(system, "own");
    system.systemActorOf(PythonPool.behavior(system, settings), "my-own-pool", Props.empty());

    Located found =
        org.awaitility.Awaitility.await()
            .until(
                () ->
                    get(
                        PythonPools.get(system)
                            .locate("own")
                            .handle((located, failure) -> located)),
                java.util.Objects::nonNull);
    assertThat(found.by()).isEqualTo(Located.By.REGISTRY);
    assertThat(get(found.pool().call(Call.of("math:sqrt", 9))).as(Double.class)).isEqualTo(3.0);
    get(found.pool().drain(Duration.ofSeconds(1)));
  }

  @Test
  void aPoolThatStopsIsToldApartAndOneThatHasStoppedIsNotFound() {
    PythonPool pool = PythonPools.get(system).pool("default");
    RunningCall running = pool.call(Call.of("time:sleep", 0.5));
    org.awaitility.Awaitility.await()
        .until(() -> get(pool.stats()).workers().stream().anyMatch(w -> w.running()));
    var drained = pool.drain(Duration.ofSeconds(5));
    org.awaitility.Awaitility.await().until(() -> pool.status() == PoolStatus.DRAINING);

    assertThat(get(PythonPools.get(system).locate()).status()).isEqualTo(PoolStatus.DRAINING);
    get(running);
    get(drained);
    assertThat(pool.status()).isEqualTo(PoolStatus.STOPPED);
    assertThat(failureOf(PythonPools.get(system).locate()))
        .isInstanceOf(PythonFailure.NotRunning.class)
        .hasMessageContaining("stopped");
    assertThat(failureOf(pool.call(Call.of("math:sqrt", 4))))
        .isInstanceOf(PythonFailure.Draining.class);
    assertThat(get(PythonPools.get(system).pool("default").call(Call.of("math:sqrt", 4))).json())
        .isEqualTo("2.0");
  }

  @Test
  void aNameIsGivenOnce() {
    var settings = TestPool.settings(system, "twice");
    PythonPool.start(system, settings);

    assertThatThrownBy(() -> PythonPool.start(system, settings))
        .isInstanceOf(PythonFailure.NameTaken.class)
        .hasMessageContaining("twice");
  }

  @Test
  void aPoolThatNoBlockDescribesIsRefusedByItsKey() {
    assertThatThrownBy(() -> PythonPools.get(system).pool("nowhere"))
        .isInstanceOf(PythonFailure.InvalidSettings.class)
        .hasMessageContaining("gorgon.pools.nowhere");
  }

  @Test
  void theProtocolIsTheSameForAllWhoHoldTheRef() {
    var pool = PythonPools.get(system).pool("default");

    assertThat(get(PythonPool.of(system, pool.ref())).name()).isEqualTo("default");
    assertThat(Pool.serviceKey("default").id()).contains("default");
  }
}
