package io.gorgon.proving.history;

import io.gorgon.message.PythonFailure;
import io.gorgon.proving.history.Fact.Asked;
import io.gorgon.proving.history.Fact.CancelTaken;
import io.gorgon.proving.history.Fact.Started;
import io.gorgon.proving.history.Fact.Told;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** One outcome, typed, in time, its own, and as many runs as were allowed. */
final class CallRules implements History.Rules {

  /** How long after its deadline a call may be told so. */
  static final Duration GRACE = Duration.ofMillis(250);

  @Override
  public Subject.Kind about() {
    return Subject.Kind.CALL;
  }

  @Override
  public void check(Subject subject, List<Fact> facts, History joined, List<Violation> found) {
    var asked = History.only(Asked.class, facts);
    var told = History.only(Told.class, facts);
    var started = History.only(Started.class, facts);
    boolean cancelled = facts.stream().anyMatch(CancelTaken.class::isInstance);
    var report =
        new Object() {
          void that(boolean broken, Breach breach, Fact shownBy) {
            if (broken) {
              found.add(Violation.of(breach, subject, facts, shownBy));
            }
          }
        };
    if (asked.isEmpty()) {
      report.that(!started.isEmpty(), Breach.INVENTED, facts.get(0));
      return;
    }
    Asked call = asked.get(0);
    report.that(told.isEmpty(), Breach.UNANSWERED, call);
    report.that(told.size() > 1, Breach.ANSWERED_TWICE, call);
    report.that(started.size() > call.terms().runs(), Breach.RAN_TOO_OFTEN, call);
    for (Started one : started) {
      report.that(!one.nonce().equals(call.nonce()), Breach.CROSSED_IN, one);
    }
    for (Told one : told) {
      Throwable failure = one.failure();
      // What follows the first element of a stream has no deadline.
      report.that(
          call.terms().elements() < 0
              && one.at() - call.at() > call.terms().limit().plus(GRACE).toNanos(),
          Breach.LATE,
          one);
      report.that(failure instanceof TimeoutException, Breach.BARE_TIMEOUT, one);
      report.that(
          failure != null
              && !(failure instanceof PythonFailure)
              && !(failure instanceof TimeoutException),
          Breach.UNTYPED,
          one);
      report.that(
          failure instanceof PythonFailure.Cancelled && !cancelled,
          Breach.CANCELLED_BY_NOBODY,
          one);
      report.that(
          cancelled && !(failure instanceof PythonFailure.Cancelled), Breach.CANCEL_IGNORED, one);
      report.that(
          failure instanceof PythonFailure typed
              && !(failure instanceof PythonFailure.Cancelled)
              && !call.terms().mayFailWith().test(typed),
          Breach.NOT_ITS_FAULT,
          one);
      report.that(
          call.terms().runs() == 1 && saysItNeverStarted(failure) && !started.isEmpty(),
          Breach.RAN_ALL_THE_SAME,
          one);
      if (failure == null) {
        report.that(started.isEmpty(), Breach.ANSWERED_WITHOUT_RUNNING, one);
        report.that(!call.nonce().equals(one.value()), Breach.CROSSED_OUT, one);
        report.that(
            !started.isEmpty()
                && started.stream().noneMatch(run -> run.worker().equals(one.worker())),
            Breach.WRONG_WORKER,
            one);
      }
    }
  }

  private static boolean saysItNeverStarted(@Nullable Throwable failure) {
    return (failure instanceof PythonFailure.WorkerLost lost && !lost.started())
        || (failure instanceof PythonFailure.Cancelled cancelled && !cancelled.started())
        || (failure instanceof PythonFailure.DeadlineExceeded late
            && (late.phase() == PythonFailure.DeadlineExceeded.Phase.QUEUED
                || late.phase() == PythonFailure.DeadlineExceeded.Phase.STARTING))
        || failure instanceof PythonFailure.Draining
        || failure instanceof PythonFailure.Overloaded
        || failure instanceof PythonFailure.NoCapacity
        || failure instanceof PythonFailure.StartFailed;
  }
}
