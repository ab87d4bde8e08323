package io.gorgon.cluster;

import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.NodeLost;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** These are the failures of what was lost between two nodes. */
final class Lost {

  private Lost() {}

  /** A value did not come as a whole. */
  static PythonFailure onTheWay(String target, String what, @Nullable Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException wrapped && wrapped.getCause() != null
            ? wrapped.getCause()
            : failure;
    return cause instanceof PythonFailure typed
        ? typed
        : new NodeLost(target, what + " broke off between two nodes: " + cause, true, false);
  }
}
