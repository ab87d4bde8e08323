package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Which targets are short. */
class PaceTest {

  private static final long LIMIT = 1_000;

  private final Pace pace = new Pace(LIMIT);

  private void measured(String target, int times, long nanos) {
    for (int i = 0; i < times; i++) {
      pace.measured(target, nanos);
    }
  }

  @Test
  void aTargetThatWasNeverCalledIsNotShort() {
    assertThat(pace.isShort("m:f")).isFalse();
  }

  @Test
  void aTargetIsShortFromItsHundredthShortCallInARow() {
    measured("m:f", 99, LIMIT - 1);
    assertThat(pace.isShort("m:f")).isFalse();

    measured("m:f", 1, LIMIT - 1);
    assertThat(pace.isShort("m:f")).isTrue();
    assertThat(pace.isShort("m:g")).isFalse();
  }

  @Test
  void aCallOfTheLimitIsNotShort() {
    measured("m:f", 99, LIMIT - 1);
    measured("m:f", 1, LIMIT);
    assertThat(pace.isShort("m:f")).isFalse();
  }

  @Test
  void aFewSlowerCallsAreForgivenAndAHabitIsNot() {
    measured("m:f", 10_000, 1);
    measured("m:f", 3, LIMIT);
    assertThat(pace.isShort("m:f")).isTrue();
    measured("m:f", 1, LIMIT);
    assertThat(pace.isShort("m:f")).isFalse();

    for (int i = 0; i < 100; i++) {
      measured("m:f", 49, 1);
      measured("m:f", 1, LIMIT);
    }
    assertThat(pace.isShort("m:f")).as("one in fifty is slow").isFalse();
  }

  @Test
  void whatWasLostIsEarnedAnewByAHundredShortCalls() {
    measured("m:f", 100, LIMIT);
    measured("m:f", 99, 1);
    assertThat(pace.isShort("m:f")).isFalse();
    measured("m:f", 1, 1);
    assertThat(pace.isShort("m:f")).isTrue();
  }

  @Test
  void aThousandTargetsAreKnownAndNoMore() {
    for (int target = 0; target < 1_001; target++) {
      measured("m:f" + target, 100, 1);
    }

    assertThat(IntStream.range(0, 1_001).filter(target -> pace.isShort("m:f" + target)).count())
        .isEqualTo(1_000);
    assertThat(pace.isShort("m:f1000")).isFalse();
  }
}
