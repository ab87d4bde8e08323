package io.gorgon.testkit;

import java.util.ArrayList;
import java.util.List;

/** The scenarios of a kit: one that was never played to its end would test nothing. */
final class Scenarios {

  private final GorgonTestKit kit;
  private final List<Scenario> all = new ArrayList<>();

  Scenarios(GorgonTestKit kit) {
    this.kit = kit;
  }

  Scenario begin() {
    var scenario = new Scenario(kit);
    all.add(scenario);
    return scenario;
  }

  List<Leak> unfinished() {
    return all.stream()
        .filter(scenario -> !scenario.isDone())
        .map(
            scenario ->
                new Leak(
                    Leak.Kind.SCENARIO,
                    "its last steps never happened: end it with then(...). It is " + scenario))
        .toList();
  }
}
