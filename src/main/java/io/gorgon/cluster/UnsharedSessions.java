package io.gorgon.cluster;

import io.gorgon.message.PythonFailure.InvalidSettings;
import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.session.SessionHome;
import io.gorgon.session.SessionRoad;
import io.gorgon.session.SessionState;
import io.gorgon.worker.PendingCall;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;

/** This refuses sessions: the pool's store is not one that all nodes share. */
final class UnsharedSessions implements SessionHome {

  private final InvalidSettings why;

  UnsharedSessions(InvalidSettings why) {
    this.why = why;
  }

  @Override
  public void submit(String key, PendingCall call, Affinity affinity, SessionRoad road) {
    call.fail(why);
  }

  @Override
  public CompletionStage<Done> end(String key) {
    return CompletableFuture.failedFuture(why);
  }

  @Override
  public CompletionStage<SessionState> read(String key) {
    return CompletableFuture.failedFuture(why);
  }

  @Override
  public boolean release(String key) {
    return true;
  }
}
