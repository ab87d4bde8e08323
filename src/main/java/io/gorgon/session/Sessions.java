package io.gorgon.session;

import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.CommitUnknown;
import io.gorgon.message.PythonFailure.Overloaded;
import io.gorgon.message.PythonFailure.SessionConflict;
import io.gorgon.message.PythonFailure.StoreUnavailable;
import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.pool.PoolClock;
import io.gorgon.pool.SessionSettings;
import io.gorgon.session.SessionLine.Entry;
import io.gorgon.worker.PendingCall;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import org.apache.pekko.Done;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * These are the sessions of one pool: a line for each that is in use, over one store. Thread-safe;
 * nothing blocks.
 */
public final class Sessions implements SessionHome {

  private static final Logger log = LoggerFactory.getLogger(Sessions.class);

  /** Runs something later; gives what calls that off. */
  public interface Timer extends BiFunction<Duration, Runnable, Runnable> {}

  private static final Duration FAR = Duration.ofDays(30);

  /** Sessions that one sweep takes out. */
  private static final int SWEPT_AT_ONCE = 100;

  private final String pool;
  private final SessionSettings settings;
  private final SessionStore store;
  private final PoolClock clock;
  private final InstantSource wall;
  private final Timer timer;
  private final int capacity;
  private final ConcurrentMap<String, SessionLine> lines = new ConcurrentHashMap<>();
  private final AtomicInteger waiting = new AtomicInteger();

  /** Those in which a call waits, for another one or for the store. */
  private final Set<SessionLine> watched = ConcurrentHashMap.newKeySet();

  private final AtomicBoolean sweeping = new AtomicBoolean();
  private volatile Instant sweptAt;
  private volatile List<String> swept = List.of();

  /**
   * For one pool.
   *
   * @param clock what deadlines go by
   * @param wall what times to live go by
   * @param capacity calls that may wait behind others of their sessions, in all
   */
  public Sessions(
      String pool,
      SessionSettings settings,
      SessionStore store,
      PoolClock clock,
      InstantSource wall,
      Timer timer,
      int capacity) {
    this.pool = pool;
    this.settings = settings;
    this.store = store;
    this.clock = clock;
    this.wall = wall;
    this.timer = timer;
    this.capacity = capacity;
    this.sweptAt = wall.instant();
  }

  // ---- for those who hold a session

  @Override
  public void submit(String key, PendingCall call, Affinity affinity, SessionRoad road) {
    submit(key, call, road);
  }

  /** Runs the call behind the others of its session, by that road. */
  public void submit(String key, PendingCall call, SessionRoad road) {
    Entry entry = line(key).submit(call, road);
    while (entry == Entry.RETIRED) {
      entry = line(key).submit(call, road);
    }
    if (entry == Entry.FULL) {
      String why = "they wait behind others of their sessions";
      call.fail(new Overloaded(pool, capacity, capacity, why));
    }
  }

  @Override
  public CompletionStage<Done> end(String key) {
    return end(key, false);
  }

  private CompletionStage<Done> end(String key, boolean ifExpired) {
    var ended = new CompletableFuture<Done>();
    Entry entry = line(key).end(ended, ifExpired);
    while (entry == Entry.RETIRED) {
      entry = line(key).end(ended, ifExpired);
    }
    return ended;
  }

  @Override
  public boolean release(String key) {
    SessionLine line = lines.get(key);
    if (line != null && !line.retire(Instant.MAX)) {
      return false;
    }
    if (line != null) {
      lines.remove(key, line);
    }
    return true;
  }

  @Override
  public CompletionStage<SessionState> read(String key) {
    return line(key).state().read();
  }

  /** One that is retired is on its way out of the map, or is put out here. */
  private SessionLine line(String key) {
    return lines.compute(
        key,
        (wanted, present) ->
            present == null || present.isRetired() ? new SessionLine(this, wanted) : present);
  }

  // ---- for the lines

  SessionSettings settings() {
    return settings;
  }

  Instant now() {
    return wall.instant();
  }

  /** Whether one more call may wait; one that begins at once always may. */
  boolean enter(boolean atOnce) {
    int before = waiting.getAndUpdate(count -> atOnce || count < capacity ? count + 1 : count);
    return atOnce || before < capacity;
  }

  /** Has calls that wait there answered when their deadlines have passed. */
  void watch(SessionLine line) {
    watched.add(line);
  }

  void left() {
    waiting.decrementAndGet();
  }

  SessionState fresh(String key) {
    return SessionState.fresh(key, ThreadLocalRandom.current().nextLong(1L << 53), now());
  }

