package io.gorgon.session;

import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.ProtocolViolation;
import io.gorgon.message.PythonFailure.SessionExpired;
import io.gorgon.message.PythonFailure.SessionQuota;
import io.gorgon.message.PythonFailure.TooLarge;
import io.gorgon.message.WorkerId;
import io.gorgon.wire.Frame;
import io.gorgon.worker.PendingCall;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.apache.pekko.Done;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This is where the calls of one session wait for one another, and where its state is while the
 * session is in use. The next call starts when the one before has its answer, no worker runs it any
 * more, and its commit has ended. Thread-safe; the lock is never held while anything is called.
 */
final class SessionLine implements PendingCall.Holder {

  private static final Logger log = LoggerFactory.getLogger(SessionLine.class);

  /** What is done in the session's order. */
  private sealed interface Step {}

  private record Turn(PendingCall call, SessionRoad road) implements Step {}

  /** {@code ifExpired}: only if its time to live is over. */
  private record End(CompletableFuture<Done> ended, boolean ifExpired) implements Step {}

  /** Whether a step was taken in. */
  enum Entry {
    ENTERED,
    /** As many calls wait as may. */
    FULL,
    /** This line is no longer in use: there is, or will be, another one. */
    RETIRED
  }

  private final Sessions home;
  private final String key;
  private final ReentrantLock lock = new ReentrantLock();
  private final Deque<Step> waiting = new ArrayDeque<>(2);
  private @Nullable Step current;
  private boolean sent;
  private boolean advancing;

  /** Null while it is not known, and has to be loaded. */
  private @Nullable SessionState state;

  /** Who has that very state in memory; null if nobody does. */
  private @Nullable WorkerId holder;

  private int commits;
  private Instant idleSince;

  /** When a call had that very state last; null if none had since it was loaded. */
  private @Nullable Instant servedAt;

  /** The state's time was over, and nobody was told yet. */
  private boolean expired;

  private boolean retired;

  SessionLine(Sessions home, String key) {
    this.home = home;
    this.key = key;
    this.idleSince = home.now();
  }

  String key() {
    return key;
  }

  // ---- in

  /** Runs the call behind the others. */
  Entry submit(PendingCall call, SessionRoad road) {
    var turn = new Turn(call, road);
    call.heldBy(this);
    boolean first;
    lock.lock();
    try {
      if (retired) {
        return Entry.RETIRED;
      }
      first = enter(turn);
      if (!first && !home.enter(isNext())) {
        waiting.removeLast();
        return Entry.FULL;
      }
    } finally {
      lock.unlock();
    }
    call.answer().whenComplete((reply, failure) -> tryFinish(call));
    if (first) {
      begin(turn);
    }
    return Entry.ENTERED;
  }

  /**
   * Whether the last to come waits only for a call that has its answer, and is about to leave its
   * worker: who sends one call after the other must not be told that there is no room for it. The
   * lock is held.
   */
  private boolean isNext() {
    return waiting.size() == 1 && current instanceof Turn before && before.call().isDone();
  }

  /** Forgets the state, behind the calls that wait. */
  Entry end(CompletableFuture<Done> ended, boolean ifExpired) {
    var end = new End(ended, ifExpired);
    boolean first;
    lock.lock();
    try {
      if (retired) {
        return Entry.RETIRED;
      }
      first = enter(end);
    } finally {
      lock.unlock();
    }
    if (first) {
      begin(end);
    }
    return Entry.ENTERED;
  }

  /** Whether it can begin at once; else it waits. The lock is held. */
  private boolean enter(Step step) {
    if (current == null && waiting.isEmpty()) {
      current = step;
      sent = false;
      return true;
    }
    waiting.addLast(step);
    home.watch(this);
    return false;
  }

  /** Goes on with the next step, unless one is being done. Steps may end while they begin. */
  private void advance() {
    lock.lock();
    try {
      if (advancing) {
        return;
      }
      advancing = true;
    } finally {
      lock.unlock();
    }
    for (Step next = next(); next != null; next = next()) {
      if (next instanceof Turn turn) {
        home.left();
        begin(turn);
      } else if (next instanceof End end) {
        begin(end);
      }
    }
  }

