package io.gorgon.session;

import io.gorgon.message.PythonFailure.SessionConflict;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.pekko.Done;

/** This keeps states as long as the JVM lives: for tests, and for runs that nobody goes on with. */
public final class MemoryStore implements SessionStore {

  private static final CompletionStage<Done> DONE =
      CompletableFuture.completedFuture(Done.getInstance());

  private final ConcurrentMap<String, SessionState> states = new ConcurrentHashMap<>();

  @Override
  public CompletionStage<Optional<SessionState>> load(String key) {
    return CompletableFuture.completedFuture(Optional.ofNullable(states.get(key)));
  }

  @Override
  public CompletionStage<Done> save(SessionState next) {
    var kept = new AtomicBoolean();
    states.compute(
        next.key(),
        (key, present) -> {
          kept.set((present == null ? 0 : present.version()) == next.version() - 1);
          return kept.get() ? next : present;
        });
    return kept.get()
        ? DONE
        : CompletableFuture.failedFuture(new SessionConflict(next.key(), next.version() - 1));
  }

  @Override
  public CompletionStage<Done> remove(String key, long version) {
    states.computeIfPresent(key, (same, state) -> state.version() == version ? null : state);
    return DONE;
  }

  @Override
  public CompletionStage<Done> remove(String key) {
    states.remove(key);
    return DONE;
  }

  @Override
  public CompletionStage<Long> count() {
    return CompletableFuture.completedFuture((long) states.size());
  }

  @Override
  public CompletionStage<List<String>> untouchedSince(Instant then, int most) {
    return CompletableFuture.completedFuture(
        states.values().stream()
            .filter(state -> state.touched().isBefore(then))
            .limit(most)
            .map(SessionState::key)
            .toList());
  }
}
