package io.gorgon.worker;

import io.gorgon.connection.Connection;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Reply;
import io.gorgon.message.Values;
import io.gorgon.message.WorkerId;
import io.gorgon.wire.Frame;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** This turns what one worker sent, or its death, into what its callers get. Thread-safe. */
final class Answers {

  private final WorkerId id;
  private final Tally tally;
  private final CallSource source;

  Answers(WorkerId id, Tally tally, CallSource source) {
    this.id = id;
    this.tally = tally;
    this.source = source;
  }

  /**
   * Completes the call with what the frame says; one that Python did not run goes back. The call
   * has left the worker then.
   *
   * @param free since when the worker had no other call before this one
   */
  void give(InFlight flight, Frame frame, long free, long now) {
    PendingCall call = flight.call();
    long took = now - Math.max(call.startedAt(), free);
    if (frame.kind() != Frame.Kind.FAILURE) {
      count(call, took, true);
      var reply =
          new Reply(
              call.id(),
              id,
              call.attempts(),
              Duration.ofNanos(call.startedAt() - call.enteredAt()),
              Duration.ofNanos(took),
              frame.payload());
      if (!call.complete(reply)) {
        reply.close();
      }
      call.leaves();
      return;
    }
    Settlement settles = call.settlement();
    if (settles != null && FailureBody.wantsOpening(frame.body())) {
      settles.onOpeningRefused(id);
      call.didNotStart();
      call.leaves();
      source.giveBack(List.of(call));
      return;
    }
    PythonFailure failure = failure(call, frame.body());
    boolean refused = failure instanceof PythonFailure.Cancelled cancelled && !cancelled.started();
    if (refused && !call.isDone() && !flight.leased()) {
      // It was being taken back when Python came to it.
      call.didNotStart();
      call.leaves();
      source.giveBack(List.of(call));
      return;
    }
    count(call, took, false);
    call.fail(failure);
    call.leaves();
  }

  private void count(PendingCall call, long took, boolean succeeded) {
    tally.countAnswer(took, succeeded);
    if (!call.isStream()) {
      source.measured(call, took);
    }
  }

  private PythonFailure failure(PendingCall call, byte[] body) {
    try {
      return FailureBody.read(call.call().target(), id, Values.mapper().readTree(body));
    } catch (PythonFailure.ProtocolViolation unknown) {
      return unknown;
    } catch (IOException | RuntimeException unreadable) {
      return new PythonFailure.ProtocolViolation("a failure that cannot be read: " + unreadable);
    }
  }

  /**
   * Answers what a dead worker left.
   *
   * @return those that may run elsewhere
   */
  List<PendingCall> giveUp(
      List<InFlight> unanswered, Connection.Closed closed, long lastStarted, String cause) {
    List<PendingCall> back = new ArrayList<>();
    boolean nextToRun = true;
    for (InFlight flight : unanswered) {
      PendingCall call = flight.call();
      boolean started = lastStarted >= flight.request();
      boolean suspect = nextToRun && !started;
      nextToRun = false;
      if (call.isDone()) {
        continue;
      }
      // One that kills before it starts would go from worker to worker until its deadline.
      boolean outlives = !suspect || call.outlivesADeath();
      if (!flight.leased() && outlives && (!started || call.mayRunAgain())) {
        if (!started) {
          call.didNotStart();
        }
        back.add(call);
      } else {
        tally.countLost();
        call.fail(lost(call, closed, started, cause));
      }
    }
    return back;
  }

  PythonFailure lost(PendingCall call, Connection.Closed closed, boolean started, String cause) {
    if (closed.cause() instanceof PythonFailure.ProtocolViolation violation) {
      return violation;
    }
    return new PythonFailure.WorkerLost(
        call.call().target(),
        id,
        closed.exit(),
        started,
        call.call().retries() > 0,
        cause,
        closed.tail());
  }
}
