package io.gorgon.dspy;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * This is what an optimization came to. The program is kept as it is now.
 *
 * @param demos examples that it shows the model
 * @param usage tokens of requests with the settings as they were, by the name of the model; what
 *     the optimizer asked by copies of its own is not in it
 * @param cost in US dollars, of the same
 */
public record Optimized(int demos, Map<String, Prediction.Tokens> usage, OptionalDouble cost) {

  static Optimized read(JsonNode told) {
    return new Optimized(
        told.path("demos").asInt(),
        Prediction.usage(told.path("usage")),
        Prediction.number(told.path("cost")));
  }
}
