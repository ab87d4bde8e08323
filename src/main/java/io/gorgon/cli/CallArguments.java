package io.gorgon.cli;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.Call;
import io.gorgon.message.Values;

/** Makes a call of a target and JSON: an array is positional arguments, an object keyword ones. */
final class CallArguments {

  private CallArguments() {}

  static Call spread(String target, JsonNode json) {
    if (json.isArray()) {
      var arguments = new Object[json.size()];
      for (int i = 0; i < arguments.length; i++) {
        arguments[i] = json.get(i);
      }
      return Call.of(target, arguments);
    }
    Call call = Call.of(target);
    for (var field : json.properties()) {
      call = call.with(field.getKey(), field.getValue());
    }
    return call;
  }

  /** What is wrong with a text, for people: without the parser's advice to programmers. */
  static String problem(JsonProcessingException wrong) {
    String text =
        wrong
            .getOriginalMessage()
            .replaceFirst(" \\(start marker at .*\\]\\)", "")
            .replaceFirst(": (was expecting|expected a valid value) \\(.*", "");
    JsonLocation place = wrong.getLocation();
    return place == null || place.getColumnNr() < 1
        ? text
        : text + ", at column " + place.getColumnNr();
  }

  /** Reads one JSON value and nothing behind it. */
  static JsonNode parse(String text) throws JsonProcessingException {
    JsonNode json =
        Values.mapper()
            .reader(com.fasterxml.jackson.databind.DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .readTree(text);
    if (json == null || json.isMissingNode()) {
      throw new com.fasterxml.jackson.core.JsonParseException(null, "there is no JSON value");
    }
    return json;
  }
}
