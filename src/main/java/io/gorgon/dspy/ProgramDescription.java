package io.gorgon.dspy;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.Optional;

/**
 * This is what is known of a program.
 *
 * @param name its name
 * @param kind what DSPy made of it
 * @param definition as it is kept, in JSON
 * @param created when
 * @param optimizer who improved it last
 * @param demos examples that it shows the model
 * @param statistics how often it ran
 */
public record ProgramDescription(
    String name,
    Program.Kind kind,
    JsonNode definition,
    Instant created,
    Optional<String> optimizer,
    int demos,
    ProgramStatistics statistics) {

  static ProgramDescription read(JsonNode told) {
    JsonNode optimizer = told.path("optimizer");
    return new ProgramDescription(
        told.path("name").asText(),
        Program.Kind.of(told.path("definition").path("kind").asText()),
        told.path("definition"),
        ProgramStatistics.instant(told.path("created").asDouble()),
        optimizer.isTextual() ? Optional.of(optimizer.asText()) : Optional.empty(),
        told.path("demos").asInt(),
        ProgramStatistics.read(told.path("statistics")));
  }

  ProgramDescription with(ProgramStatistics counted) {
    return new ProgramDescription(name, kind, definition, created, optimizer, demos, counted);
  }
}