  private @Nullable Step next() {
    lock.lock();
    try {
      Step next = current == null ? waiting.pollFirst() : null;
      if (next == null) {
        advancing = false;
      } else {
        current = next;
        sent = false;
      }
      return next;
    } finally {
      lock.unlock();
    }
  }

  private void finish(Step step) {
    lock.lock();
    try {
      if (current != step) {
        return;
      }
      current = null;
      idleSince = home.now();
    } finally {
      lock.unlock();
    }
    advance();
  }

  // ---- a call

  private void begin(Turn turn) {
    if (turn.call().isDone()) {
      finish(turn);
      return;
    }
    SessionState known = known();
    if (known != null) {
      check(turn, known);
      return;
    }
    home.watch(this);
    find()
        .whenComplete(
            (found, failure) -> {
              if (failure != null) {
                turn.call().fail(home.unavailable(key, false, failure));
                finish(turn);
              } else {
                attempt(turn, () -> check(turn, found));
              }
            });
  }

  /** A stage that something hangs on would swallow what that throws, and the call would hang. */
  private void attempt(Turn turn, Runnable step) {
    try {
      step.run();
    } catch (RuntimeException | Error thrown) {
      log.error("session {}: a call could not be run", key, thrown);
      turn.call().fail(home.unavailable(key, false, thrown));
      finish(turn);
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

  private void check(Turn turn, SessionState found) {
    if (isExpired(found)) {
      home.watch(this);
      forget(found)
          .whenComplete(
              (done, failure) -> {
                noteExpired(false);
                turn.call().fail(new SessionExpired(key, home.settings().ttl()));
                finish(turn);
              });
    } else if (found.version() == 0 && home.settings().quota() > 0) {
      home.watch(this);
      home.count()
          .whenComplete(
              (count, failure) -> {
                if (failure != null) {
                  turn.call().fail(home.unavailable(key, false, failure));
                  finish(turn);
                } else if (count >= home.settings().quota()) {
                  turn.call().fail(new SessionQuota(key, home.settings().quota()));
                  finish(turn);
                } else {
                  attempt(turn, () -> go(turn, found));
                }
              });
    } else {
      go(turn, found);
    }
  }

  private void go(Turn turn, SessionState found) {
    PendingCall call = turn.call();
    WorkerId preferred;
    lock.lock();
    try {
      state = found;
      preferred = holder;
      sent = true;
    } finally {
      lock.unlock();
    }
    call.settledBy(new SessionCall(this));
    if (call.isDone()) {
      finish(turn);
    } else {
      turn.road().send(call, preferred);
    }
  }

  /** The call has its answer, or has left its worker, or a commit has ended: perhaps all of it. */
  void tryFinish(PendingCall call) {
    Step step;
    lock.lock();
    try {
      step = current;
      boolean over =
          sent
              && step instanceof Turn turn
              && turn.call() == call
              && call.answer().isDone()
              && !call.isAtWorker()
              && commits == 0;
      if (!over || step == null) {
        return;
      }
    } finally {
      lock.unlock();
    }
    finish(step);
  }

  // ---- what the call's settlement asks for

  /** Runs something when the call's deadline has come; gives what calls that off. */
  Runnable atDeadline(PendingCall call, Runnable overdue) {
    return home.atDeadline(call, overdue);
  }

  /** Tells a worker which session the request belongs to, and its state if it lacks that. */
  Frame opening(long request, WorkerId worker, boolean leased) {
    lock.lock();
    try {
      SessionState present = state;
      if (present == null) {
        throw new IllegalStateException("session " + key + " runs a call without its state");
      }
      boolean known = !leased && worker.equals(holder);
      return SessionFrame.of(request, present, !known);
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

  /** Nothing was changed. Keeps the state alive, if that has to be told to the store. */
  void unchanged(PendingCall call, WorkerId worker) {
    SessionState present;
    lock.lock();
    try {
      holder = worker;
      servedAt = home.now();
      present = state;
    } finally {
      lock.unlock();
    }
    if (present != null && present.version() > 0 && home.isTouchDue(present)) {
      save(present.touchedAt(home.now()), null, call, failure -> {});
    }
  }

  /**
   * Commits what was changed.
   *
   * @param worker who has the new state in memory once it is kept
   * @param done learns why it was not kept, null if it was
   */
  void commit(
      StatePatch patch,
      @Nullable WorkerId worker,
      PendingCall call,
      Consumer<@Nullable PythonFailure> done) {
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
      save(next, worker, call, done);
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
      SessionState next,
      @Nullable WorkerId worker,
      PendingCall call,
      Consumer<@Nullable PythonFailure> done) {
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
                state = failure == null ? next : null;
                holder = failure == null ? worker : null;
                servedAt = failure == null ? home.now() : null;
              } finally {
                lock.unlock();
              }
              done.accept(failure == null ? null : home.uncommitted(next, failure));
              tryFinish(call);
            });
  }

  // ---- the end of the state

  private void begin(End end) {
    // Who ends a session need not understand its state; who only looks after it does.
    CompletionStage<Done> gone =
        end.ifExpired()
            ? find()
                .thenCompose(
                    found ->
                        isExpired(found)
                            ? forget(found)
                            : CompletableFuture.completedFuture(Done.getInstance()))
            : forget();
    gone.whenComplete(
        (done, failure) -> {
          noteExpired(end.ifExpired() && failure == null && known() == null);
          if (failure == null) {
            end.ended().complete(done);
          } else {
            end.ended().completeExceptionally(home.unavailable(key, false, failure));
          }
          finish(end);
        });
  }

  private CompletionStage<SessionState> find() {
    SessionState known = known();
    return known != null
        ? CompletableFuture.completedFuture(known)
        : home.load(key).thenApply(found -> found.orElseGet(() -> home.fresh(key)));
  }

  private CompletionStage<Done> forget(SessionState old) {
    letGo();
    return home.remove(key, old.version());
  }

  private CompletionStage<Done> forget() {
    letGo();
    return home.remove(key);
  }

  private void letGo() {
    lock.lock();
    try {
      state = null;
      holder = null;
      servedAt = null;
    } finally {
      lock.unlock();
    }
  }

  private void noteExpired(boolean unseen) {
    lock.lock();
    try {
      expired = unseen;
    } finally {
      lock.unlock();
    }
  }

  private boolean isExpired(SessionState found) {
    lock.lock();
    try {
      Instant used = servedAt != null ? servedAt : found.touched();
      return expired || (found.version() > 0 && home.isExpired(used));
    } finally {
      lock.unlock();
    }
  }

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

  // ---- time

  /** Answers every call that waits here and whose deadline has passed; whether others wait. */
  boolean expire(long now) {
    Deque<PendingCall> overdue = new ArrayDeque<>(2);
    boolean left;
    lock.lock();
    try {
      if (!sent && current instanceof Turn turn && turn.call().isOverdue(now)) {
        overdue.add(turn.call());
      }
      for (Step step : waiting) {
        if (step instanceof Turn turn && turn.call().isOverdue(now)) {
          overdue.add(turn.call());
        }
      }
      left = !waiting.isEmpty() || (current != null && !sent);
    } finally {
      lock.unlock();
    }
    overdue.forEach(PendingCall::expire);
    return left;
  }

  /** Takes this line out of use if nobody has used it since {@code then}; whether it is. */
  boolean retire(Instant then) {
    lock.lock();
    try {
      retired =
          retired
              || (current == null && waiting.isEmpty() && commits == 0 && idleSince.isBefore(then));
      return retired;
    } finally {
      lock.unlock();
    }
  }

  boolean isRetired() {
    lock.lock();
    try {
      return retired;
    } finally {
      lock.unlock();
    }
  }

  // ---- as a holder of calls that wait

  @Override
  public void onAbandoned(PendingCall call, boolean dirty) {
    lock.lock();
    try {
      if (waiting.removeIf(step -> step instanceof Turn turn && turn.call() == call)) {
        home.left();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean hasStarted(PendingCall call) {
    return false;
  }

  @Override
  public String toString() {
    return "session '" + key + "', behind its other calls";
  }
}
