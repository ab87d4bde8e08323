package io.gorgon.dspy;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * This is an example for optimizers and evaluations.
 *
 * @param inputs what the program is given
 * @param outputs what it should answer, as far as that is known
 */
public record Example(Map<String, @Nullable Object> inputs, Map<String, @Nullable Object> outputs) {

  /** Copies. */
  public Example {
    inputs = Collections.unmodifiableMap(new LinkedHashMap<>(inputs));
    outputs = Collections.unmodifiableMap(new LinkedHashMap<>(outputs));
  }

  Map<String, Object> wire() {
    return Map.of("inputs", inputs, "outputs", outputs);
  }
}
