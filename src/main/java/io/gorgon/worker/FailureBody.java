package io.gorgon.worker;

import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.PythonException;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Values;
import io.gorgon.message.WorkerId;
import java.io.IOException;

/** This reads the body of a failure frame, which {@code gorgon/_failures.py} writes. */
final class FailureBody {

  private FailureBody() {}

  /** Whether Python did not run the call since it lacks what should have been told before. */
  static boolean wantsOpening(byte[] body) {
    try {
      return Values.mapper().readTree(body).path("kind").asText().equals("state_needed");
    } catch (IOException unreadable) {
      return false;
    }
  }

  static PythonFailure read(String target, WorkerId worker, JsonNode body) {
    String message = body.path("message").asText();
    return switch (body.path("kind").asText()) {
      case "raised" -> new PythonFailure.PythonRaised(target, worker, PythonException.from(body));
      case "unknown_target" ->
          new PythonFailure.UnknownTarget(
              target,
              reason(body.path("reason").asText()),
              message,
              body.path("failure").isObject() ? PythonException.from(body.path("failure")) : null);
      case "bad_arguments" ->
          new PythonFailure.BadArguments(target, body.path("signature").asText(), message);
      case "not_a_stream" -> new PythonFailure.NotAStream(target, message);
      case "not_serializable" ->
          new PythonFailure.NotSerializable(
              "the result of " + target,
              body.path("path").asText(),
              body.path("type").asText() + ": " + message);
      case "too_large" ->
          new PythonFailure.TooLarge(
              "the result of " + target, body.path("size").asLong(), body.path("limit").asLong());
      case "cancelled" ->
          new PythonFailure.Cancelled(
              target, body.path("started").asBoolean(), "Python stopped it");
      case "state_needed" ->
          new PythonFailure.ProtocolViolation("it wants the state for a call of no session");
      case "protocol" -> new PythonFailure.ProtocolViolation("Python says: " + message);
      default -> new PythonFailure.ProtocolViolation("failure of kind " + body.path("kind"));
    };
  }

  private static PythonFailure.UnknownTarget.Reason reason(String name) {
    for (PythonFailure.UnknownTarget.Reason reason : PythonFailure.UnknownTarget.Reason.values()) {
      if (reason.name().equals(name)) {
        return reason;
      }
    }
    throw new PythonFailure.ProtocolViolation("an unknown target for the reason '" + name + "'");
  }
}
