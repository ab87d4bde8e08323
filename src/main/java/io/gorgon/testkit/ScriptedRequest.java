package io.gorgon.testkit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.Values;
import io.gorgon.wire.Frame;
import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A call as a scripted worker reads it.
 *
 * @param id its number on this connection
 * @param target {@code module:function}
 * @param arguments the positional arguments, an array, or missing where there are none
 * @param keywords the keyword arguments, an object, or missing where there are none
 * @param call the call's id
 * @param trace its trace, or the empty text
 * @param inSession the session that it belongs to
 */
public record ScriptedRequest(
    long id,
    String target,
    JsonNode arguments,
    JsonNode keywords,
    String call,
    String trace,
    Optional<ScriptedSession> inSession) {

  static ScriptedRequest read(Frame frame, @Nullable ScriptedSession session) {
    try {
      JsonNode body = Values.mapper().readTree(frame.body());
      return new ScriptedRequest(
          frame.id(),
          body.path("target").asText(),
          body.path("args"),
          body.path("kwargs"),
          body.path("call").asText(),
          body.path("trace").asText(),
          Optional.ofNullable(session));
    } catch (IOException unreadable) {
      throw new AssertionError("a request that cannot be read: " + frame, unreadable);
    }
  }

  /**
   * A positional argument, read as {@code type}.
   *
   * @throws AssertionError if there is none, or it is something else
   */
  public <T> T argument(int position, Class<T> type) {
    return read("argument " + position, arguments.path(position), type);
  }

  /**
   * A keyword argument, read as {@code type}.
   *
   * @throws AssertionError if there is none, or it is something else
   */
  public <T> T argument(String keyword, Class<T> type) {
    return read("argument '" + keyword + "'", keywords.path(keyword), type);
  }

  /** The session that it belongs to; raises {@code gorgon.NotInSession} if there is none. */
  public ScriptedSession session() {
    return inSession.orElseThrow(
        () ->
            new ScriptedFunctions.Raised(
                "gorgon.NotInSession",
                "this call belongs to no session: make it with pool.session(key).call(...)",
                "RuntimeError"));
  }

  private <T> T read(String what, JsonNode value, Class<T> type) {
    if (value.isMissingNode()) {
      throw new AssertionError(target + " was called without " + what + ": " + this);
    }
    try {
      return Values.mapper().treeToValue(value, type);
    } catch (JsonProcessingException | IllegalArgumentException other) {
      throw new AssertionError(what + " of " + target + " is " + value + ", no " + type, other);
    }
  }

  /** The target and its arguments. */
  @Override
  public String toString() {
    return target
        + (arguments.isMissingNode() ? "" : arguments)
        + (keywords.isMissingNode() ? "" : keywords);
  }
}
