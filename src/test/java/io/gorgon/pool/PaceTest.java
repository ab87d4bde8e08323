package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Which targets are short, and how many of their calls a worker may have. */
class PaceTest {

  private static final long LIMIT = 1_000;

  private static final int BATCH = 32;

  private final Pace pace = new Pace(LIMIT);

  private boolean isShort(String target) {
    return pace.room(target, BATCH) > 0;
  }

  private void measured(String target, int times, long nanos) {
    for (int i = 0; i < times; i++) {
      pace.measured(target, nanos);
    }
  }

  @Test
  void aTargetThatWasNeverCalledIsNotShort() {
    assertThat(isShort("m:f")).isFalse();
  }

  @Test
  void aTargetIsShortFromItsHundredthShortCallInARow() {
    measured("m:f", 99, LIMIT - 1);
    assertThat(isShort("m:f")).isFalse();

    measured("m:f", 1, LIMIT - 1);
    assertThat(isShort("m:f")).isTrue();
    assertThat(isShort("m:g")).isFalse();
  }

  @Test
  void aCallOfTheLimitIsNotShort() {
    measured("m:f", 99, LIMIT - 1);
    measured("m:f", 1, LIMIT);
    assertThat(isShort("m:f")).isFalse();
  }

  @Test
  void aFewSlowerCallsAreForgivenAndAHabitIsNot() {
    measured("m:f", 10_000, 1);
    measured("m:f", 3, LIMIT);
    assertThat(isShort("m:f")).isTrue();
    measured("m:f", 1, LIMIT);
    assertThat(isShort("m:f")).isFalse();

    for (int i = 0; i < 100; i++) {
      measured("m:f", 49, 1);
      measured("m:f", 1, LIMIT);
    }
    assertThat(isShort("m:f")).as("one in fifty is slow").isFalse();
  }

  @Test
  void whatWasLostIsEarnedAnewByAHundredShortCalls() {
    measured("m:f", 100, LIMIT);
    measured("m:f", 99, 1);
    assertThat(isShort("m:f")).isFalse();
    measured("m:f", 1, 1);
    assertThat(isShort("m:f")).isTrue();
  }

  @Test
  void aBatchIsWholeForBriefCallsAndAQuarterForOthersThatAreShort() {
    measured("m:brief", 100, LIMIT / 4 - 1);
    measured("m:short", 100, LIMIT / 4);

    assertThat(pace.room("m:brief", BATCH)).isEqualTo(32);
    assertThat(pace.room("m:short", BATCH)).isEqualTo(8);
    assertThat(pace.room("m:short", 2)).isZero();
    measured("m:brief", 4, LIMIT / 4);
    assertThat(pace.room("m:brief", BATCH)).isEqualTo(8);
  }

  @Test
  void aThousandTargetsAreKnownAndNoMore() {
    for (int target = 0; target < 1_001; target++) {
      measured("m:f" + target, 100, 1);
    }

    assertThat(IntStream.range(0, 1_001).filter(target -> isShort("m:f" + target)).count())
        .isEqualTo(1_000);
    assertThat(isShort("m:f1000")).isFalse();
  }
}
