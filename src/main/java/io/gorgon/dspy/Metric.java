package io.gorgon.dspy;

import java.util.Map;

/** This judges predictions: 1 or true is good, 0 or false is not, what lies between is between. */
public sealed interface Metric {

  /** Good if that output is the example's; texts whatever their case, and blanks around them. */
  record Exact(String field) implements Metric {}

  /**
   * A Python function {@code (example, prediction, trace=None)}, {@code package.module:function}.
   */
  record Function(String target) implements Metric {}

  /**
   * A Java tool of that name, which is given the example's fields and the outputs, two maps, and
   * gives a number or a boolean.
   */
  record Tool(String name) implements Metric {}

  /** As it travels. */
  default Map<String, String> wire() {
    if (this instanceof Exact exact) {
      return Map.of("field", exact.field());
    }
    return this instanceof Function function
        ? Map.of("target", function.target())
        : Map.of("tool", ((Tool) this).name());
  }
}
