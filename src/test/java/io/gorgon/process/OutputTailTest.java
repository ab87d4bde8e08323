package io.gorgon.process;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The last lines, and not more of them. */
class OutputTailTest {

  private final OutputTail tail = new OutputTail();

  @Test
  void linesComeOldestFirst() {
    assertThat(tail.lines()).isEmpty();
    tail.add("a");
    tail.add("");
    tail.add("b");

    assertThat(tail.lines()).containsExactly("a", "", "b");
  }

  @Test
  void theOldestLineIsForgottenWhereThereAreTooMany() {
    for (int line = 0; line <= OutputTail.LINES; line++) {
      tail.add("line " + line);
    }

    assertThat(tail.lines()).hasSize(OutputTail.LINES).startsWith("line 1").endsWith("line 40");
  }

  @Test
  void aLineOfTheGreatestLengthIsWholeAndALongerOneIsMarkedAsCut() {
    String longest = "x".repeat(OutputTail.LINE_LENGTH);
    tail.add(longest);
    tail.add(longest + "y");

    assertThat(tail.lines()).containsExactly(longest, longest + "...");
  }

  @Test
  void whatWasReadDoesNotChangeLater() {
    tail.add("a");
    var read = tail.lines();
    tail.add("b");

    assertThat(read).containsExactly("a");
  }
}
