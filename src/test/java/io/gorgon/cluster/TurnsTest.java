package io.gorgon.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.cluster.Turns.Ending;
import io.gorgon.cluster.Turns.Place;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class TurnsTest {

  private final Turns turns = new Turns();
  private final Ending first = step("first");
  private final Ending second = step("second");

  private static Ending step(String name) {
    return new Ending(name, new CompletableFuture<>());
  }

  @Test
  void oneIsUnderWayAtATimeInTheirOrder() {
    turns.add(first);
    turns.add(second);

    assertThat(turns.begin()).isSameAs(first);
    assertThat(turns.begin()).isNull();
    assertThat(turns.end(first)).isEqualTo(Place.UNDER_WAY);
    assertThat(turns.begin()).isSameAs(second);
  }

  @Test
  void oneThatHasToBeginAgainIsBeforeAllOthersAndTheyWaitWithIt() {
    turns.add(first);
    turns.begin();
    turns.add(second);
    Ending again = step("again");

    turns.restBefore(first, again);

    assertThat(turns.begin()).isNull();
    turns.rested();
    assertThat(turns.begin()).isSameAs(again);
  }

  @Test
  void oneThatWaitsCanBeTakenOut() {
    turns.add(first);
    turns.begin();
    turns.add(second);

    assertThat(turns.end(second)).isEqualTo(Place.WAITING);
    assertThat(turns.end(second)).isEqualTo(Place.NOWHERE);
    turns.end(first);
    assertThat(turns.isFree()).isTrue();
  }

  @Test
  void thoseThatWaitCanAllBeRefused() {
    turns.add(first);
    turns.begin();
    turns.add(second);

    assertThat(turns.clear()).containsExactly(second);
    assertThat(turns.isFree()).isFalse();
  }
}
