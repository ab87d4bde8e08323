package io.gorgon.testkit;

import io.gorgon.message.PythonFailure.StoreUnavailable;
import io.gorgon.message.Values;
import io.gorgon.session.SessionState;
import io.gorgon.session.SessionStore;
import io.gorgon.session.StateValue;
import io.gorgon.testkit.CommitFault.Late;
import io.gorgon.testkit.CommitFault.Wrong;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Supplier;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorSystem;
import org.jspecify.annotations.Nullable;

/**
 * A store of sessions that a test can have go away, become slow or full, or spoil single commits;
 * around the store that the pool's settings name, which keeps what is kept. Every kit's pool has
 * one: {@link GorgonTestKit#store}. For a pool of your own, see {@link
 * io.gorgon.PythonPool#start(ActorSystem, io.gorgon.pool.PoolSettings, io.gorgon.pool.PoolClock,
 * Supplier, java.util.function.UnaryOperator)}. Thread-safe.
 *
 * <pre>{@code
 * kit.store().atNextCommitOf("customer-42", CommitFault.Wrong.KEPT_UNTOLD);
 * }</pre>
 */
public final class FaultyStore implements SessionStore {

  private final SessionStore store;
  private final ActorSystem<?> system;
  private final InstantSource wall;
  private final Map<String, Queue<CommitFault>> commits = new ConcurrentHashMap<>();
  private volatile boolean away;
  private volatile boolean full;
  private volatile Duration delay = Duration.ZERO;

  private FaultyStore(SessionStore store, ActorSystem<?> system, InstantSource wall) {
    this.store = store;
    this.system = system;
    this.wall = wall;
  }

  /**
   * Around another store.
   *
   * @param system whose scheduler delays are counted by
   * @param wall the pool's time of day, for what the test itself keeps here
   */
  public static FaultyStore around(SessionStore store, ActorSystem<?> system, InstantSource wall) {
    return new FaultyStore(store, system, wall);
  }

  // ---- faults

  /** From now on it answers nothing but {@link StoreUnavailable}, and keeps nothing. */
  public void goesAway() {
    away = true;
  }

  /** From now on it is there again, as quick as ever, and has room. */
  public void comesBack() {
    away = false;
    full = false;
    delay = Duration.ZERO;
  }

  /** From now on it begins so much later with whatever it is asked. */
  public void isSlowBy(Duration later) {
    delay = later;
  }

  /** From now on it has more sessions than any quota allows: see {@code session.quota}. */
  public void fills() {
    full = true;
  }

  /** The next commit of that session goes so; several strike one after the other. */
  public void atNextCommitOf(String key, CommitFault fault) {
    commits.computeIfAbsent(key, any -> new ConcurrentLinkedQueue<>()).add(fault);
  }

  // ---- what it has, faults aside

  /** What is kept of a session at this moment, whether the store is away or not. */
  public CompletionStage<Optional<SessionState>> kept(String key) {
    return store.load(key);
  }

  /**
   * Keeps a state as somebody else would, in another JVM: the next version, with these values and
   * no others.
   *
   * @param values whatever can travel to Python, by names
   */
  public CompletionStage<Done> keep(String key, Map<String, ? extends @Nullable Object> values) {
    Map<String, byte[]> packed = new LinkedHashMap<>();
    values.forEach(
        (name, value) ->
            packed.put(name, StateValue.bytes(Values.encode("'" + name + "'", value))));
    return store.load(key).thenCompose(found -> store.save(next(key, found, packed)));
  }

  private SessionState next(
      String key, Optional<SessionState> found, @Nullable Map<String, byte[]> values) {
    SessionState old = found.orElseGet(() -> new SessionState(key, 1, 0, Map.of(), wall.instant()));
    return new SessionState(
        key,
        old.birth(),
        old.version() + 1,
        values == null ? old.values() : values,
        wall.instant());
  }

  // ---- as a store

  @Override
  public CompletionStage<Optional<SessionState>> load(String key) {
    return asked(key, delay, () -> store.load(key));
  }

  @Override
  public CompletionStage<Done> save(SessionState next) {
    String key = next.key();
    Queue<CommitFault> ofKey = commits.get(key);
    CommitFault fault = ofKey == null ? null : ofKey.poll();
    if (fault instanceof Late late) {
      return asked(key, delay.plus(late.by()), () -> store.save(next));
    }
    return asked(
        key, delay, () -> fault instanceof Wrong wrong ? save(next, wrong) : store.save(next));
  }

  private CompletionStage<Done> save(SessionState next, Wrong wrong) {
    String key = next.key();
    return switch (wrong) {
      case REFUSED -> unavailable(key);
      case KEPT_UNTOLD -> store.save(next).thenCompose(done -> cutOff());
      case LOST_UNTOLD -> cutOff();
      case RACE_LOST ->
          store
              .load(key)
              .thenCompose(found -> store.save(next(key, found, null)))
              .thenCompose(done -> store.save(next));
    };
  }

  private static <T> CompletionStage<T> unavailable(String key) {
    return CompletableFuture.failedFuture(
        new StoreUnavailable(key, false, "the test has said that it is away"));
  }

  private static <T> CompletionStage<T> cutOff() {
    return CompletableFuture.failedFuture(
        new IllegalStateException("the connection ended before the store had answered"));
  }

  @Override
  public CompletionStage<Done> remove(String key, long version) {
    return asked(key, delay, () -> store.remove(key, version));
  }

  @Override
  public CompletionStage<Done> remove(String key) {
    return asked(key, delay, () -> store.remove(key));
  }

  @Override
  public CompletionStage<Long> count() {
    return asked(
        "*", delay, () -> full ? CompletableFuture.completedFuture(Long.MAX_VALUE) : store.count());
  }

  @Override
  public CompletionStage<List<String>> untouchedSince(Instant then, int most) {
    return asked("*", delay, () -> store.untouchedSince(then, most));
  }

  private <T> CompletionStage<T> asked(
      String key, Duration later, Supplier<CompletionStage<T>> question) {
    Supplier<CompletionStage<T>> asked = () -> away ? unavailable(key) : question.get();
    if (later.isZero()) {
      return asked.get();
    }
    var begun = new CompletableFuture<Void>();
    system.scheduler().scheduleOnce(later, () -> begun.complete(null), system.executionContext());
    return begun.thenCompose(now -> asked.get());
  }
}
