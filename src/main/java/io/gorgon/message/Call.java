package io.gorgon.message;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * This names a Python function and what it is called with. Immutable and safe to share; every
 * {@code with...} method gives a new call.
 *
 * <pre>{@code
 * Call.of("statistics:quantiles", List.of(1, 2, 3)).with("n", 4).withTimeout(Duration.ofSeconds(2))
 * }</pre>
 *
 * @param target {@code module:function}; dotted attributes are allowed after the colon
 * @param arguments positional arguments, in order; what Jackson can write, and what the table of
 *     values in the documentation of the wire names; times are cut to microseconds, as Python's
 *     are; everything is copied when the call is made, but the contents of a {@link
 *     java.nio.ByteBuffer} and of an {@link Attachment} over one: leave those alone until the call
 *     has ended
 * @param keywords keyword arguments by name
 * @param timeout how long the call may take in all, queueing included; empty means the pool's
 *     {@code call-timeout}. For a stream: how long its first element may take
 * @param idleTimeout how long neither side of a stream may move from its first element on; empty
 *     for ever
 * @param trace the W3C {@code traceparent} that Python sees as {@code gorgon.traceparent()}
 * @param retries how often the call may be run again after a worker died in it; 0 unless the caller
 *     declared it idempotent
 * @param borrows whether the reply may lend big arrays instead of copying them: see {@link
 *     #borrowing}
 */
public record Call(
    String target,
    List<@Nullable Object> arguments,
    Map<String, @Nullable Object> keywords,
    Optional<Duration> timeout,
    Optional<Duration> idleTimeout,
    Optional<String> trace,
    int retries,
    boolean borrows) {

  /**
   * Checks and copies.
   *
   * @throws IllegalArgumentException for a timeout that is not positive, a trace that is no {@code
   *     traceparent}, or negative retries
   */
  public Call {
    Objects.requireNonNull(target, "target");
    arguments = Collections.unmodifiableList(new ArrayList<>(arguments));
    keywords = Collections.unmodifiableMap(new LinkedHashMap<>(keywords));
    timeout.ifPresent(limit -> checkPositive("timeout", limit));
    idleTimeout.ifPresent(limit -> checkPositive("idleTimeout", limit));
    trace.ifPresent(
        text -> {
          if (!TRACEPARENT.matcher(text).matches()) {
            throw new IllegalArgumentException("no W3C traceparent: '" + text + "'");
          }
        });
    if (retries < 0) {
      throw new IllegalArgumentException("retries must be 0 or more, not " + retries);
    }
  }

  private static final Pattern TRACEPARENT =
      Pattern.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?");

  private static void checkPositive(String name, Duration limit) {
    if (limit.isNegative() || limit.isZero()) {
      throw new IllegalArgumentException(name + " must be positive, not " + limit);
    }
  }

  /** Names {@code target} and its positional arguments. */
  public static Call of(String target, @Nullable Object... arguments) {
    return new Call(
        target,
        Arrays.asList(arguments),
        Map.of(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        0,
        false);
  }

  /** Adds the keyword argument {@code name}. */
  public Call with(String name, @Nullable Object value) {
    var more = new LinkedHashMap<String, @Nullable Object>(keywords);
    more.put(name, value);
    return new Call(target, arguments, more, timeout, idleTimeout, trace, retries, borrows);
  }

  /** Limits the whole call, from now to its answer; a stream, to its first element. */
  public Call withTimeout(Duration limit) {
    return new Call(
        target, arguments, keywords, Optional.of(limit), idleTimeout, trace, retries, borrows);
  }

  /**
   * Limits how long a stream may rest between two elements, because Python makes none or because
   * its consumer takes none.
   */
  public Call withIdleTimeout(Duration limit) {
    return new Call(
        target, arguments, keywords, timeout, Optional.of(limit), trace, retries, borrows);
  }

  /** Passes a W3C {@code traceparent} on to Python. */
  public Call withTrace(String traceparent) {
    return new Call(
        target,
        arguments,
        keywords,
        timeout,
        idleTimeout,
        Optional.of(traceparent),
        retries,
        borrows);
  }

  /**
   * Declares that running this call twice does no harm, so that a worker's death in it is answered
   * by up to {@code retries} further runs instead of a failure.
   */
  public Call idempotent(int retries) {
    return new Call(target, arguments, keywords, timeout, idleTimeout, trace, retries, borrows);
  }

  /**
   * Lets the reply lend big arrays instead of copying them out of the memory that is shared with
   * Python: they are there until {@link Reply#close}, and only then is that memory used again. For
   * arrays of many megabytes, where the copy is what costs. Without effect on a stream.
   */
  public Call borrowing() {
    return new Call(target, arguments, keywords, timeout, idleTimeout, trace, retries, true);
  }
}
