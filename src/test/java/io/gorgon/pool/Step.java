package io.gorgon.pool;

/**
 * One step of a {@link History}. Its numbers are small and always mean something: {@code who}
 * counts around those that are there, so that a step makes sense wherever it stands, and a history
 * that lost some of its steps is a history still.
 *
 * @param what what happens
 * @param who to whom, as {@link What} says
 * @param how a variant, as {@link What} says
 */
record Step(What what, int who, int how) {

  enum What {
    /**
     * Somebody checks a worker out; {@code who}: 0 for itself, else for that owner; {@code how}:
     * the kind, plus 8 for little patience, plus 16 for none.
     */
    ASK,
    /** A call of a session; {@code how} is the kind. */
    SUBMIT,
    /** A one-shot call. */
    CALL,
    /** The holder of the lease of the {@code who}th request acknowledges it, held or not. */
    ACKNOWLEDGE,
    /** The same renews it. */
    RENEW,
    /** The same sends a call through it. */
    USE,
    /**
     * The same gives it back, perhaps for the second time; {@code how} is the verdict, plus 3 for a
     * lease that never was.
     */
    RETURN,
    /** The {@code who}th request is withdrawn. */
    CANCEL,
    /** The owner {@code who} stops. */
    OWNER_DIES,
    /** The {@code who}th process that has a call answers it. */
    ANSWER,
    /** The {@code who}th process that has been ready dies, and its end is seen. */
    EXIT,
    /** The {@code who}th process that has been ready dies, and nobody has seen that yet. */
    DIES,
    /** The {@code who}th process that is starting: 0 is ready, 1 exits, 2 cannot be ready ever. */
    START,
    /** What starts from now on: 0 is ready at once, 1 waits for {@link #START}, 2 exits at once. */
    MODE,
    /** So many ticks of the pool's clock. */
    TIME,
    /** The limits change; {@code how}: 0 is 1..1, 1 is 1..2, 2 is 2..2, 3 is 1..3, 4 is 2..3. */
    RESIZE,
    RESET,
    /** The pool drains; {@code how}: 0 for no time, 1 for some. */
    DRAIN,
    /** The session {@code who} ends: 0 for a, 1 for b. */
    END_SESSION
  }

  /** The step as Java. */
  @Override
  public String toString() {
    return "new Step(" + what + ", " + who + ", " + how + ")";
  }
}