  boolean isExpired(Instant touched) {
    return !settings.ttl().isZero() && !now().isBefore(touched.plus(settings.ttl()));
  }

  /** Whether so much of the time to live is over that the store has to learn of its use. */
  boolean isTouchDue(SessionState state) {
    return !settings.ttl().isZero()
        && now().isAfter(state.touched().plus(settings.ttl().dividedBy(4)));
  }

  CompletionStage<Optional<SessionState>> load(String key) {
    return asked(() -> store.load(key));
  }

  CompletionStage<Done> save(SessionState next) {
    return asked(() -> store.save(next));
  }

  CompletionStage<Done> remove(String key, long version) {
    return asked(() -> store.remove(key, version));
  }

  CompletionStage<Done> remove(String key) {
    return asked(() -> store.remove(key));
  }

  CompletionStage<Long> count() {
    return asked(store::count);
  }

  private static <T> CompletionStage<T> asked(Supplier<CompletionStage<T>> question) {
    try {
      return question.get();
    } catch (RuntimeException thrown) {
      return CompletableFuture.failedFuture(thrown);
    }
  }

  /** What a caller is told who got no state. */
  PythonFailure unavailable(String key, boolean started, Throwable failure) {
    Throwable cause = unwrapped(failure);
    if (cause instanceof StoreUnavailable away) {
      return new StoreUnavailable(key, started, away.problem());
    }
    return cause instanceof PythonFailure named
        ? named
        : new StoreUnavailable(key, started, String.valueOf(cause));
  }

  /** What a caller is told when the store did not keep a state. */
  PythonFailure uncommitted(SessionState next, Throwable failure) {
    Throwable cause = unwrapped(failure);
    if (cause instanceof SessionConflict conflict) {
      return conflict;
    }
    if (cause instanceof StoreUnavailable away) {
      return new StoreUnavailable(next.key(), true, away.problem());
    }
    return new CommitUnknown(next.key(), next.version(), String.valueOf(cause));
  }

  private static Throwable unwrapped(Throwable failure) {
    return failure instanceof CompletionException wrapped && wrapped.getCause() != null
        ? wrapped.getCause()
        : failure;
  }

  /** Runs something when the call's deadline has come; gives what calls that off. */
  Runnable atDeadline(PendingCall call, Runnable overdue) {
    Duration left = Duration.ofNanos(Math.max(0, call.deadline() - clock.getAsLong()));
    // A stream may have no deadline; and schedulers do not look ahead for ever.
    return left.compareTo(FAR) > 0 ? () -> {} : timer.apply(left, overdue);
  }

  // ---- time

  /** Answers calls whose deadline has passed, and takes out what nobody uses. */
  public void onTick(long now) {
    for (SessionLine line : List.copyOf(watched)) {
      // Out first: a call that comes meanwhile puts the line in again.
      watched.remove(line);
      if (line.expire(now)) {
        watched.add(line);
      }
    }
    Instant time = now();
    if (time.isAfter(sweptAt.plus(settings.sweep())) && sweeping.compareAndSet(false, true)) {
      sweptAt = time;
      Instant idle = time.minus(settings.idle());
      lines.values().removeIf(line -> line.retire(idle));
      sweep(time);
    }
  }

  private void sweep(Instant time) {
    if (settings.ttl().isZero()) {
      sweeping.set(false);
      return;
    }
    // States are confirmed when a quarter of their time is over, so one that is used is younger.
    Instant then = time.minus(settings.ttl().plus(settings.ttl().dividedBy(4)));
    asked(() -> store.untouchedSince(then, SWEPT_AT_ONCE))
        .whenComplete(
            (keys, failure) -> {
              sweeping.set(false);
              if (failure != null) {
                log.warn("pool '{}': sessions cannot be swept: {}", pool, failure.toString());
              } else {
                endExpired(keys);
              }
            });
  }

  /** More of them may be there than were asked for: goes on then, unless these cannot be ended. */
  private void endExpired(List<String> keys) {
    boolean more = keys.size() == SWEPT_AT_ONCE && !keys.equals(swept);
    swept = List.copyOf(keys);
    CompletableFuture<?>[] ended =
        keys.stream()
            .map(key -> end(key, true).toCompletableFuture())
            .toArray(CompletableFuture<?>[]::new);
    if (more) {
      // By the timer: a store that answers at once would nest one sweep in another.
      CompletableFuture.allOf(ended)
          .handle((done, failure) -> timer.apply(Duration.ZERO, this::sweepAgain));
    }
  }

  private void sweepAgain() {
    if (sweeping.compareAndSet(false, true)) {
      sweep(now());
    }
  }
}
