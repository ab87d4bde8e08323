package io.gorgon.cluster;

import io.gorgon.message.Call;
import io.gorgon.message.ClusterMessage;
import io.gorgon.worker.PendingCall;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * This is what a node must know to run another node's call, besides the request itself.
 *
 * @param callId names the call in logs and failures
 * @param target the Python function
 * @param remaining until the deadline; nodes do not compare their clocks
 * @param idle how long neither side of a stream may move
 * @param retries how often it may be run again after a worker died in it
 * @param stream whether elements come before the answer
 */
record Errand(
    String callId,
    String target,
    Duration remaining,
    Optional<Duration> idle,
    int retries,
    boolean stream)
    implements ClusterMessage {

  private static final Duration NO_TIME = Duration.ofNanos(1);
  private static final Errand NONE = new Errand("", "", NO_TIME, Optional.empty(), 0, false);

  /** Accepts what arrives: what is absent is empty, and there is always some time left. */
  Errand {
    callId = Objects.requireNonNullElse(callId, "");
    target = Objects.requireNonNullElse(target, "");
    remaining = remaining == null || remaining.compareTo(NO_TIME) < 0 ? NO_TIME : remaining;
    idle =
        Objects.requireNonNullElse(idle, Optional.<Duration>empty())
            .filter(limit -> limit.compareTo(NO_TIME) >= 0);
    retries = Math.max(0, retries);
  }

  /** What the sender named, or an errand that fails. */
  static Errand orNone(@Nullable Errand errand) {
    return errand == null ? NONE : errand;
  }

  /** For a call that is sent at {@code now}. */
  static Errand of(PendingCall pending, long now) {
    Call call = pending.call();
    return new Errand(
        pending.id(),
        call.target(),
        Duration.ofNanos(Math.max(1, pending.deadline() - now)),
        call.idleTimeout(),
        call.retries(),
        pending.isStream());
  }

  /** The call, as the node that runs it has it. */
  Call call() {
    Call call = Call.of(target).withTimeout(remaining).idempotent(retries);
    return idle.isPresent() ? call.withIdleTimeout(idle.get()) : call;
  }
}
