package io.gorgon.pool;

import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Reply;
import io.gorgon.message.Values;
import io.gorgon.tool.HostCalls;
import io.gorgon.wire.Frame;
import io.gorgon.wire.FrameCodec;
import io.gorgon.worker.Dialogue;
import io.gorgon.worker.PendingCall;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.pattern.StatusReply;
import org.jspecify.annotations.Nullable;

/** This is a call that came to a {@link Pool} as a message, and is answered by one. */
public final class AskedCall {

  private AskedCall() {}

  /** The call, begun now; empty if it cannot be encoded, which {@code replyTo} is told then. */
  public static Optional<PendingCall> of(
      Entrance entrance, Call call, ActorRef<StatusReply<Reply>> replyTo, Executor tools) {
    try {
      long now = entrance.clock().getAsLong();
      String id = entrance.nextCallId();
      var pending =
          new PendingCall(
              id,
              call,
              FrameCodec.fitting(
                  "the request to " + call.target(),
                  Values.encodeRequest(call, id),
                  entrance.settings().launch().frameLimit()),
              now,
              entrance.clock().after(call.timeout().orElse(entrance.settings().callTimeout())),
              new WithTools(
                  new HostCalls(
                      entrance::tools,
                      1,
                      tools,
                      entrance.clock(),
                      entrance.settings().launch().frameLimit())));
      pending.answer().whenComplete((reply, failure) -> answer(replyTo, reply, failure));
      return Optional.of(pending);
    } catch (PythonFailure refused) {
      replyTo.tell(StatusReply.error(refused));
      return Optional.empty();
    }
  }

  /** It may use the pool's tools; nobody is there who would hear of its progress. */
  private record WithTools(HostCalls tools) implements Dialogue {
    @Override
    public void onHostCall(PendingCall call, Frame hostCall) {
      tools.onHostCall(call, hostCall);
    }
  }

  private static void answer(
      ActorRef<StatusReply<Reply>> replyTo, @Nullable Reply reply, @Nullable Throwable failure) {
    if (reply != null) {
      replyTo.tell(StatusReply.success(reply));
    } else if (failure instanceof CompletionException wrapped && wrapped.getCause() != null) {
      replyTo.tell(StatusReply.error(wrapped.getCause()));
    } else if (failure != null) {
      replyTo.tell(StatusReply.error(failure));
    }
  }
}
