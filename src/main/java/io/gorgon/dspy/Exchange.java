package io.gorgon.dspy;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * This is one request to a model, and what it answered; long texts are cut at 20 000 characters.
 *
 * @param model its name
 * @param at when, as DSPy noted it: a date and time of the worker
 * @param messages what was sent
 * @param outputs what came back
 * @param cost in US dollars, where it is known
 */
public record Exchange(
    String model, String at, List<Message> messages, List<String> outputs, OptionalDouble cost) {

  /** One message: {@code system}, {@code user} or {@code assistant}, and its text. */
  public record Message(String role, String content) {}

  /** Copies the lists. */
  public Exchange {
    messages = List.copyOf(messages);
    outputs = List.copyOf(outputs);
  }

  static List<Exchange> all(JsonNode told) {
    List<Exchange> all = new ArrayList<>();
    told.forEach(each -> all.add(read(each)));
    return all;
  }

  private static Exchange read(JsonNode told) {
    List<Message> messages = new ArrayList<>();
    told.path("messages")
        .forEach(
            each ->
                messages.add(
                    new Message(each.path("role").asText(), each.path("content").asText())));
    List<String> outputs = new ArrayList<>();
    told.path("outputs").forEach(each -> outputs.add(each.asText()));
    return new Exchange(
        told.path("model").asText(),
        told.path("at").asText(),
        messages,
        outputs,
        Prediction.number(told.path("cost")));
  }
}
