package io.gorgon.dspy;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * This is how often a program answered, and what that has cost. A program of a session counts in
 * the session's state, as long as that is kept; a global one in this JVM, from its start.
 *
 * @param executions answers; what failed does not count, for it left the session as it was
 * @param tokens of all answers, both ways
 * @param cost in US dollars; empty as soon as one price was not known
 * @param last when it answered last
 */
public record ProgramStatistics(
    long executions, long tokens, OptionalDouble cost, Optional<Instant> last) {

  /** Of a program that never ran. */
  public static final ProgramStatistics NONE =
      new ProgramStatistics(0, 0, OptionalDouble.of(0), Optional.empty());

  static ProgramStatistics read(JsonNode told) {
    JsonNode last = told.path("last");
    return new ProgramStatistics(
        told.path("executions").asLong(),
        told.path("tokens").asLong(),
        Prediction.number(told.path("cost")),
        last.isNumber() ? Optional.of(instant(last.asDouble())) : Optional.empty());
  }

  static Instant instant(double seconds) {
    return Instant.ofEpochMilli(Math.round(seconds * 1000));
  }

  ProgramStatistics and(Prediction one, Instant at) {
    OptionalDouble sum =
        cost.isPresent() && one.cost().isPresent()
            ? OptionalDouble.of(cost.getAsDouble() + one.cost().getAsDouble())
            : OptionalDouble.empty();
    return new ProgramStatistics(executions + 1, tokens + one.tokens(), sum, Optional.of(at));
  }
}
