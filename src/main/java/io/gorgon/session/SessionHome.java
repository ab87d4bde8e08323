package io.gorgon.session;

import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.worker.PendingCall;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;

/**
 * This is where the sessions of a pool live: in this JVM, or each on one node of a cluster.
 * Implementations are thread-safe and return at once.
 */
public interface SessionHome {

  /**
   * Runs the call behind the others of its session; answers it where that cannot be.
   *
   * @param affinity how much it matters which worker runs it
   * @param road takes it to a worker of this JVM, for a home that is here
   */
  void submit(String key, PendingCall call, Affinity affinity, SessionRoad road);

  /** Forgets the session's state, behind the calls that wait. */
  CompletionStage<Done> end(String key);

  /** The state that was kept last. */
  CompletionStage<SessionState> read(String key);

  /**
   * Lets go of what is held in memory of a session: its next call has the state loaded.
   *
   * @return false if a call or a commit of it is under way; nothing is let go then
   */
  boolean release(String key);
}
