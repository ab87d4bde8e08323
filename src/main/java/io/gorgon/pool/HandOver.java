package io.gorgon.pool;

import io.gorgon.worker.Runner;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.event.Level;

/** This looks at a worker once more, in the moment it is handed to somebody. */
final class HandOver {

  /** What can be wrong, and how loud that is said. */
  enum Problem {
    /** The socket has been closed: the worker is on its way out. */
    CONNECTION_CLOSED(Level.WARN),
    /** The process has been reported dead. */
    PROCESS_DEAD(Level.WARN),
    /** The worker is lent to another lease: a mistake of this library. */
    NOT_OWNED(Level.ERROR),
    /** The owner stopped between asking and getting. */
    OWNER_DEAD(Level.DEBUG),
    /** Anything else that was thrown while looking. */
    UNEXPECTED(Level.ERROR);

    private final Level level;

    Problem(Level level) {
      this.level = level;
    }
  }

  private HandOver() {}

  /**
   * Lends {@code runner} to {@code lease} if all is well.
   *
   * @param ownerAlive whether the holder-to-be is there
   * @return what stands in the way; the worker is not lent then
   */
  static Optional<Problem> lend(
      Runner runner, Lease lease, BooleanSupplier ownerAlive, Logger log) {
    Problem problem;
    Throwable thrown = null;
    try {
      problem = problemOf(runner, lease, ownerAlive);
    } catch (RuntimeException unexpected) {
      problem = Problem.UNEXPECTED;
      thrown = unexpected;
    }
    if (problem != null) {
      log.atLevel(problem.level)
          .setCause(thrown)
          .log("{} is not handed over with {}: {}", runner, lease, problem);
    }
    return Optional.ofNullable(problem);
  }

  private static @org.jspecify.annotations.Nullable Problem problemOf(
      Runner runner, Lease lease, BooleanSupplier ownerAlive) {
    if (!ownerAlive.getAsBoolean()) {
      return Problem.OWNER_DEAD;
    }
    if (!runner.isAlive()) {
      return Problem.PROCESS_DEAD;
    }
    if (!runner.isOpen()) {
      return Problem.CONNECTION_CLOSED;
    }
    return runner.lend(lease) ? null : Problem.NOT_OWNED;
  }
}
