package io.gorgon.pool;

import io.gorgon.message.PythonFailure.StartFailed;
import io.gorgon.worker.Retirement;
import io.gorgon.worker.Runner;
import io.gorgon.worker.Worker;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * These are the facts that {@link PoolState} is fed with, one at a time. Requests are numbered by
 * the actor; owners too, 0 meaning that nobody is watched.
 */
public sealed interface PoolInput {

  /** The pool begins: fill it up to its minimum if it is eager. */
  record Began() implements PoolInput {}

  /**
   * Somebody wants a worker.
   *
   * @param runs true for one call of a session, which needs no acknowledgement and ends by itself
   */
  record Asked(long request, CheckoutKind kind, long owner, long deadline, boolean runs)
      implements PoolInput {}

  /** After everything else has been tried for {@code request}: is it waiting still? */
  record Unsettled(long request, Refusal refusal) implements PoolInput {}

  /** The holder has received its lease. */
  record Acknowledged(Lease lease) implements PoolInput {}

  /** The holder wants more time. */
  record Renewed(Lease lease) implements PoolInput {}

  /** The holder gives its worker back; {@code leftover} is what the worker says of that. */
  record Returned(Lease lease, Verdict verdict, Runner.Leftover leftover) implements PoolInput {}

  /** A worker was taken back from a holder that did not give it. */
  record Reclaimed(Lease lease, Runner.Leftover leftover) implements PoolInput {}

  /** The asker does not want a worker any more. */
  record Withdrawn(long request) implements PoolInput {}

  /** An owner has stopped. */
  record OwnerDied(long owner) implements PoolInput {}

  /** A worker failed a check at its hand-over; the asker has not been told anything. */
  record HandOverFailed(Lease lease, HandOver.Problem problem) implements PoolInput {}

  /** A session has ended; its binding may be forgotten. */
  record SessionEnded(String key) implements PoolInput {}

  /** A worker actor has no process and asks for leave to start one. */
  record Wanted(int slot, long lineage) implements PoolInput {}

  /** A process takes calls. */
  record BecameReady(int slot, long lineage, long generation) implements PoolInput {}

  /**
   * A process is gone.
   *
   * @param replaced whether its actor will ask for another one
   */
  record Gone(
      int slot,
      long lineage,
      long generation,
      Worker.Fault fault,
      @Nullable StartFailed failure,
      List<String> tail,
      boolean replaced)
      implements PoolInput {}

  /** A worker actor has stopped; whatever it had is gone with it. */
  record Vanished(int slot, long lineage) implements PoolInput {}

  /**
   * The lane gave up an idle worker, as it was asked to.
   *
   * @param request for whom it was claimed; 0 if that very worker was wanted
   */
  record Claimed(int slot, long generation, long request) implements PoolInput {}

  /** The idle worker that was checked answered, or did not. */
  record Checked(int slot, long generation, boolean answered) implements PoolInput {}

  /** A worker should be replaced while it still works. */
  record RetireDue(int slot, long generation, Retirement.Reason reason) implements PoolInput {}

  /** A worker in the lane has been idle for long. */
  record Idled(int slot, long generation, IdleStep step) implements PoolInput {}

  /** Calls wait in the lane. */
  record Pressed(long since) implements PoolInput {}

  /** Time has passed. */
  record Ticked() implements PoolInput {}

  /** Other limits apply from now on. */
  record Resized(int min, int max) implements PoolInput {}

  /** Every process that runs now is to be replaced, one after the other. */
  record ResetWanted() implements PoolInput {}

  /** Take nothing new, finish what runs until {@code deadline}, then stop. */
  record DrainWanted(long deadline) implements PoolInput {}

  /** What follows from a worker's idleness. */
  enum IdleStep {
    CHECK,
    SHRINK
  }
}
