package io.gorgon.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.Payload;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;

/** The numbers that requests get, and in what order answers may come. */
class FlightsTest {

  private final Flights ordered = new Flights(new ReentrantLock(), true);
  private final Flights free = new Flights(new ReentrantLock(), false);

  private static long takeOff(Flights flights) {
    long request = flights.nextRequest();
    var call = new PendingCall("c", Call.of("m:f"), Payload.EMPTY, 0, 0, Dialogue.NONE);
    flights.add(new InFlight(request, call, false));
    return request;
  }

  @Test
  void noTwoInFlightShareAWordOfThePageHowLongEverOneStays() {
    long stays = takeOff(free);
    long alsoStays = takeOff(free);
    Set<Long> words = new HashSet<>();
    for (int i = 0; i < 2_000; i++) {
      long request = takeOff(free);
      assertThat(request & 255).isNotIn(stays & 255, alsoStays & 255);
      words.add(request & 255);
      free.land(request);
    }
    assertThat(words).hasSize(254);
    assertThat(free.land(stays)).isNotNull();
  }

  @Test
  void twoHundredAndFiftySixFindAWordEach() {
    Set<Long> words = new HashSet<>();
    for (int i = 0; i < 256; i++) {
      words.add(takeOff(free) & 255);
    }
    assertThat(words).hasSize(256);
  }

  @Test
  void whereCallsRunOneByOneOnlyTheFirstCanBeAnswered() {
    long first = takeOff(ordered);
    long second = takeOff(ordered);
    assertThat(ordered.land(second)).isNull();
    assertThat(ordered.land(first)).isNotNull();
    assertThat(ordered.land(second)).isNotNull();
  }

  @Test
  void whereCallsRunAtOnceAnyCanBeAnsweredOnce() {
    long first = takeOff(free);
    long second = takeOff(free);
    assertThat(free.land(second)).isNotNull();
    assertThat(free.land(second)).isNull();
    assertThat(free.land(first)).isNotNull();
  }

  @Test
  void whatIsInFlightIsFoundByItsNumberAndByItsCall() {
    long first = takeOff(free);
    long second = takeOff(free);
    InFlight flight = free.of(second);

    assertThat(flight.request()).isEqualTo(second);
    assertThat(free.of(flight.call())).isSameAs(flight);
    assertThat(free.first().request()).isEqualTo(first);
    assertThat(free.lastInFlight()).isEqualTo(second);
    free.land(second);
    assertThat(free.of(second)).isNull();
    assertThat(free.of(flight.call())).isNull();
    assertThat(free.lastInFlight()).isEqualTo(first);
  }

  @Test
  void followersAreTakenBackAsFarAsTheyWereKeptFromStarting() {
    takeOff(ordered);
    takeOff(ordered);
    takeOff(ordered);
    takeOff(ordered);

    assertThat(ordered.withdrawFollowers(3)).extracting(InFlight::request).containsExactly(2L, 3L);

    assertThat(ordered.all()).extracting(InFlight::request).containsExactly(1L, 4L);
    assertThat(ordered.landWithdrawn(1)).isFalse();
    assertThat(ordered.landWithdrawn(2)).isTrue();
    assertThat(ordered.landWithdrawn(2)).isFalse();
    assertThat(ordered.land(2)).isNull();
  }

  @Test
  void clearedFlightsComeInTheirOrderAndNumbersGoOn() {
    takeOff(ordered);
    takeOff(ordered);

    assertThat(ordered.clear()).extracting(InFlight::request).containsExactly(1L, 2L);
    assertThat(ordered.isEmpty()).isTrue();
    assertThat(ordered.first()).isNull();
    assertThat(ordered.lastInFlight()).isZero();
    assertThat(takeOff(ordered)).isEqualTo(3);
  }
}
