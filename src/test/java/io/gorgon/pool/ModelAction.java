package io.gorgon.pool;

/**
 * One thing that may happen next to the modelled pool.
 *
 * @param what which thing
 * @param who the request, the worker's lineage, the lease's sequence or the owner that it befalls
 * @param how a variant, coded as {@link What} says
 */
record ModelAction(What what, long who, int how) {

  enum What {
    /** Somebody asks; {@code how} is the index of the kind, twice, plus 1 for a call. */
    ASK,
    /** The pool's actor takes the next message that it or the lane sent to itself. */
    TAKE,
    /** The pool's actor takes the next message of a worker. */
    HEAR,
    /** A holder acknowledges its lease. */
    ACKNOWLEDGE,
    /** A holder renews its lease. */
    RENEW,
    /** A holder sends a call through its lease. */
    USE,
    /** The call that runs through a lease ends. */
    FINISH,
    /** A holder gives its lease back; {@code how} is the verdict's ordinal. */
    RETURN,
    /** One who waits gives up. */
    CANCEL,
    OWNER_DIES,
    START_WORKS,
    /** A start fails; {@code how} is 0 if that may pass, 1 if it is permanent. */
    START_FAILS,
    /** A worker's process dies; its actor has not noticed yet. */
    DIES,
    /** A worker's actor has seen the end of its process. */
    BURY,
    /** A worker's actor stops with no word of its process's end. */
    VANISH,
    /** A check of a worker ends; {@code how} is 1 if it is well. */
    PONG,
    /** An idle worker takes a call from the lane. */
    LANE_CALL,
    LANE_CALL_ENDS,
    /** A step of time passes. */
    TIME,
    /** The lane says that calls have waited for a step. */
    PRESS,
    /** A worker was idle for long; {@code how} is 0 to check it, 1 to shrink. */
    IDLE,
    RETIRE,
    RESET,
    /** The limits change; {@code how} is the least number of workers times 16 plus the most. */
    RESIZE,
    DRAIN,
    END_SESSION
  }

  ModelAction(What what) {
    this(what, 0, 0);
  }

  ModelAction(What what, long who) {
    this(what, who, 0);
  }

  @Override
  public String toString() {
    return what + (who == 0 ? "" : " " + who) + (how == 0 ? "" : "/" + how);
  }
}
