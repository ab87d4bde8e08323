package io.gorgon.testkit;

import io.gorgon.message.Values;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;

/**
 * What a {@link FakeLanguageModel} answers to one request. Immutable; each method gives a changed
 * copy.
 *
 * @param status of HTTP
 * @param text of the message; or the whole body, if {@code raw}
 * @param raw whether the text is the body as it stands, streamed or not
 * @param headers beside the usual ones
 * @param gate what the answer waits for
 * @param pieces how many chunks of a stream come before the gate; all others come behind it
 * @param cut how many chunks of a stream come before the connection is closed in the middle; of an
 *     answer that is not streamed, half comes
 */
public record ModelAnswer(
    int status,
    String text,
    boolean raw,
    Map<String, String> headers,
    Optional<CompletableFuture<?>> gate,
    int pieces,
    OptionalInt cut) {

  /** The headers are copied. */
  public ModelAnswer {
    headers = Map.copyOf(headers);
  }

  private static ModelAnswer of(int status, String text, boolean raw) {
    return new ModelAnswer(status, text, raw, Map.of(), Optional.empty(), 0, OptionalInt.empty());
  }

  /** A message of that text. */
  public static ModelAnswer text(String text) {
    return of(200, text, false);
  }

  /** A message with fields that DSPy's chat adapter reads: names and values in turn. */
  public static ModelAnswer fields(String... namesAndValues) {
    return text(FakeLanguageModel.fields(namesAndValues));
  }

  /** Success, with a body that is what you say. */
  public static ModelAnswer raw(String body) {
    return of(200, body, true);
  }

  // ---- faults

  /** An error of the provider's, as 500 or 401. */
  public static ModelAnswer error(int status, String message) {
    var body = Values.mapper().createObjectNode();
    body.putObject("error").put("message", message).put("type", "error");
    return of(status, body.toString(), true);
  }

  /**
   * Too many requests (429).
   *
   * @param after what the provider asks to wait, in whole seconds
   */
  public static ModelAnswer rateLimited(Duration after) {
    return error(429, "too many requests")
        .withHeader("retry-after", Long.toString(after.toSeconds()));
  }

  /** Nothing, until the model closes: who asked runs into a time limit of their own. */
  public static ModelAnswer hangs() {
    return text("").behind(new CompletableFuture<>());
  }

  /** Success, with a body that breaks off and is no JSON. */
  public static ModelAnswer malformed() {
    return raw("{\"id\": \"1\", \"choices\": [");
  }

  /**
   * The same, but the connection is closed in the middle: behind so many chunks of a stream, or
   * behind half of an answer that is not streamed.
   */
  public ModelAnswer cutAfter(int chunks) {
    return new ModelAnswer(status, text, raw, headers, gate, pieces, OptionalInt.of(chunks));
  }

  // ---- further ways

  /** The same with one more header. */
  public ModelAnswer withHeader(String name, String value) {
    var more = new LinkedHashMap<>(headers);
    more.put(name, value);
    return new ModelAnswer(status, text, raw, more, gate, pieces, cut);
  }

  /** The same, which comes when {@code open} has completed. */
  public ModelAnswer behind(CompletableFuture<?> open) {
    return behind(open, 0);
  }

  /** The same, of which the first chunks of a stream come at once, and the others then. */
  public ModelAnswer behind(CompletableFuture<?> open, int chunks) {
    return new ModelAnswer(status, text, raw, headers, Optional.of(open), chunks, cut);
  }
}
