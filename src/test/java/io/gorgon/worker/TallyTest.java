package io.gorgon.worker;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** What a slot's workers did. */
class TallyTest {

  private final Tally tally = new Tally();

  @Test
  void aFreshTallyIsEmpty() {
    assertThat(tally.answered()).isZero();
    assertThat(tally.failed()).isZero();
    assertThat(tally.lost()).isZero();
    assertThat(tally.lastActivity()).isNull();
    assertThat(tally.latency(50)).isEqualTo(Duration.ZERO);
    assertThat(tally.latency(100)).isEqualTo(Duration.ZERO);
  }

  @Test
  void failuresAreAnswersToo() {
    tally.countAnswer(1_000, true);
    tally.countAnswer(1_000, false);

    assertThat(tally.answered()).isEqualTo(2);
    assertThat(tally.failed()).isEqualTo(1);
    assertThat(tally.lost()).isZero();
  }

  @Test
  void lostCallsAreNoAnswersAndHaveNoLatency() {
    tally.countLost();

    assertThat(tally.lost()).isEqualTo(1);
    assertThat(tally.answered()).isZero();
    assertThat(tally.latency(100)).isEqualTo(Duration.ZERO);
  }

  @Test
  void everyEndOfACallIsActivity() {
    Instant before = Instant.ofEpochMilli(System.currentTimeMillis());
    tally.countLost();
    assertThat(tally.lastActivity()).isBetween(before, Instant.now());

    var other = new Tally();
    other.countAnswer(1, false);
    assertThat(other.lastActivity()).isBetween(before, Instant.now());
  }

  @Test
  void percentilesAreRightToTwoDigitsOverAllCalls() {
    for (int millis = 1; millis <= 100; millis++) {
      tally.countAnswer(Duration.ofMillis(millis).toNanos(), true);
      if (millis % 10 == 0) {
        tally.latency(50); // Looking must not forget what was counted.
      }
    }

    assertThat(tally.latency(50)).isBetween(Duration.ofMillis(50), Duration.ofNanos(50_500_000));
    assertThat(tally.latency(99)).isBetween(Duration.ofMillis(99), Duration.ofNanos(99_990_000));
  }

  @Test
  void latenciesBeyondTheScaleAreCountedAtItsEnds() {
    tally.countAnswer(-1, true);
    assertThat(tally.latency(100)).isEqualTo(Duration.ZERO);

    tally.countAnswer(Duration.ofDays(2).toNanos(), true);
    assertThat(tally.latency(100)).isBetween(Duration.ofHours(1), Duration.ofMinutes(61));
    assertThat(tally.answered()).isEqualTo(2);
  }

  @Test
  void manyThreadsMayCountAtOnce() throws InterruptedException {
    int threads = 4;
    int each = 5_000;
    var done = new CountDownLatch(threads);
    for (int i = 0; i < threads; i++) {
      new Thread(
              () -> {
                for (int call = 0; call < each; call++) {
                  tally.countAnswer(call, call % 2 == 0);
                  tally.countLost();
                }
                done.countDown();
              })
          .start();
    }
    while (done.getCount() > 0) {
      tally.latency(99);
    }
    done.await();

    assertThat(tally.answered()).isEqualTo((long) threads * each);
    assertThat(tally.failed()).isEqualTo((long) threads * each / 2);
    assertThat(tally.lost()).isEqualTo((long) threads * each);
  }
}
