package io.gorgon.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** What two nodes know of the calls between them, compared time after time. */
class RollCallTest {

  private final RollCall call = new RollCall();

  @Test
  void whatIsOnItsWayIsThereTheNextTime() {
    Roll told = Roll.of(Map.of(7L, 3L));
    assertThat(call.lost(told, Map.of(7L, 2L))).isEmpty();
    assertThat(call.lost(told, Map.of(7L, 2L))).isEmpty();
    assertThat(call.lost(told, Map.of(7L, 3L))).isEmpty();
    assertThat(call.lost(Roll.of(Map.of(7L, 4L)), Map.of(7L, 3L))).isEmpty();
  }

  @Test
  void whatDoesNotComeIsLost() {
    Roll told = Roll.of(Map.of(7L, 3L, 8L, 1L));
    call.lost(told, Map.of(7L, 2L, 8L, 1L));
    call.lost(told, Map.of(7L, 2L, 8L, 1L));
    assertThat(call.lost(told, Map.of(7L, 2L, 8L, 1L))).containsExactly(7L);
  }

  @Test
  void aCallThatTheOtherNodeDoesNotKnowIsLost() {
    Roll told = Roll.of(Map.of());
    call.lost(told, Map.of(7L, 0L));
    call.lost(told, Map.of(7L, 0L));
    assertThat(call.lost(told, Map.of(7L, 0L, 9L, 0L))).containsExactly(7L);
  }

  @Test
  void whereNotAllAreNamedNoneIsMissed() {
    var told = new Roll(null, null, false);
    for (int i = 0; i < 5; i++) {
      assertThat(call.lost(told, Map.of(7L, 0L))).isEmpty();
    }
  }
}
