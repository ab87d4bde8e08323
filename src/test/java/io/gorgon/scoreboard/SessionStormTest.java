package io.gorgon.scoreboard;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.history.Breach;
import io.gorgon.proving.history.Violation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A small storm over sessions at each build; the scoreboard's is larger. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class SessionStormTest {

  @ParameterizedTest(name = "durable={0}")
  @ValueSource(booleans = {false, true})
  void row22_to_row25_nothingIsLostDoubledOutOfOrderOrSeenByOthers(boolean durable) {
    var storm = new SessionStorm(5);

    storm.blow(0, durable, 1_500, 0);

    assertThat(storm.violations()).isEmpty();
    assertThat(storm.rows(1_500)).noneMatch(Row::failsTheRun);
  }

  /** That the storm can fail: a store that says at times that it has kept what it has not. */
  @Test
  void aStoreThatLiesIsFoundOut() {
    var storm = new SessionStorm(6);

    storm.blow(0, false, 500, 50);

    assertThat(storm.violations()).extracting(Violation::breach).contains(Breach.CHANGE_LOST);
  }
}
