package io.gorgon.dspy;

import io.gorgon.pool.PoolStats;
import java.util.OptionalDouble;

/**
 * These are the figures of all programs of a session, or of the global ones.
 *
 * @param programs how many there are
 * @param executions answers, of all of them
 * @param tokens of all answers, both ways
 * @param cost in US dollars, of all answers; empty if one price was not known
 * @param pool the pool that runs them
 */
public record ProgramsStats(
    int programs, long executions, long tokens, OptionalDouble cost, PoolStats pool) {

  static ProgramsStats of(ProgramList list, PoolStats pool) {
    long executions = 0;
    long tokens = 0;
    OptionalDouble cost = OptionalDouble.of(0);
    for (ProgramDescription each : list.programs()) {
      executions += each.statistics().executions();
      tokens += each.statistics().tokens();
      OptionalDouble own = each.statistics().cost();
      cost =
          cost.isPresent() && own.isPresent()
              ? OptionalDouble.of(cost.getAsDouble() + own.getAsDouble())
              : OptionalDouble.empty();
    }
    return new ProgramsStats(list.totalCount(), executions, tokens, cost, pool);
  }
}
