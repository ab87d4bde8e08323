package io.gorgon.scoreboard;

import io.gorgon.message.PythonFailure.StoreUnavailable;
import io.gorgon.proving.TestPool;
import io.gorgon.proving.history.Fact;
import io.gorgon.proving.history.Fact.InSession;
import io.gorgon.proving.history.Fact.StateRead;
import io.gorgon.proving.history.Fact.Terms;
import io.gorgon.session.SessionState;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Sessions of a pool whose calls, looks and last states are written down. */
final class RecordedSessions {

  private static final String TARGETS = "journaled_sessions:";

  private final RecordedPool pool;

  RecordedSessions(RecordedPool pool) {
    this.pool = pool;
  }

  /** Calls a function of {@code journaled_sessions.py}. */
  RecordedPool.Sent call(String key, Terms terms, String fault, String function, Object... more) {
    String id = pool.id();
    var sent =
        pool.call(
            call -> pool.pool().session(key).call(call),
            id,
            terms,
            fault,
            TARGETS + function,
            more);
    pool.history.add(new InSession(RecordedPool.now(), id, key));
    return sent;
  }

  /**
   * Runs its stream.
   *
   * @param keep whether each element has a change and a checkpoint of its own
   * @param how it ends
   * @param leaveAfter when the consumer leaves
   */
  CompletableFuture<Void> stream(
      String key, Terms terms, boolean keep, String how, long leaveAfter) {
    String id = pool.id();
    return pool.stream(
            call -> pool.pool().session(key).stream(call),
            id,
            terms,
            "",
            leaveAfter,
            TARGETS + "stream",
            terms.elements(),
            keep,
            how)
        // It is sent by its graph, which tells nobody when.
        .thenRun(() -> pool.history.add(new InSession(RecordedPool.now(), id, key)));
  }

  /** Looks at a state as it is now, if the store is there. */
  void look(String key) {
    long at = RecordedPool.now();
    try {
      pool.history.add(read(at, key, TestPool.get(pool.pool().session(key).state()), false));
    } catch (StoreUnavailable drawn) {
      // Nothing was seen.
    }
  }

  /** Notes what the store has when nobody uses it any more; null for nothing. */
  void end(String key, @Nullable SessionState state) {
    long at = RecordedPool.now();
    pool.history.add(
        state == null
            ? new StateRead(at, key, 0, Fact.NOBODY, 0, List.of(), true)
            : read(at, key, state, true));
  }

  private static StateRead read(long at, String key, SessionState state, boolean last) {
    Map<String, @Nullable Object> values = state.decoded();
    return new StateRead(
        at,
        state.key(),
        state.version(),
        String.valueOf(values.getOrDefault("owner", Fact.NOBODY)),
        values.get("count") instanceof Number count ? count.longValue() : 0,
        values.get("log") instanceof List<?> log
            ? log.stream().map(String::valueOf).toList()
            : List.of(),
        last);
  }
}
