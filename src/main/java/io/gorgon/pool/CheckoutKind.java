package io.gorgon.pool;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * This says for whom a worker is checked out.
 *
 * @param session the session's key; empty for an anonymous checkout
 * @param affinity how much it matters which worker it is; of no meaning to an anonymous checkout
 */
public record CheckoutKind(Optional<String> session, Affinity affinity) {

  /** The longest session key, in characters. */
  public static final int LONGEST_KEY = 512;

  private static final CheckoutKind ANONYMOUS = new CheckoutKind(Optional.empty(), Affinity.PREFER);

  /** How a session is bound to the worker that served it first. */
  public enum Affinity {
    /** The worker that served it last if that is free, any other if not. */
    PREFER,
    /** Always the same process; waits for it. */
    PINNED,
    /** Always the same process; refused at once while that is busy. */
    PINNED_FAIL_FAST;

    boolean isPinned() {
      return this != PREFER;
    }
  }

  /** Any worker, for nobody in particular. */
  public static CheckoutKind anonymous() {
    return ANONYMOUS;
  }

  /** A worker for the session named {@code key}. */
  public static CheckoutKind session(String key, Affinity affinity) {
    return new CheckoutKind(Optional.of(key), affinity);
  }

  /** What is wrong with it, or null. */
  public @Nullable String problem() {
    if (session.isEmpty()) {
      return affinity.isPinned() ? "an anonymous checkout cannot be pinned" : null;
    }
    String key = session.get();
    if (key.isBlank()) {
      return "a session needs a key that is not blank";
    }
    return key.length() > LONGEST_KEY
        ? "a session's key has at most " + LONGEST_KEY + " characters, not " + key.length()
        : null;
  }
}
