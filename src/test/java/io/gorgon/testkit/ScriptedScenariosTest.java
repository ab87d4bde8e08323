package io.gorgon.testkit;

import static io.gorgon.testkit.Phrases.answer;
import static io.gorgon.testkit.Phrases.call;
import static io.gorgon.testkit.Phrases.invariantsHold;
import static io.gorgon.testkit.Phrases.outcome;
import static io.gorgon.testkit.Phrases.runs;
import static io.gorgon.testkit.Phrases.workerOf;
import static io.gorgon.testkit.Phrases.workers;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure.WorkerLost;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The scenarios without an interpreter, and what only virtual time can have: replays. */
class ScriptedScenariosTest extends ScenarioTexts {

  @Override
  GorgonTestKit kit(String... settings) {
    return GorgonTestKit.scripted(settings);
  }

  private static List<PoolEvent> eventsWith(long seed) {
    try (var kit = GorgonTestKit.scripted(seed, "min-workers = 4", "max-workers = 4")) {
      var scenario = Scenario.on(kit).given(workers(4));
      for (int i = 0; i < 12; i++) {
        scenario.when(call("gorgon_testkit:echo", i).as("c" + i));
        if (i % 3 == 0) {
          scenario.and(workerOf("c" + i).isKilled());
        }
      }
      scenario.then(invariantsHold());
      return new ArrayList<>(kit.events().all());
    }
  }

  @Test
  void aSeedGivesTheSameRunAndOthersGiveOthers() {
    Set<List<PoolEvent>> runs = new HashSet<>();
    for (long seed = 1; seed <= 5; seed++) {
      List<PoolEvent> run = eventsWith(seed);
      assertThat(eventsWith(seed)).isEqualTo(run);
      runs.add(run);
    }
    assertThat(runs).hasSizeGreaterThan(1);
  }

  @Test
  void aFailureTellsTheScenarioWhatHappenedAndTheSeed() {
    try (var kit = GorgonTestKit.scripted(42)) {
      var scenario =
          Scenario.on(kit)
              .given(answer("m:f", request -> request.argument(0, Integer.class) + 1))
              .when(call("m:f", 1).as("a"));

      assertThatThrownBy(() -> scenario.then(outcome("a").is(WorkerLost.class)))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("expected that it is WorkerLost, and 'a' was answered by")
          .hasMessageContaining(" when m:f[1] is called as 'a'")
          .hasMessageContaining("what came of it:\n  'a' was answered by scripted/")
          .hasMessageContaining("-Dgorgon.testkit.seed=42 or GorgonTestKit.scripted(42L)");
    }
  }

  @Test
  void aFaultThatComesTooLateIsRefused() {
    try (var kit = GorgonTestKit.scripted()) {
      var scenario =
          Scenario.on(kit)
              .when(call("gorgon_testkit:echo", 1).as("a"))
              .then(outcome("a").isSuccess())
              .when(workerOf("a").isKilled());

      assertThatThrownBy(() -> scenario.then(runs("a", 1)))
          .hasMessageContaining("'a' has been sent already");
    }
  }
}
