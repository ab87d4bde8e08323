package io.gorgon.message;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
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
 *     {@code call-timeout}
 * @param retries how often the call may be run again after a worker died in it; 0 unless the caller
 *     declared it idempotent
 */
public record Call(
    String target,
    List<@Nullable Object> arguments,
    Map<String, @Nullable Object> keywords,
    Optional<Duration> timeout,
    int retries) {

  /**
   * Checks and copies.
   *
   * @throws IllegalArgumentException for a timeout that is not positive or negative retries
   */
  public Call {
    Objects.requireNonNull(target, "target");
    arguments = Collections.unmodifiableList(new ArrayList<>(arguments));
    keywords = Collections.unmodifiableMap(new LinkedHashMap<>(keywords));
    timeout.ifPresent(
        limit -> {
          if (limit.isNegative() || limit.isZero()) {
            throw new IllegalArgumentException("timeout must be positive, not " + limit);
          }
        });
    if (retries < 0) {
      throw new IllegalArgumentException("retries must be 0 or more, not " + retries);
    }
  }

  /** Names {@code target} and its positional arguments. */
  public static Call of(String target, @Nullable Object... arguments) {
    return new Call(target, java.util.Arrays.asList(arguments), Map.of(), Optional.empty(), 0);
  }

  /** Adds the keyword argument {@code name}. */
  public Call with(String name, @Nullable Object value) {
    var more = new LinkedHashMap<String, @Nullable Object>(keywords);
    more.put(name, value);
    return new Call(target, arguments, more, timeout, retries);
  }

  /** Limits the whole call, from now to its answer, to {@code limit}. */
  public Call withTimeout(Duration limit) {
    return new Call(target, arguments, keywords, Optional.of(limit), retries);
  }

  /**
   * Declares that running this call twice does no harm, so that a worker's death in it is answered
   * by up to {@code retries} further runs instead of a failure.
   */
  public Call idempotent(int retries) {
    return new Call(target, arguments, keywords, timeout, retries);
  }
}
