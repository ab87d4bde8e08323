package io.gorgon.session;

import io.gorgon.message.WorkerId;
import io.gorgon.worker.PendingCall;
import org.jspecify.annotations.Nullable;

/** This takes a session's call to a worker, and answers it where it cannot. */
@FunctionalInterface
public interface SessionRoad {

  /** {@code preferred}: who has the session's state in memory already; null if nobody does. */
  void send(PendingCall call, @Nullable WorkerId preferred);
}
