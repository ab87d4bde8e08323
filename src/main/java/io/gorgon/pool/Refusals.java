package io.gorgon.pool;

import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.CheckoutRefused;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.WorkerId;
import io.gorgon.worker.PendingCall;
import java.time.Duration;

/** This puts a refusal into the words of whoever asked: for a worker, or for a session's call. */
final class Refusals {

  private Refusals() {}

  static PythonFailure failure(String pool, CheckoutKind kind, Refusal refusal) {
    if (refusal.isSessionLost()) {
      return new PythonFailure.SessionLost(
          kind.session().orElse(""),
          new WorkerId(pool, refusal.lostSlot(), refusal.lostGeneration()));
    }
    return new CheckoutRefused(pool, refusal.reason(), String.valueOf(refusal.details()));
  }

  static PythonFailure callFailure(
      PoolSettings settings,
      PendingCall call,
      CheckoutKind kind,
      Refusal refusal,
      PythonFailure circuit,
      int waiting,
      String figures) {
    if (refusal.isSessionLost()) {
      return failure(settings.name(), kind, refusal);
    }
    return switch (refusal.reason()) {
      case QUEUE_FULL ->
          new PythonFailure.Overloaded(settings.name(), waiting, settings.queueCapacity(), figures);
      case DEADLINE ->
          new DeadlineExceeded(
              call.call().target(),
              DeadlineExceeded.Phase.QUEUED,
              Duration.ofNanos(call.deadline() - call.enteredAt()),
              "in its session's line");
      case DRAINING -> new PythonFailure.Draining(settings.name(), false);
      case STOPPED -> new PythonFailure.Draining(settings.name(), true);
      case NO_CAPACITY -> circuit;
      case CANCELLED, OWNER_DEAD ->
          new PythonFailure.Cancelled(call.call().target(), false, "it was withdrawn");
      case INVALID_KIND, WORKER_BUSY, LEASE_ENDED -> failure(settings.name(), kind, refusal);
    };
  }
}
