package io.gorgon.session;

import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.ProtocolViolation;
import io.gorgon.message.PythonFailure.SessionExpired;
import io.gorgon.message.PythonFailure.SessionQuota;
import io.gorgon.message.PythonFailure.TooLarge;
import io.gorgon.message.WorkerId;
import io.gorgon.wire.Frame;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.apache.pekko.Done;
import org.jspecify.annotations.Nullable;

/**
 * This is the state of one session while that is in use: loaded when it is not known, told to the
 * workers that lack it, and kept when a call has changed it. Whose turn it is is for {@link
 * SessionLine} to say. Thread-safe; the lock is never held while anything is called.
 */
final class LiveState {

  private final Sessions home;
  private final String key;
  private final ReentrantLock lock = new ReentrantLock();

  /** Null while it is not known, and has to be loaded. */
  private @Nullable SessionState state;

  /** Who has that very state in memory; null if nobody does. */
  private @Nullable WorkerId holder;

  /** What tells the holder to use it; null until that has to be said. */
  private @Nullable Payload mention;

  /** When a call had that very state last; null if none had since it was loaded. */
  private @Nullable Instant servedAt;

  /** The state was forgotten because its time was over, and nobody was told yet. */
  private boolean expired;

  private int commits;

  LiveState(Sessions home, String key) {
    this.home = home;
    this.key = key;
  }

  /** Whether nothing is being kept. */
  boolean isAtRest() {
    lock.lock();
    try {
      return commits == 0;
    } finally {
      lock.unlock();
    }
  }

  // ---- at a call's beginning

  /** The state, if a call may start from it at once. */
  @Nullable SessionState atHand() {
    SessionState known = known();
    return known == null || isExpired(known) || isQuotaDue(known) ? null : known;
  }

  /** The state for a call to start from; fails with what its caller is told. */
  CompletionStage<SessionState> admit() {
    return find()
        .thenCompose(
            found ->
                isExpired(found)
                    ? forget(found).handle((done, failure) -> tellExpired())
                    : isQuotaDue(found)
                        ? home.count().thenApply(count -> withinQuota(found, count))
                        : CompletableFuture.completedFuture(found));
  }

  private SessionState tellExpired() {
    noteExpired(false);
    throw new SessionExpired(key, home.settings().ttl());
  }

  private boolean isQuotaDue(SessionState found) {
    return found.version() == 0 && home.settings().quota() > 0;
  }

  private SessionState withinQuota(SessionState found, long count) {
    if (count >= home.settings().quota()) {
      throw new SessionQuota(key, home.settings().quota());
    }
    return found;
  }

  /**
   * A call starts from that state.
   *
   * @return who has it in memory; null if nobody does
   */
  @Nullable WorkerId use(SessionState found) {
    lock.lock();
    try {
      take(found);
      return holder;
    } finally {
      lock.unlock();
    }
  }

  /** Tells a worker which session the request belongs to, and its state if it lacks that. */
  Frame opening(long request, WorkerId worker, boolean leased) {
    lock.lock();
    try {
      SessionState present = state;
      if (present == null) {
        throw new IllegalStateException("session " + key + " runs a call without its state");
      }
      Payload said;
      if (leased || !worker.equals(holder)) {
        said = SessionFrame.payload(present, true);
      } else if (mention != null) {
        said = mention;
      } else {
        mention = said = SessionFrame.payload(present, false);
      }
      return Frame.of(Frame.Kind.SESSION, request, said);
    } finally {
      lock.unlock();
    }
  }

  void onOpeningRefused(WorkerId worker) {
    lock.lock();
    try {
      if (worker.equals(holder)) {
        holder = null;
      }
    } finally {
      lock.unlock();
    }
  }

  // ---- at its end

  /**
   * Nothing was changed. Keeps the state alive, if that has to be told to the store.
   *
   * @param over runs when that has ended
   */
  void unchanged(WorkerId worker, Runnable over) {
    Instant now = home.now();
    SessionState present;
    lock.lock();
    try {
      holder = worker;
      servedAt = now;
      present = state;
    } finally {
      lock.unlock();
    }
    if (present != null && present.version() > 0 && home.isTouchDue(present)) {
      save(present.touchedAt(now), null, failure -> over.run());
    }
  }

