package io.gorgon.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.cluster.Lane.Ending;
import io.gorgon.cluster.Lane.Place;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class LaneTest {

  private final Lane lane = new Lane();
  private final Ending first = step("first");
  private final Ending second = step("second");

  private static Ending step(String name) {
    return new Ending(name, new CompletableFuture<>());
  }

  @Test
  void oneIsUnderWayAtATimeInTheirOrder() {
    lane.add(first);
    lane.add(second);

    assertThat(lane.begin()).isSameAs(first);
    assertThat(lane.begin()).isNull();
    assertThat(lane.end(first)).isEqualTo(Place.UNDER_WAY);
    assertThat(lane.begin()).isSameAs(second);
  }

  @Test
  void oneThatHasToBeginAgainIsBeforeAllOthersAndTheyWaitWithIt() {
    lane.add(first);
    lane.begin();
    lane.add(second);
    Ending again = step("again");

    lane.restBefore(first, again);

    assertThat(lane.begin()).isNull();
    lane.rested();
    assertThat(lane.begin()).isSameAs(again);
  }

  @Test
  void oneThatWaitsCanBeTakenOut() {
    lane.add(first);
    lane.begin();
    lane.add(second);

    assertThat(lane.end(second)).isEqualTo(Place.WAITING);
    assertThat(lane.end(second)).isEqualTo(Place.NOWHERE);
    lane.end(first);
    assertThat(lane.isFree()).isTrue();
  }

  @Test
  void thoseThatWaitCanAllBeRefused() {
    lane.add(first);
    lane.begin();
    lane.add(second);

    assertThat(lane.clear()).containsExactly(second);
    assertThat(lane.isFree()).isFalse();
  }
}
