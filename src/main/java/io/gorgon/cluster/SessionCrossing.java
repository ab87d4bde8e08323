package io.gorgon.cluster;

import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.CommitUnknown;
import io.gorgon.message.PythonFailure.Draining;
import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.pool.PoolClock;
import io.gorgon.worker.PendingCall;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.pekko.actor.typed.ActorRef;
import org.jspecify.annotations.Nullable;

/**
 * This is a session's call on its way to the node that has the session. What it changes may have
 * been kept there as soon as it was sent; so a node that does not tell, because it is cut off or
 * dead, leaves {@link CommitUnknown}, never a failure that promises an unchanged state.
 * Thread-safe.
 */
final class SessionCrossing extends Crossing implements Turns.Step {

  /** Where it went, decided once; {@link #STAYS} for one that ended before. */
  private record Way(@Nullable Owner owner) {}

  private static final Way STAYS = new Way(null);

  private final String key;
  private final Affinity affinity;
  private final ShardedSessions sessions;
  private final PoolClock clock;
  private final AtomicReference<@Nullable Way> way = new AtomicReference<>();
  private final AtomicBoolean redirected = new AtomicBoolean();
  private volatile boolean cancelled;
  private volatile long cancelledAt;

  SessionCrossing(
      PendingCall call,
      long number,
      String key,
      Affinity affinity,
      ShardedSessions sessions,
      PoolClock clock) {
    super(call, number);
    this.key = key;
    this.affinity = affinity;
    this.sessions = sessions;
    this.clock = clock;
  }

  /** The same call under another number. */
  SessionCrossing again(long newNumber) {
    return new SessionCrossing(call(), newNumber, key, affinity, sessions, clock);
  }

  String key() {
    return key;
  }

  Affinity affinity() {
    return affinity;
  }

  /** Notes that it goes to that owner now; false if it has gone to one, or stays. */
  boolean goesTo(Owner to) {
    return way.compareAndSet(null, new Way(to));
  }

  /** Keeps it from going anywhere; false if it has gone. */
  private boolean stays() {
    return way.compareAndSet(null, STAYS) || owner() == null;
  }

  /** Who was sent it; null if nobody. */
  @Nullable Owner owner() {
    Way taken = way.get();
    return taken == null ? null : taken.owner();
  }

  @Override
  boolean isSent() {
    return owner() != null;
  }

  /** Whether it is the first time that it is to go another way. */
  boolean redirects() {
    return redirected.compareAndSet(false, true);
  }

  @Override
  public boolean takesCancel(PendingCall of) {
    if (stays()) {
      return false;
    }
    if (!cancelled) {
      cancelledAt = clock.getAsLong();
      cancelled = true;
      giveUp();
    }
    return sessions.has(this); // else it has gone on as another crossing, which did not see this
  }

  private void giveUp() {
    Away there = away();
    if (there != null) {
      there.giveUp();
    } else {
      sessions.giveUp(this);
    }
  }

  /** Whether its caller does not want it any more. */
  boolean isCancelled() {
    return cancelled;
  }

  @Override
  void tick(long now) {
    if (call().isDone()) {
      over(); // by whomever it was answered: others wait behind it
    } else if (!isSent()) {
      if (call().isOverdue(now) && stays()) {
        call().expire();
      }
    } else if (cancelled && now - cancelledAt > WORD_NANOS) {
      unknown("it was cancelled, and " + node() + " has not told whether in time");
    } else if (call().isOverdue(now - WORD_NANOS)) {
      unknown("its deadline has passed, and " + node() + " has not told how it ended");
    }
  }

  @Override
  String node() {
    Owner to = owner();
    return to == null ? "the node that has the session" : to.gate().path().address().hostPort();
  }

  /** The node that has the session is gone for good. */
  void lost(String node) {
    unknown(node + ", which had the session, has left the cluster");
  }

  /** The one who had the session has taken it in, ended, and said nothing. */
  void unanswered() {
    unknown("what " + node() + " said of it was lost");
  }

  @Override
  void breakOff(PythonFailure failure) {
    unknown(String.valueOf(failure.getMessage()));
  }

  /** Somebody has the session. */
  void ownedBy(Owner found) {
    sessions.found(this, found);
  }

  /** A node has taken it in. */
  void taken(ActorRef<Gate.Command> gate) {
    if (away() == null) {
      sessions.taken(this, gate);
    }
  }

  private void unknown(String why) {
    if (away() == null) {
      sessions.doubt(this); // perhaps nobody is there any more
    }
    call().abandon(new CommitUnknown(key, CommitUnknown.UNKNOWN_VERSION, why), false);
  }

  @Override
  public void onAbandoned(PendingCall of, boolean dirty) {
    if (isSent() && away() == null) {
      sessions.giveUp(this);
    }
    super.onAbandoned(of, dirty);
  }

  @Override
  void over() {
    sessions.over(this);
  }

  @Override
  public void failed(PythonFailure failure) {
    if (failure instanceof Draining && !call().isDone()) {
      sessions.redirect(this);
    } else {
      super.failed(failure);
    }
  }
}
