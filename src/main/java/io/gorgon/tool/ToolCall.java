package io.gorgon.tool;

import com.fasterxml.jackson.core.type.TypeReference;
import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Values;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** This is one call of a Java function by Python. Immutable and thread-safe. */
public final class ToolCall {

  private final String name;
  private final List<Payload> arguments;
  private final Map<String, Payload> keywords;
  private final Nesting nesting;
  private final Duration remaining;

  ToolCall(
      String name,
      List<Payload> arguments,
      Map<String, Payload> keywords,
      Nesting nesting,
      Duration remaining) {
    this.name = name;
    this.arguments = arguments;
    this.keywords = keywords;
    this.nesting = nesting;
    this.remaining = remaining;
  }

  /** The tool's name. */
  public String name() {
    return name;
  }

  /** The id of the Python call that makes this one. */
  public String callId() {
    return nesting.callId();
  }

  /** How many positional arguments there are. */
  public int size() {
    return arguments.size();
  }

  /** The names of the keyword arguments. */
  public java.util.Set<String> keywords() {
    return keywords.keySet();
  }

  /**
   * The positional argument at {@code index}, from 0.
   *
   * @throws PythonFailure.NotSerializable if it has another shape
   * @throws IllegalArgumentException if there is none; Python gets {@code gorgon.BadToolArguments}
   */
  public <T> @Nullable T argument(int index, Class<T> type) {
    return Values.decode(where(index), at(index), type);
  }

  /** The positional argument at {@code index} as a generic type. */
  public <T> @Nullable T argument(int index, TypeReference<T> type) {
    return Values.decode(where(index), at(index), type);
  }

  /** The keyword argument {@code key}; see {@link #argument(int, Class)}. */
  public <T> @Nullable T argument(String key, Class<T> type) {
    return Values.decode(where(key), at(key), type);
  }

  /** The keyword argument {@code key} as a generic type. */
  public <T> @Nullable T argument(String key, TypeReference<T> type) {
    return Values.decode(where(key), at(key), type);
  }

  /** The keyword argument {@code key}, or {@code otherwise} if Python gave none. */
  public <T> @Nullable T argumentOr(String key, Class<T> type, @Nullable T otherwise) {
    return keywords.containsKey(key) ? argument(key, type) : otherwise;
  }

  private Payload at(int index) {
    if (index < 0 || index >= arguments.size()) {
      throw new BadToolArguments(
          "'" + name + "' takes an argument at " + index + ", and got " + arguments.size());
    }
    return arguments.get(index);
  }

  private Payload at(String key) {
    Payload found = keywords.get(key);
    if (found == null) {
      throw new BadToolArguments(
          "'" + name + "' takes an argument '" + key + "', and got " + keywords.keySet());
    }
    return found;
  }

  private String where(Object key) {
    return "argument " + key + " of tool '" + name + "'";
  }

  /** How long Python waits for the answer, from when this call arrived. */
  public Duration remaining() {
    return remaining;
  }

  /**
   * Makes what {@code calls} calls a part of the Python call that runs: it ends with that, by that
   * one's deadline, and counts as one level deeper. What a tool calls on the thread that it was
   * started on is made so by itself; use this where it calls from another thread.
   */
  public <T> T within(Supplier<T> calls) {
    return nesting.during(calls);
  }

  @Override
  public String toString() {
    return "ToolCall[" + name + ", of call " + callId() + "]";
  }
}
