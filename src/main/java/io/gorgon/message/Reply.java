package io.gorgon.message;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * This is what a Python function returned. The value stays encoded until it is asked for, so that
 * decoding costs the caller's thread and not the worker's. Immutable and thread-safe.
 *
 * @param callId the call that this answers
 * @param worker the incarnation that ran it
 * @param attempts how often the call was started, 1 unless it is idempotent and a worker died
 * @param queued how long the call waited for a worker
 * @param ran how long it was at the worker, both ways over the socket included
 * @param body the value as JSON, UTF-8; not copied, so do not write to it
 */
public record Reply(
    String callId, WorkerId worker, int attempts, Duration queued, Duration ran, byte[] body) {

  /**
   * Reads the value as {@code type} through Jackson: records, beans, collections, boxed types.
   *
   * @return null where Python returned {@code None}
   * @throws PythonFailure.NotSerializable if the value has another shape
   */
  public <T> @Nullable T as(Class<T> type) {
    try {
      return Values.mapper().readValue(body, type);
    } catch (IOException mismatch) {
      throw mismatch(type.getName(), mismatch);
    }
  }

  /** Reads the value as a generic type, for example {@code new TypeReference<List<Row>>() {}}. */
  public <T> @Nullable T as(TypeReference<T> type) {
    try {
      return Values.mapper().readValue(body, type);
    } catch (IOException mismatch) {
      throw mismatch(type.getType().getTypeName(), mismatch);
    }
  }

  /** Reads the value as a JSON tree. */
  public JsonNode tree() {
    try {
      return Values.mapper().readTree(body);
    } catch (IOException mismatch) {
      throw mismatch("JSON", mismatch);
    }
  }

  /** The value as JSON text. */
  public String json() {
    return new String(body, StandardCharsets.UTF_8);
  }

  private PythonFailure mismatch(String type, IOException cause) {
    String reason =
        cause instanceof JsonProcessingException json
            ? json.getOriginalMessage()
            : cause.toString();
    return new PythonFailure.NotSerializable(
        "reply of call " + callId, "$", "it does not read as " + type + ": " + reason);
  }

  /** Prints the ids and the size, never the value. */
  @Override
  public String toString() {
    return "Reply[call=" + callId + ", worker=" + worker + ", bytes=" + body.length + "]";
  }
}
