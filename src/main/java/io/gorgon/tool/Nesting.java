package io.gorgon.tool;

import io.gorgon.worker.PendingCall;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * This ties calls that a tool makes to the call that the tool serves: Python calls Java, which
 * calls Python. They end with it, by its deadline, and there is a limit to how deep it goes.
 * Immutable and thread-safe.
 *
 * @param outer the call that runs
 * @param depth its level; 1 for a call that no tool made
 */
public record Nesting(PendingCall outer, int depth) {

  private static final ThreadLocal<@Nullable Nesting> CURRENT = new ThreadLocal<>();

  /** The call that the present thread's work is a part of. */
  public static Optional<Nesting> current() {
    return Optional.ofNullable(CURRENT.get());
  }

  String callId() {
    return outer.id();
  }

  /** The earlier one of a call's own deadline and the outer one's. */
  public long deadline(long own) {
    return own - outer.deadline() < 0 ? own : outer.deadline();
  }

  /** Ends {@code inner} when the outer call ends before it. */
  public void tie(PendingCall inner) {
    outer
        .answer()
        .whenComplete((reply, failure) -> inner.cancel("the call that it was part of has ended"));
  }

  /** Runs {@code work} on this thread as a part of the outer call. */
  <T> T during(Supplier<T> work) {
    Nesting before = CURRENT.get();
    CURRENT.set(this);
    try {
      return work.get();
    } finally {
      if (before == null) {
        CURRENT.remove();
      } else {
        CURRENT.set(before);
      }
    }
  }
}
