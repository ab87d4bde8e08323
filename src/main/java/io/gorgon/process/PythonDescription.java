package io.gorgon.process;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * This is what an interpreter says of itself.
 *
 * @param version for example {@code 3.11.7}
 * @param implementation for example {@code cpython}
 * @param executable the path that runs
 * @param prefix where its packages live; differs from {@code basePrefix} inside a virtual
 *     environment
 * @param basePrefix where the interpreter itself lives
 * @param forks whether workers can be forked
 * @param subreaper whether orphaned children come back to the keeper
 * @param deathSignal whether the system kills workers when their keeper dies
 */
public record PythonDescription(
    String version,
    String implementation,
    String executable,
    String prefix,
    String basePrefix,
    boolean forks,
    boolean subreaper,
    boolean deathSignal) {

  static PythonDescription from(JsonNode hello) {
    return new PythonDescription(
        hello.path("python").asText(),
        hello.path("implementation").asText(),
        hello.path("executable").asText(),
        hello.path("prefix").asText(),
        hello.path("base_prefix").asText(),
        hello.path("fork").asBoolean(),
        hello.path("subreaper").asBoolean(),
        hello.path("pdeathsig").asBoolean());
  }

  /** Whether workers can be forked from a template that has imported their modules. */
  public boolean hasTemplates() {
    return forks && subreaper;
  }

  /** Whether this is a virtual environment. */
  public boolean isVirtual() {
    return !prefix.equals(basePrefix);
  }
}
