package io.gorgon.session;

import io.gorgon.worker.PendingCall;
import java.util.concurrent.CompletableFuture;
import org.apache.pekko.Done;

/** This is what is done in a session's order. */
sealed interface Step {

  /** A call, which {@code road} takes to a worker. */
  record Turn(PendingCall call, SessionRoad road) implements Step {}

  /** The end of the state; {@code ifExpired}: only if its time to live is over. */
  record End(CompletableFuture<Done> ended, boolean ifExpired) implements Step {}
}
