package io.gorgon.session;

import io.gorgon.message.PythonFailure.SessionConflict;
import io.gorgon.message.PythonFailure.StateTooNew;
import io.gorgon.message.PythonFailure.StoreUnavailable;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;

/**
 * This keeps the states of one pool's sessions. Methods return at once; what is asked is done in
 * the background, and within a time that the store sets itself. Implementations are thread-safe.
 *
 * <p>A stage that fails with {@link StoreUnavailable} says that nothing was changed; one that fails
 * with anything that is not named says that this is not known.
 */
public interface SessionStore {

  /**
   * The state that was kept last.
   *
   * @return empty if there is none; fails with {@link StateTooNew} if a newer version of this
   *     library has written it
   */
  CompletionStage<Optional<SessionState>> load(String key);

  /**
   * Keeps a state. When the stage completes it is kept, whatever happens to the JVM.
   *
   * @return fails with {@link SessionConflict} unless the version that is kept is the one before
   *     {@code next}'s (for version 1: unless there is none)
   */
  CompletionStage<Done> save(SessionState next);

  /** Forgets the session's state, if that has this version; harmless if there is none. */
  CompletionStage<Done> remove(String key, long version);

  /** Forgets the session's state, whatever it is: also one that {@link #load} refuses. */
  CompletionStage<Done> remove(String key);

  /** How many sessions have a state; may lag behind by what is being done. */
  CompletionStage<Long> count();

  /** Keys of sessions whose state was kept, or confirmed, last before {@code then}. */
  CompletionStage<List<String>> untouchedSince(Instant then, int most);
}
