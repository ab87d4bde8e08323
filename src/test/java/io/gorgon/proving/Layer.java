package io.gorgon.proving;

import java.util.Locale;

/** What a test needs of the machine. Each layer includes those before it. */
public enum Layer {
  /** Scripted connections: no Python, virtual time. */
  MOCK_ADAPTER,
  /** The real bridge on a real interpreter, without DSPy. */
  BRIDGE_MOCK,
  /** Everything, real DSPy included. */
  FULL_INTEGRATION;

  /** As {@code TEST_MODE} spells it. */
  public String mode() {
    return name().toLowerCase(Locale.ROOT);
  }

  static Layer ofMode(String mode) {
    for (Layer layer : values()) {
      if (layer.mode().equals(mode)) {
        return layer;
      }
    }
    throw new IllegalArgumentException(
        "TEST_MODE is '" + mode + "'; it must be mock_adapter, bridge_mock or full_integration");
  }
}
