package io.gorgon.pool;

import io.gorgon.message.PythonFailure;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;

/** How what is seen of a {@link Subject} is written, so that it can be compared. */
final class Seen {

  private Seen() {}

  static String figures(
      int min, int max, int ready, int leased, int waiting, int calls, long stale) {
    return " %d..%d ready=%d leased=%d waiting=%d calls=%d stale=%d%n"
        .formatted(min, max, ready, leased, waiting, calls, stale);
  }

  static String slot(
      int number, String current, int restarts, long checkouts, long clean, long failed) {
    return "slot %d: %s restarts=%d checkouts=%d clean=%d failed=%d%n"
        .formatted(number, current, restarts, checkouts, clean, failed);
  }

  /** What a call came to that has been answered. */
  static String outcome(CompletionStage<?> answer) {
    try {
      answer.toCompletableFuture().getNow(null);
      return "value";
    } catch (CompletionException failed) {
      return failed.getCause() instanceof PythonFailure failure ? outcome(failure) : "" + failed;
    }
  }

  static String outcome(PythonFailure failure) {
    if (failure instanceof PythonFailure.WorkerLost) {
      return "lost";
    }
    return "refused "
        + (failure instanceof PythonFailure.CheckoutRefused refused
            ? refused.reason()
            : failure instanceof PythonFailure.SessionLost
                ? "LEASE_ENDED"
                : failure instanceof PythonFailure.Overloaded
                    ? "QUEUE_FULL"
                    : failure instanceof PythonFailure.Draining
                        ? "DRAINING"
                        : failure instanceof PythonFailure.DeadlineExceeded
                            ? "DEADLINE"
                            : failure instanceof PythonFailure.Cancelled
                                ? "CANCELLED"
                                : failure instanceof PythonFailure.NoCapacity
                                        || failure instanceof PythonFailure.StartFailed
                                    ? "NO_CAPACITY"
                                    : failure.toString());
  }
}
