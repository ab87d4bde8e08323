package io.gorgon.pool;

import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;

/** These are the things that {@link PoolState} wants done; {@link Pool} does them, in order. */
public sealed interface PoolEffect {

  /** Make a worker actor for the slot. */
  record Hire(int slot, long lineage) implements PoolEffect {}

  /** Give a worker actor leave to start a process. */
  record Start(long lineage, int slot, long generation) implements PoolEffect {}

  /** End a worker actor that has no process. */
  record Dismiss(long lineage) implements PoolEffect {}

  /** End a process; {@code replace} if its actor shall start another. */
  record Stop(long lineage, String cause, boolean graceful, boolean replace)
      implements PoolEffect {}

  /** Ask whether an idle worker, which is out of the lane, answers. */
  record Check(long lineage) implements PoolEffect {}

  /** Let the lane use a worker. */
  record Admit(int slot, long generation) implements PoolEffect {}

  /**
   * Take a worker from the lane for {@code request}: slot {@code prefer} if that is idle, else any,
   * in the order of arrival, or before all others.
   */
  record ClaimAny(long request, int prefer, boolean first) implements PoolEffect {}

  /** The request needs no worker from the lane any more. */
  record Unclaim(long request) implements PoolEffect {}

  /** Take this worker from the lane, as soon as it is idle. */
  record ClaimSlot(int slot, long generation) implements PoolEffect {}

  /** Hand the worker over: check it, lend it, tell the asker. */
  record Grant(long request, Lease lease) implements PoolEffect {}

  /** Tell the asker that it gets no worker. */
  record Refuse(long request, Refusal refusal) implements PoolEffect {}

  /** Come back with {@link PoolInput.Unsettled} when all the effects before this one are done. */
  record Settle(long request, Refusal refusal) implements PoolEffect {}

  /** Take the worker back and say what the lease left. */
  record Reclaim(Lease lease) implements PoolEffect {}

  /** Stop what runs under the lease; its callers are told why. */
  record Abandon(Lease lease, String why) implements PoolEffect {}

  /** Answer every waiting call with this failure, and every new one. */
  record Break(PythonFailure failure) implements PoolEffect {}

  /** Take calls again. */
  record Mend() implements PoolEffect {}

  /** Take no calls any more; answer those that wait. */
  record CloseLane() implements PoolEffect {}

  /** Tell those who listen. */
  record Publish(PoolEvent event) implements PoolEffect {}

  /** Nothing is left to wait for: stop the pool. */
  record Finish() implements PoolEffect {}
}
