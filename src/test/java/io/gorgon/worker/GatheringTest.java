package io.gorgon.worker;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** For how long answers gather. */
class GatheringTest {

  private final Gathering gathering = new Gathering();
  private long now = -5_000;

  /** So many answers were taken together, after so long. */
  private long pauseAfter(int answers, long nanos, int inFlight) {
    for (int i = 0; i < answers; i++) {
      gathering.onAnswer();
    }
    now += nanos;
    return gathering.pause(now, inFlight);
  }

  @Test
  void beforeTheFirstAnswerNothingGathers() {
    assertThat(pauseAfter(0, 0, 30)).isZero();
  }

  @Test
  void answersThatComeQuicklyGatherWhileHalfOfThemAreOnTheirWay() {
    pauseAfter(1, 10_000, 30);

    // 15 of them at 8 us are 120 us, and the system adds 50.
    assertThat(pauseAfter(10, 80_000, 30)).isEqualTo(60_000);
    // 8 of them at 8 us.
    assertThat(pauseAfter(10, 80_000, 16)).isEqualTo(14_000);
    assertThat(pauseAfter(10, 80_000, 3)).isEqualTo(10_000);
  }

  @Test
  void aWorkerThatWouldRunDryIsNotKeptWaiting() {
    pauseAfter(1, 10_000, 30);

    assertThat(pauseAfter(10, 80_000, 2)).isZero();
  }

  @Test
  void answersThatComeSlowlyAreTakenOneByOne() {
    pauseAfter(1, 10_000, 30);

    assertThat(pauseAfter(2, 80_000, 30)).isZero();
    assertThat(pauseAfter(10, 80_000, 30)).isPositive();
  }

  @Test
  void whatIsNoAnswerChangesNothing() {
    pauseAfter(1, 10_000, 30);
    pauseAfter(10, 80_000, 30);

    assertThat(pauseAfter(0, 500_000, 30)).isEqualTo(60_000);
  }
}
