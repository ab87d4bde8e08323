package io.gorgon.session;

import io.gorgon.message.WorkerId;
import io.gorgon.session.Step.End;
import io.gorgon.session.Step.Turn;
import io.gorgon.worker.PendingCall;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.pekko.Done;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This is where the calls of one session wait for one another. The next call starts when the one
 * before has its answer, no worker runs it any more, and its commit has ended. Thread-safe; the
 * lock is never held while anything is called.
 */
final class SessionLine implements PendingCall.Holder {

  private static final Logger log = LoggerFactory.getLogger(SessionLine.class);

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
  private final LiveState state;
  private final ReentrantLock lock = new ReentrantLock();
  private final Deque<Step> waiting = new ArrayDeque<>(2);
  private @Nullable Step current;
  private boolean sent;
  private boolean advancing;

  private Instant idleSince;
  private boolean retired;

  SessionLine(Sessions home, String key) {
    this.home = home;
    this.key = key;
    this.state = new LiveState(home, key);
    this.idleSince = home.now();
  }

  String key() {
    return key;
  }

  /** What its calls start from and change. */
  LiveState state() {
    return state;
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
    SessionState known = state.atHand();
    if (known != null) {
      go(turn, known);
      return;
    }
    home.watch(this);
    state
        .admit()
        .whenComplete(
            (found, failure) -> {
              if (failure != null) {
                turn.call().fail(home.unavailable(key, false, failure));
                finish(turn);
              } else {
                attempt(turn, () -> go(turn, found));
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

  private void go(Turn turn, SessionState found) {
    PendingCall call = turn.call();
    WorkerId preferred = state.use(found);
    lock.lock();
    try {
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
              && state.isAtRest();
      if (!over || step == null) {
        return;
      }
    } finally {
      lock.unlock();
    }
    finish(step);
  }

  /** Runs something when the call's deadline has come; gives what calls that off. */
  Runnable atDeadline(PendingCall call, Runnable overdue) {
    return home.atDeadline(call, overdue);
  }

  // ---- the end of the state

  private void begin(End end) {
    CompletionStage<Done> gone = end.ifExpired() ? state.forgetIfExpired() : state.forget();
    gone.whenComplete(
        (done, failure) -> {
          if (failure == null) {
            end.ended().complete(done);
          } else {
            end.ended().completeExceptionally(home.unavailable(key, false, failure));
          }
          finish(end);
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
              || (current == null
                  && waiting.isEmpty()
                  && state.isAtRest()
                  && idleSince.isBefore(then));
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
