package io.gorgon.testkit;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * What a {@link FakeLanguageModel} was asked.
 *
 * @param authorization the header of that name, as in {@code Bearer KEY}; empty if there was none
 * @param body the request, as OpenAI describes it
 */
public record ModelRequest(String authorization, JsonNode body) {

  /** The name of the model, as it was asked for. */
  public String model() {
    return body.path("model").asText();
  }

  /** Whether the answer is wanted piece by piece. */
  public boolean isStream() {
    return body.path("stream").asBoolean();
  }

  /** The text of the last message. */
  public String last() {
    JsonNode messages = body.path("messages");
    return messages.path(messages.size() - 1).path("content").asText();
  }

  /** All messages, as JSON. */
  public String all() {
    return body.path("messages").toString();
  }

  /**
   * An input of a DSPy program, as DSPy's chat adapter writes it in the last message.
   *
   * @throws AssertionError if there is none of that name
   */
  public String input(String name) {
    String text = last();
    String mark = "[[ ## " + name + " ## ]]\n";
    int at = text.indexOf(mark);
    if (at < 0) {
      throw new AssertionError("there is no input '" + name + "' in: " + text);
    }
    int begin = at + mark.length();
    int end = text.indexOf("\n\n", begin);
    return text.substring(begin, end < 0 ? text.length() : end);
  }
}
