package io.gorgon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gorgon.message.PythonFailure.InvalidSettings;
import io.gorgon.proving.TestPool;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.Test;

/** How a pool comes to its store of sessions. */
class SessionStoresTest {

  @Test
  void aStoreThatCannotBeUsedIsRefusedAndNoPoolIsLeftThatNobodyHolds() {
    ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "nostore");
    try {
      var settings = TestPool.settings(system, "nostore", "session.store = no.such.Store");

      assertThatThrownBy(() -> PythonPool.start(system, settings))
          .isInstanceOf(InvalidSettings.class)
          .hasMessageContaining("gorgon.pools.nostore.session.store");

      assertThat(system.printTree()).doesNotContain("gorgon-nostore");
    } finally {
      system.terminate();
      TestPool.get(system.getWhenTerminated());
    }
  }
}
