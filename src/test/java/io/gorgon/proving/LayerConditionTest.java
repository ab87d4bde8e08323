package io.gorgon.proving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class LayerConditionTest {

  private static TestMachine machine(Layer mode, boolean pooling, String python, String dspy) {
    return new TestMachine(
        mode,
        "the test says so",
        pooling,
        "python3",
        Optional.ofNullable(python),
        Optional.ofNullable(dspy));
  }

  private static String skipped(Layer needed, TestMachine machine) {
    var result = LayerCondition.evaluate(needed, true, machine);
    assertThat(result.isDisabled()).isTrue();
    return result.getReason().orElseThrow();
  }

  @Test
  void aModeThatIsTooLowSaysWhichToSet() {
    assertThat(skipped(Layer.BRIDGE_MOCK, machine(Layer.MOCK_ADAPTER, true, "3.11", null)))
        .contains("set TEST_MODE=bridge_mock");
  }

  @Test
  void poolingSwitchedOffSaysHowToSwitchItOn() {
    assertThat(skipped(Layer.BRIDGE_MOCK, machine(Layer.BRIDGE_MOCK, false, "3.11", null)))
        .contains("unset TEST_POOLING");
  }

  @Test
  void aMissingInterpreterSaysWhatToSet() {
    assertThat(skipped(Layer.BRIDGE_MOCK, machine(Layer.BRIDGE_MOCK, true, null, null)))
        .contains("set TEST_PYTHON");
  }

  @Test
  void missingDspySaysSo() {
    assertThat(skipped(Layer.FULL_INTEGRATION, machine(Layer.FULL_INTEGRATION, true, "3.11", null)))
        .contains("no dspy");
  }

  @Test
  void whatIsThereRuns() {
    var all = machine(Layer.FULL_INTEGRATION, true, "3.11", "3.4");
    for (Layer layer : Layer.values()) {
      assertThat(LayerCondition.evaluate(layer, true, all).isDisabled()).isFalse();
    }
  }

  @Test
  void anUnknownModeIsRefused() {
    assertThatThrownBy(() -> TestMachine.look(Map.of("TEST_MODE", "everything")))
        .hasMessageContaining("full_integration");
  }

  @Test
  @NeedsLayer(Layer.FULL_INTEGRATION)
  void theHighestLayerHasRealDspyInItsWorkers() {
    try (var tested = TestPool.start("min-workers = 1, max-workers = 1, call-timeout = 60s")) {
      String version =
          TestPool.get(
                  tested
                      .pool()
                      .call(io.gorgon.message.Call.of("importlib.metadata:version", "dspy")))
              .as(String.class);
      assertThat(version).isEqualTo(TestMachine.CURRENT.dspyVersion().orElseThrow());
    }
  }
}
