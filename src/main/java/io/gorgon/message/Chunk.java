package io.gorgon.message;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

/**
 * This is one element of a stream that Python yields. The value stays encoded until it is asked
 * for. Immutable and thread-safe.
 *
 * @param index its place in the stream, from 0
 * @param payload the value as it travelled
 */
public record Chunk(long index, Payload payload) {

  /**
   * Reads the value as {@code type}; see {@link Reply#as(Class)}.
   *
   * @return null where Python yielded {@code None}
   * @throws PythonFailure.NotSerializable if the value has another shape
   */
  public <T> @Nullable T as(Class<T> type) {
    return Values.decode(where(), payload, type);
  }

  /** Reads the value as a generic type, for example {@code new TypeReference<List<Row>>() {}}. */
  public <T> @Nullable T as(TypeReference<T> type) {
    return Values.decode(where(), payload, type);
  }

  /** Reads the value as plain Java objects; see {@link Reply#value}. */
  public @Nullable Object value() {
    return as(Object.class);
  }

  /** Reads the value as a JSON tree; see {@link Reply#tree}. */
  public JsonNode tree() {
    return Values.tree(where(), payload);
  }

  private String where() {
    return "element " + index + " of a stream";
  }

  /** Prints the place and the size, never the value. */
  @Override
  public String toString() {
    return "Chunk[" + index + ", bytes=" + payload.size() + "]";
  }
}
