package io.gorgon.dspy;

import com.fasterxml.jackson.databind.JsonNode;

/** This is one piece of a program's answer, as it comes. */
public sealed interface Piece {

  /**
   * A bit of an output's text, as the model makes it. Not all programs have bits: a class without
   * {@code aforward}, or an answer from a cache, gives the prediction alone.
   *
   * @param predictor the part of the program that asked the model, as DSPy names it: {@code self},
   *     {@code predict}, {@code react}, ...
   * @param field the output
   * @param text the next of its characters
   * @param last whether the field ends with it
   */
  record Token(String predictor, String field, String text, boolean last) implements Piece {}

  /** What the program is doing, a tool's call for example. */
  record Status(String text) implements Piece {}

  /** The whole of it, the last piece of each stream. */
  record Done(Prediction prediction) implements Piece {}

  /** Reads one as Python told it. */
  static Piece read(JsonNode told) {
    if (told.has("prediction")) {
      return new Done(Prediction.read(told.path("prediction")));
    }
    if (told.has("status")) {
      return new Status(told.path("status").asText());
    }
    return new Token(
        told.path("predictor").asText(),
        told.path("field").asText(),
        told.path("text").asText(),
        told.path("last").asBoolean());
  }
}
