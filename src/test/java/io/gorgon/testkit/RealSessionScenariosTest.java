package io.gorgon.testkit;

import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestMachine;
import java.util.ArrayList;
import java.util.List;

/** The scenarios of sessions on real Python. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class RealSessionScenariosTest extends SessionScenarioTexts {

  @Override
  GorgonTestKit kit(String... settings) {
    List<String> lines = new ArrayList<>(List.of(settings));
    lines.add("python = \"" + TestMachine.CURRENT.python() + "\"");
    return GorgonTestKit.real(lines.toArray(String[]::new));
  }
}
