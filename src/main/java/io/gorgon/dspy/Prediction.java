package io.gorgon.dspy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.Values;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * This is what a program answered. Immutable as long as nobody writes to its tree.
 *
 * @param outputs by name, in the types of the signature; read with {@link #as}
 * @param usage tokens, by the name of the model
 * @param cost in US dollars, by the price lists that DSPy brings along; empty where one is not
 *     known
 * @param history what was said to the model and by it, as far as {@link Programs#withHistory} asks
 *     for it; oldest first
 * @param worker who ran it: {@code pool/slot.generation}
 */
public record Prediction(
    JsonNode outputs,
    Map<String, Tokens> usage,
    OptionalDouble cost,
    List<Exchange> history,
    String worker) {

  /**
   * What was used of one model.
   *
   * @param prompt tokens that were sent
   * @param completion tokens that came back
   * @param calls requests that were answered
   */
  public record Tokens(long prompt, long completion, int calls) {}

  /** Copies. */
  public Prediction {
    usage = Map.copyOf(usage);
    history = List.copyOf(history);
  }

  /** The names of the outputs, in order. */
  public List<String> names() {
    List<String> names = new ArrayList<>();
    outputs.fieldNames().forEachRemaining(names::add);
    return names;
  }

  /**
   * An output as {@code type}; a record or bean where the signature names a class.
   *
   * @return null where it is {@code None}
   * @throws IllegalArgumentException if there is no such output, or if it has another shape
   */
  public <T> @Nullable T as(String output, Class<T> type) {
    try {
      return Values.mapper().treeToValue(node(output), type);
    } catch (JsonProcessingException other) {
      throw new IllegalArgumentException(
          "output '"
              + output
              + "' is no "
              + type.getSimpleName()
              + ": "
              + other.getOriginalMessage(),
          other);
    }
  }

  /** An output as a generic type; see {@link #as(String, Class)}. */
  public <T> @Nullable T as(String output, TypeReference<T> type) {
    try {
      return Values.mapper().convertValue(node(output), type);
    } catch (IllegalArgumentException other) {
      throw new IllegalArgumentException(
          "output '" + output + "' is no " + type.getType() + ": " + other.getMessage(), other);
    }
  }

  /** A text as it is, anything else as JSON. */
  public String text(String output) {
    JsonNode found = node(output);
    return found.isTextual() ? found.asText() : found.toString();
  }

  private JsonNode node(String output) {
    JsonNode found = outputs.get(output);
    if (found == null) {
      throw new IllegalArgumentException("there is no output '" + output + "', but " + names());
    }
    return found;
  }

  /** All tokens of all models, both ways. */
  public long tokens() {
    return usage.values().stream().mapToLong(used -> used.prompt() + used.completion()).sum();
  }

  static Prediction read(JsonNode told) {
    return new Prediction(
        told.path("outputs"),
        usage(told.path("usage")),
        number(told.path("cost")),
        Exchange.all(told.path("history")),
        told.path("worker").asText());
  }

  static Map<String, Tokens> usage(JsonNode told) {
    Map<String, Tokens> usage = new LinkedHashMap<>();
    told.properties()
        .forEach(
            entry ->
                usage.put(
                    entry.getKey(),
                    new Tokens(
                        entry.getValue().path("prompt").asLong(),
                        entry.getValue().path("completion").asLong(),
                        entry.getValue().path("calls").asInt())));
    return usage;
  }

  static OptionalDouble number(JsonNode told) {
    return told.isNumber() ? OptionalDouble.of(told.asDouble()) : OptionalDouble.empty();
  }

  /** Prints names and figures, never what was asked or answered. */
  @Override
  public String toString() {
    return "Prediction["
        + names()
        + ", tokens="
        + tokens()
        + ", cost="
        + cost
        + ", "
        + worker
        + "]";
  }
}