  /**
   * Commits what was changed.
   *
   * @param worker who has the new state in memory once it is kept
   * @param done learns why it was not kept, null if it was
   */
  void commit(StatePatch patch, @Nullable WorkerId worker, Consumer<@Nullable PythonFailure> done) {
    SessionState base = known();
    PythonFailure refusal = null;
    SessionState next = null;
    if (base == null || base.version() != patch.version()) {
      refusal = new ProtocolViolation("a patch of version " + patch.version() + " for " + base);
    } else {
      next = base.with(patch, home.now());
      if (next.size() > home.settings().maxState()) {
        refusal =
            new TooLarge("the state of session " + key, next.size(), home.settings().maxState());
      }
    }
    if (refusal != null || next == null) {
      forgetHolder();
      done.accept(refusal);
    } else {
      save(next, worker, done);
    }
  }

  private void forgetHolder() {
    lock.lock();
    try {
      holder = null;
    } finally {
      lock.unlock();
    }
  }

  private void save(
      SessionState next, @Nullable WorkerId worker, Consumer<@Nullable PythonFailure> done) {
    lock.lock();
    try {
      commits++;
    } finally {
      lock.unlock();
    }
    home.save(next)
        .whenComplete(
            (kept, failure) -> {
              lock.lock();
              try {
                commits--;
                take(failure == null ? next : null);
                holder = failure == null ? worker : null;
                servedAt = failure == null ? next.touched() : null;
              } finally {
                lock.unlock();
              }
              done.accept(failure == null ? null : home.uncommitted(next, failure));
            });
  }

  // ---- to look at it, and to forget it

  /** The state that was kept last, not behind calls that wait. */
  CompletionStage<SessionState> read() {
    return find()
        .exceptionallyCompose(
            failure -> CompletableFuture.failedFuture(home.unavailable(key, false, failure)))
        .thenApply(
            found -> {
              if (isExpired(found)) {
                throw new SessionExpired(key, home.settings().ttl());
              }
              return found;
            });
  }

  /** Forgets it, whatever it is: who ends a session need not understand its state. */
  CompletionStage<Done> forget() {
    drop();
    return home.remove(key).thenApply(done -> noted(done, false));
  }

  /** Forgets it if its time is over; the next call is told so. */
  CompletionStage<Done> forgetIfExpired() {
    return find()
        .thenCompose(
            found ->
                isExpired(found)
                    ? forget(found).thenApply(done -> noted(done, true))
                    : CompletableFuture.completedFuture(Done.getInstance()));
  }

  private CompletionStage<Done> forget(SessionState old) {
    drop();
    return home.remove(key, old.version());
  }

  private Done noted(Done done, boolean unseen) {
    noteExpired(unseen);
    return done;
  }

  private void noteExpired(boolean unseen) {
    lock.lock();
    try {
      expired = unseen;
    } finally {
      lock.unlock();
    }
  }

  /** A state that is there lives by its own time: others may have begun it anew. */
  private boolean isExpired(SessionState found) {
    lock.lock();
    try {
      Instant used = servedAt != null ? servedAt : found.touched();
      return found.version() == 0 ? expired : home.isExpired(used);
    } finally {
      lock.unlock();
    }
  }

  private @Nullable SessionState known() {
    lock.lock();
    try {
      return state;
    } finally {
      lock.unlock();
    }
  }

  private CompletionStage<SessionState> find() {
    SessionState known = known();
    return known != null
        ? CompletableFuture.completedFuture(known)
        : home.load(key).thenApply(found -> found.orElseGet(() -> home.fresh(key)));
  }

  private void drop() {
    lock.lock();
    try {
      take(null);
      holder = null;
      servedAt = null;
    } finally {
      lock.unlock();
    }
  }

  /** The lock is held. */
  @SuppressWarnings("ReferenceEquality") // it is the same, or it has to be mentioned anew
  private void take(@Nullable SessionState next) {
    if (state != next) {
      state = next;
      mention = null;
    }
  }
}
