package io.gorgon.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.PythonPool;
import io.gorgon.message.Call;
import java.time.Duration;
import org.apache.pekko.actor.typed.ActorSystem;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What the extension gives to tests. */
@ScriptedPython(config = "min-workers = 3, max-workers = 3", seed = 5)
class GorgonExtensionTest {

  private static GorgonTestKit ofTheClass;

  @BeforeAll
  static void remember(GorgonTestKit kit) {
    ofTheClass = kit;
  }

  @Test
  void partsOfTheSameKitAreInjected(
      ScriptedPool scripted,
      PythonPool pool,
      ActorSystem<?> system,
      EventProbe events,
      StatsProbe figures,
      FaultPlan faults,
      FaultyStore store,
      FakeLanguageModel model,
      VirtualTime time) {
    assertThat(scripted).isSameAs(ofTheClass);
    assertThat(pool).isSameAs(scripted.pool());
    assertThat(system).isSameAs(scripted.system());
    assertThat(events).isSameAs(scripted.events());
    assertThat(figures.now().ready()).isEqualTo(3);
    assertThat(faults).isSameAs(scripted.faults());
    assertThat(store).isSameAs(scripted.store());
    assertThat(model).isSameAs(scripted.languageModel());
    assertThat(time).isSameAs(scripted.time());
    assertThat(scripted.seed()).isEqualTo(5);
  }

  @Test
  void aScenarioIsANewOne(Scenario one, Scenario other) {
    assertThat(one).isNotSameAs(other);
  }

  @Test
  @ScriptedPython(config = "call-timeout = 5s")
  void aTestMayHaveItsOwn(ScriptedPool own) {
    assertThat(own).isNotSameAs(ofTheClass);
    assertThat(own.stats().ready()).isEqualTo(2);
    assertThat(own.pool().settings().callTimeout()).isEqualTo(Duration.ofSeconds(5));
  }

  @Nested
  class Within {
    @Test
    void nestedClassesShareIt(ScriptedPool kit) {
      assertThat(kit).isSameAs(ofTheClass);
      kit.answers("m:f", request -> "well");
      assertThat(kit.get(kit.pool().call(Call.of("m:f"))).as(String.class)).isEqualTo("well");
    }
  }
}
