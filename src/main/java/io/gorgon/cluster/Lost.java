package io.gorgon.cluster;

import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.NodeLost;
import java.util.concurrent.CompletionException;
import org.apache.pekko.actor.typed.ActorRef;
import org.jspecify.annotations.Nullable;

/** These are the failures of calls of which something was lost between two nodes. */
final class Lost {

  private Lost() {}

  /** A request did not come as a whole: it did not start. */
  static PythonFailure request(
      String target, ActorRef<Desk.Command> from, @Nullable Throwable failure) {
    return lost(target, from.path().address().hostPort(), "its request", failure, false, false);
  }

  /** Something did not come that Python said, or its answer. */
  static PythonFailure answer(Crossing crossing, String what, @Nullable Throwable failure) {
    var call = crossing.call().call();
    return lost(call.target(), crossing.node(), what, failure, true, call.retries() > 0);
  }

  private static PythonFailure lost(
      String target,
      String node,
      String what,
      @Nullable Throwable failure,
      boolean started,
      boolean idempotent) {
    Throwable cause =
        failure instanceof CompletionException wrapped && wrapped.getCause() != null
            ? wrapped.getCause()
            : failure;
    return cause instanceof PythonFailure typed
        ? typed
        : new NodeLost(target, node, what + " broke off on the way: " + cause, started, idempotent);
  }
}
