package io.gorgon.worker;

import io.gorgon.message.WorkerId;
import io.gorgon.wire.Frame;
import java.util.Objects;

/** What a worker does with a call of a session, without a worker. */
public final class Settled {

  private Settled() {}

  /** It takes the call up; what goes ahead of the request. */
  public static Frame opened(PendingCall call, WorkerId worker) {
    call.starts(
        new PendingCall.Holder() {
          @Override
          public void onAbandoned(PendingCall abandoned, boolean dirty) {
            // It goes on.
          }

          @Override
          public boolean hasStarted(PendingCall started) {
            return true;
          }
        },
        1,
        0);
    return Objects.requireNonNull(settlement(call).opening(1, worker, false));
  }

  /** It tells what the call has changed. */
  public static void patched(PendingCall call, Frame patch) {
    settlement(call).onPatch(call, patch);
  }

  /** It lacks the state. */
  public static void refused(PendingCall call, WorkerId worker) {
    settlement(call).onOpeningRefused(worker);
  }

  /** It is done with the call. */
  public static void left(PendingCall call) {
    call.leaves();
  }

  private static Settlement settlement(PendingCall call) {
    return Objects.requireNonNull(call.settlement());
  }
}
