package io.gorgon.pool;

import io.gorgon.message.PythonFailure;
import io.gorgon.worker.PendingCall;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.pekko.actor.typed.ActorRef;
import org.jspecify.annotations.Nullable;

/**
 * This is the side of a pool that callers touch without passing its actor: its lane, its status,
 * its clock. It outlives a restart of the actor. Thread-safe.
 */
public final class Entrance {

  private final PoolSettings settings;
  private final PoolClock clock;
  private final AtomicLong calls = new AtomicLong();
  private volatile PoolStatus status = PoolStatus.STARTING;
  private volatile @Nullable Lane lane;
  private volatile @Nullable ActorRef<Pool.Command> ref;

  /** For a pool that is going to be started. */
  public Entrance(PoolSettings settings, PoolClock clock) {
    this.settings = settings;
    this.clock = clock;
  }

  public PoolSettings settings() {
    return settings;
  }

  /** The pool's time. */
  public PoolClock clock() {
    return clock;
  }

  /** What the pool is doing. */
  public PoolStatus status() {
    return status;
  }

  /** The pool's actor, once it has begun. */
  public @Nullable ActorRef<Pool.Command> ref() {
    return ref;
  }

  /** An id for the next call: {@code POOL-NUMBER}. */
  public String nextCallId() {
    return settings.name() + "-" + calls.incrementAndGet();
  }

  /**
   * Runs a one-shot call on an idle worker, lets it wait, or answers it with a failure, at once.
   */
  public void offer(PendingCall call) {
    Lane open = lane;
    if (open == null) {
      call.fail(new PythonFailure.Draining(settings.name(), status == PoolStatus.STOPPED));
    } else {
      open.offer(call);
    }
  }

  void open(Lane newLane, ActorRef<Pool.Command> actor) {
    lane = newLane;
    ref = actor;
  }

  void show(PoolStatus newStatus) {
    status = newStatus;
  }
}
