package io.gorgon.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gorgon.message.Call;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.Test;

/** The real pool's own ways. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class RealPoolTest {

  @Test
  void anInterpreterThatIsMissingIsToldAtOnceAndLeavesNothing() {
    assertThatThrownBy(() -> GorgonTestKit.real("python = \"/no/such/python\""))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("the workers do not start: pool testkit")
        .hasMessageContaining("NO_INTERPRETER")
        .hasNoSuppressedExceptions();
  }

  @Test
  void itsDirectoryGoesWithIt() {
    Path home;
    try (var kit = GorgonTestKit.real("min-workers = 1")) {
      home = Path.of(kit.pool().settings().launch().environment().get("GORGON_TESTKIT"));
      assertThat(home.resolve("python/gorgon_testkit.py")).exists();
    }
    assertThat(Files.exists(home)).isFalse();
  }

  @Test
  void itLivesInASystemThatIsKept() {
    ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "kept");
    try (var kit = GorgonTestKit.realIn(system, "min-workers = 1")) {
      assertThat(kit.get(kit.pool().call(Call.of("math:sqrt", 16))).as(Double.class)).isEqualTo(4);
    } finally {
      assertThat(system.getWhenTerminated().toCompletableFuture().isDone()).isFalse();
      system.terminate();
      TestPool.get(system.getWhenTerminated());
    }
  }

  @Test
  void aPoolWithSettingsOfYourOwnTakesNoFaults() {
    ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "own");
    try (var kit = RealPool.start(system, TestPool.settings(system, "own", "min-workers = 1"))) {
      assertThatThrownBy(kit::faults)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("GorgonTestKit.real(settings)");
      kit.figures().awaitReady(1);
    } finally {
      system.terminate();
      TestPool.get(system.getWhenTerminated());
    }
  }
}
