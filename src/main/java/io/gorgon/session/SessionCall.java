package io.gorgon.session;

import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.CommitUnknown;
import io.gorgon.message.Reply;
import io.gorgon.message.Values;
import io.gorgon.message.WorkerId;
import io.gorgon.wire.Frame;
import io.gorgon.worker.PendingCall;
import io.gorgon.worker.Settlement;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** This settles one call of a session: what it has changed is committed, then it is answered. */
final class SessionCall implements Settlement {

  private final SessionLine line;
  private final LiveState state;
  private volatile @Nullable StatePatch changed;

  SessionCall(SessionLine line) {
    this.line = line;
    this.state = line.state();
  }

  @Override
  public Frame opening(long request, WorkerId worker, boolean leased) {
    changed = null; // of an attempt that did not come to its end
    return state.opening(request, worker, leased);
  }

  @Override
  public void onOpeningRefused(WorkerId worker) {
    state.onOpeningRefused(worker);
  }

  @Override
  public void onPatch(PendingCall call, Frame frame) {
    StatePatch patch = StatePatch.read(frame.payload());
    if (patch.checkpoint() == 0) {
      changed = patch;
      return;
    }
    // What is kept now must not be done again.
    call.runsOnce();
    state.commit(
        patch,
        null,
        failure -> {
          answer(call, patch, failure);
          line.tryFinish(call);
        });
  }

  private static void answer(PendingCall call, StatePatch patch, @Nullable PythonFailure failure) {
    Map<String, Object> body =
        failure == null
            ? Map.of("host", patch.checkpoint(), "value", patch.version() + 1)
            : Map.of(
                "host",
                patch.checkpoint(),
                "failure",
                Map.of(
                    "kind", "raised",
                    "type", failure.getClass().getName(),
                    "message", String.valueOf(failure.getMessage())));
    call.send(
        request ->
            Frame.of(Frame.Kind.HOST_REPLY, request, Values.encode("a checkpoint's answer", body)));
  }

  @Override
  public void settle(PendingCall call, Reply reply) {
    StatePatch patch = changed;
    if (patch == null) {
      state.unchanged(reply.worker(), () -> line.tryFinish(call));
      call.settled(reply);
      return;
    }
    state.commit(
        patch,
        reply.worker(),
        failure -> {
          give(call, reply, failure);
          line.tryFinish(call);
        });
    if (!call.answer().isDone()) {
      Runnable disarm = line.atDeadline(call, () -> give(call, reply, overdue(patch)));
      call.answer().whenComplete((given, failure) -> disarm.run());
    }
  }

  private CommitUnknown overdue(StatePatch patch) {
    String why = "the call's deadline passed while it was being kept";
    return new CommitUnknown(line.key(), patch.version() + 1, why);
  }

  private static void give(PendingCall call, Reply reply, @Nullable PythonFailure failure) {
    if (failure == null) {
      call.settled(reply);
    } else if (call.unsettled(failure)) {
      reply.close();
    }
  }

  @Override
  public void onLeft(PendingCall call) {
    line.tryFinish(call);
  }
}
