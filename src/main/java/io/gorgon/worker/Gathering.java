package io.gorgon.worker;

/**
 * This knows how fast a worker's answers come, and so for how long it is worth to let them gather:
 * to be woken once for ten costs a tenth. Only where many are on their way, microseconds from each
 * other, and so that the worker does not run dry meanwhile. For one I/O thread.
 */
final class Gathering {

  /** With fewer requests than this in its hands the worker would run dry. */
  private static final int FEWEST = 3;

  /** Nanoseconds: answers further apart than this are worth a wake-up each. */
  private static final long FAR_APART = 30_000;

  /** Nanoseconds that Linux adds to a wait by default (PR_SET_TIMERSLACK of prctl(2)). */
  private static final long SLACK = 50_000;

  private static final long SHORTEST = 10_000;
  private static final long LONGEST = 60_000;

  private long last;
  private int answers;
  private long apart = Long.MAX_VALUE;

  /** An answer came. */
  void onAnswer() {
    answers++;
  }

  /**
   * All that had come has been taken.
   *
   * @param inFlight requests that the worker has
   * @return how many nanoseconds to wait before the next look, 0 to be woken by what comes next
   */
  long pause(long now, int inFlight) {
    if (answers > 0) {
      apart = (now - last) / answers;
      answers = 0;
    }
    last = now;
    if (inFlight < FEWEST || apart > FAR_APART) {
      return 0;
    }
    // Half of them may be answered meanwhile, and the other half keeps the worker busy.
    return Math.max(SHORTEST, Math.min(LONGEST, apart * inFlight / 2 - SLACK));
  }
}
