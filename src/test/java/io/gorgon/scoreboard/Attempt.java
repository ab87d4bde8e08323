package io.gorgon.scoreboard;

import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.CommitUnknown;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One call of the proof, as its caller saw it.
 *
 * @param id unique; {@code CALLER:NUMBER}
 * @param session null for a call of no session
 * @param sentAt as {@link System#nanoTime} says it, as all times
 * @param limit by when it was to be answered, in nanoseconds from then
 * @param endedAt when the answer came
 * @param node where it ran; null if it failed
 * @param failure null if it did not
 */
record Attempt(
    String id,
    @Nullable String session,
    long sentAt,
    long limit,
    long endedAt,
    @Nullable String node,
    @Nullable Throwable failure) {

  private static final long GRACE = TimeUnit.MILLISECONDS.toNanos(250);

  boolean isAcknowledged() {
    return failure == null;
  }

  /** Whether it had no typed end in time. */
  boolean isUntyped() {
    return (failure != null && !(failure instanceof PythonFailure))
        || endedAt - sentAt > limit + GRACE;
  }

  /** Whether what it was told allows that its change was kept. */
  boolean mayBeKept() {
    return failure == null || failure instanceof CommitUnknown;
  }

  /** Whether what it was told says that Python has not started it. */
  boolean hasNotStarted() {
    return failure instanceof PythonFailure.NodeLost lost
        ? !lost.started()
        : failure instanceof PythonFailure.WorkerLost dead
            ? !dead.started()
            : failure instanceof PythonFailure.DeadlineExceeded late
                ? late.phase() == PythonFailure.DeadlineExceeded.Phase.QUEUED
                    || late.phase() == PythonFailure.DeadlineExceeded.Phase.STARTING
                : failure instanceof PythonFailure.Overloaded
                    || failure instanceof PythonFailure.Draining
                    || failure instanceof PythonFailure.NoCapacity
                    || (failure instanceof PythonFailure.StoreUnavailable away && !away.started());
  }

  String caller() {
    return id.substring(0, id.indexOf(':'));
  }

  long number() {
    return Long.parseLong(id.substring(id.indexOf(':') + 1));
  }

  String outcome() {
    return failure == null ? "answers" : failure.getClass().getSimpleName();
  }
}
