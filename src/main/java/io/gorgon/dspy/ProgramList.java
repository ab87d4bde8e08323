package io.gorgon.dspy;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/**
 * These are the programs of a session, or the global ones, in the order of their names.
 *
 * @param programs all of them
 * @param totalCount how many there are
 */
public record ProgramList(
    List<ProgramDescription> programs, @JsonProperty("total_count") int totalCount) {

  /** Copies the list. */
  public ProgramList {
    programs = List.copyOf(programs);
  }

  /** Their names. */
  public List<String> names() {
    return programs.stream().map(ProgramDescription::name).toList();
  }
}
