package io.gorgon.testkit;

import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.message.PythonFailure.CommitUnknown;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.NodeLost;
import io.gorgon.message.PythonFailure.PythonRaised;
import io.gorgon.message.PythonFailure.SessionConflict;
import io.gorgon.message.PythonFailure.SessionExpired;
import io.gorgon.message.PythonFailure.SessionQuota;
import io.gorgon.message.PythonFailure.StoreUnavailable;
import io.gorgon.message.PythonFailure.WorkerLost;
import java.util.Optional;

/**
 * Looks at a failure; each look that finds something else throws an AssertionError which shows the
 * whole failure.
 *
 * <pre>{@code
 * kit.failure(call).is(WorkerLost.class).hadStarted(true).isRetryable(false).says("SIGKILL");
 * }</pre>
 */
public final class FailureProbe {

  private final Object of;
  private final PythonFailure failure;

  /**
   * Looks at {@code failure}.
   *
   * @param of what failed, for messages
   */
  public FailureProbe(Object of, PythonFailure failure) {
    this.of = of;
    this.failure = failure;
  }

  /** The failure itself. */
  public PythonFailure get() {
    return failure;
  }

  /** The failure as what it is. */
  public <F extends PythonFailure> F as(Class<F> type) {
    is(type);
    return type.cast(failure);
  }

  /** It is of that kind. */
  public FailureProbe is(Class<? extends PythonFailure> type) {
    return check(type.isInstance(failure), "a " + type.getSimpleName());
  }

  /** Trying again is safe, or it is not. */
  public FailureProbe isRetryable(boolean retryable) {
    return check(
        failure.retryable() == retryable,
        retryable ? "a retryable one" : "one that is not retryable");
  }

  /** Python had started the call, or it had not. */
  public FailureProbe hadStarted(boolean started) {
    boolean fits = hasStarted().filter(known -> known == started).isPresent();
    return check(
        fits, started ? "one of a call that had started" : "one of a call that had not started");
  }

  /** Empty if the failure does not tell. */
  private Optional<Boolean> hasStarted() {
    if (failure instanceof WorkerLost lost) {
      return Optional.of(lost.started());
    } else if (failure instanceof NodeLost gone) {
      return Optional.of(gone.started());
    } else if (failure instanceof Cancelled cancelled) {
      return Optional.of(cancelled.started());
    } else if (failure instanceof StoreUnavailable away) {
      return Optional.of(away.started());
    } else if (failure instanceof DeadlineExceeded late) {
      return Optional.of(
          late.phase() == DeadlineExceeded.Phase.RUNNING
              || late.phase() == DeadlineExceeded.Phase.STREAMING);
    } else if (failure instanceof SessionQuota || failure instanceof SessionExpired) {
      return Optional.of(false);
    }
    return failure instanceof PythonRaised
            || failure instanceof SessionConflict
            || failure instanceof CommitUnknown
        ? Optional.of(true)
        : Optional.empty();
  }

  /** Python raised that class, or one that inherits from it. */
  public FailureProbe raised(String type) {
    return check(
        failure instanceof PythonRaised raised && raised.isA(type), "a PythonRaised of " + type);
  }

  /** Its message contains that. */
  public FailureProbe says(String text) {
    return check(
        String.valueOf(failure.getMessage()).contains(text), "one that says '" + text + "'");
  }

  private FailureProbe check(boolean so, String expected) {
    if (!so) {
      throw new AssertionError(
          "expected " + expected + " of " + of + ", and it failed with " + describe(failure),
          failure);
    }
    return this;
  }

  static String describe(Throwable failure) {
    return failure.getClass().getSimpleName()
        + (failure instanceof PythonFailure typed && typed.retryable() ? " (retryable)" : "")
        + ": "
        + failure.getMessage();
  }

  @Override
  public String toString() {
    return describe(failure);
  }
}
