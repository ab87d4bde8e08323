package io.gorgon.session.durable;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class GateTest {

  private final Gate gate = new Gate(2, 4);
  private final List<String> begun = new ArrayList<>();

  private Gate.Visit enter(String name) {
    return gate.enter(() -> begun.add(name));
  }

  @Test
  void asManyAsThereArePlacesBeginAtOnceAndTheOthersInTheirOrder() {
    List.of("a", "b", "c", "d").forEach(this::enter);
    assertThat(begun).containsExactly("a", "b");

    gate.leave();
    assertThat(begun).containsExactly("a", "b", "c");
    gate.leave();
    gate.leave();
    gate.leave();

    assertThat(begun).containsExactly("a", "b", "c", "d");
    List.of("e", "f", "g").forEach(this::enter);
    assertThat(begun).endsWith("e", "f");
  }

  @Test
  void oneMoreThanMayWaitIsNotTakenIn() {
    List.of("a", "b", "c", "d", "e", "f").forEach(this::enter);
    assertThat(enter("g")).isNull();

    gate.leave();

    assertThat(enter("h")).isNotNull();
    assertThat(enter("i")).isNull();
    assertThat(begun).containsExactly("a", "b", "c");
  }

  @Test
  void whoIsCalledOffDoesNotBeginAndWhoHasBegunCannotBe() {
    Gate.Visit first = enter("a");
    enter("b");
    Gate.Visit third = enter("c");
    enter("d");

    assertThat(gate.callOff(first)).isFalse();
    assertThat(gate.callOff(third)).isTrue();
    assertThat(gate.callOff(third)).isFalse();
    gate.leave();

    assertThat(begun).containsExactly("a", "b", "d");
  }
}
