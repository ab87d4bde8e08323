package io.gorgon.session;

import io.gorgon.message.PythonFailure;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;
import org.jspecify.annotations.Nullable;

/** A store over memory whose answers come when the test says so. */
final class SlowStore implements SessionStore {

  private final MemoryStore kept = new MemoryStore();
  private final Deque<Runnable> asked = new ArrayDeque<>();
  private @Nullable PythonFailure refusal;
  private boolean hanging;
  private @Nullable List<String> stale;

  /** From now on it fails to give states so; or gives them again. */
  void refuseToLoad(@Nullable PythonFailure why) {
    refusal = why;
  }

  /** What it says nobody uses; things may have changed since it looked. */
  void findsUntouched(String... keys) {
    stale = List.of(keys);
  }

  /** From now on it does not answer who wants something forgotten. */
  void hangRemoving() {
    hanging = true;
  }

  @Override
  public CompletionStage<Optional<SessionState>> load(String key) {
    if (refusal != null) {
      return CompletableFuture.failedFuture(refusal);
    }
    return kept.load(key);
  }

  @Override
  public CompletionStage<Done> save(SessionState next) {
    var answer = new CompletableFuture<Done>();
    asked.add(
        () ->
            kept.save(next)
                .whenComplete(
                    (done, failure) -> {
                      if (failure == null) {
                        answer.complete(done);
                      } else {
                        answer.completeExceptionally(failure);
                      }
                    }));
    failing = answer;
    return answer;
  }

  private CompletableFuture<Done> failing = new CompletableFuture<>();

  int asked() {
    return asked.size();
  }

  /** Keeps what it was asked to keep first. */
  void keep() {
    asked.removeFirst().run();
  }

  /** Fails what it was asked to keep last. */
  void fail(Throwable failure) {
    asked.removeLast();
    failing.completeExceptionally(failure);
  }

  /** Somebody else keeps something. */
  void keepElsewhere(SessionState next) {
    kept.save(next).toCompletableFuture().join();
  }

  @Override
  public CompletionStage<Done> remove(String key, long version) {
    return hanging ? new CompletableFuture<>() : kept.remove(key, version);
  }

  @Override
  public CompletionStage<Done> remove(String key) {
    return kept.remove(key);
  }

  @Override
  public CompletionStage<Long> count() {
    return kept.count();
  }

  @Override
  public CompletionStage<List<String>> untouchedSince(Instant then, int most) {
    return stale == null
        ? kept.untouchedSince(then, most)
        : CompletableFuture.completedFuture(stale);
  }
}
