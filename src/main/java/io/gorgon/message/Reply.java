package io.gorgon.message;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
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
 * @param payload the value as it travelled
 */
public record Reply(
    String callId, WorkerId worker, int attempts, Duration queued, Duration ran, Payload payload)
    implements AutoCloseable {

  /**
   * Reads the value as {@code type}: records, beans, boxed types, and what Python's own types
   * become, as {@code byte[]}, {@link Attachment}, {@code double[]} from an array, the types of
   * {@code java.time}, {@link java.math.BigDecimal}, {@link java.util.UUID}.
   *
   * @return null where Python returned {@code None}
   * @throws PythonFailure.NotSerializable if the value has another shape
   */
  public <T> @Nullable T as(Class<T> type) {
    return Values.decode(where(), payload, type);
  }

  /** Reads the value as a generic type, for example {@code new TypeReference<List<Row>>() {}}. */
  public <T> @Nullable T as(TypeReference<T> type) {
    return Values.decode(where(), payload, type);
  }

  /**
   * Reads the value as plain Java objects: strings, numbers, booleans, {@code List}, {@code Map},
   * {@code Set}, {@code byte[]}, {@link Attachment}, the types of {@code java.time}, and null.
   */
  public @Nullable Object value() {
    return as(Object.class);
  }

  /**
   * Reads the value as a JSON tree. Bytes are binary nodes in it, decimals decimal ones, sets
   * arrays, a map with keys that are not all strings an array of pairs; all else that JSON has no
   * form for is a POJO node that holds it.
   */
  public JsonNode tree() {
    return Values.tree(where(), payload);
  }

  /**
   * Gives borrowed memory back, see {@link Call#borrowing}; otherwise does nothing. What was lent
   * is not to be looked at any more: an {@link Attachment} refuses it from now on, but the {@link
   * java.nio.ByteBuffer} that one gave out cannot, and would show what others write there next. A
   * reply that is never closed costs its memory until it is collected as garbage, and no more.
   */
  @Override
  public void close() {
    payload.loan().close();
  }

  /** Whether its arrays lie in memory that is lent until {@link #close}. */
  public boolean isBorrowed() {
    return payload.loan() != Loan.NONE;
  }

  /** The body: JSON in UTF-8, with tags where the payload has some; do not write to it. */
  public byte[] body() {
    return payload.body();
  }

  /** The body as text. */
  public String json() {
    return new String(payload.body(), StandardCharsets.UTF_8);
  }

  private String where() {
    return "reply of call " + callId;
  }

  /** Prints the ids and the size, never the value. */
  @Override
  public String toString() {
    return "Reply[call=" + callId + ", worker=" + worker + ", bytes=" + payload.size() + "]";
  }
}
