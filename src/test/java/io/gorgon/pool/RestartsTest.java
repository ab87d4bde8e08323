package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.PythonFailure.StartFailed;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How often processes are started, and how long a slot rests. */
class RestartsTest {

  private static final long MIN = Duration.ofMillis(100).toNanos();
  private static final long MAX = Duration.ofMillis(1_000).toNanos();
  private static final long WINDOW = Duration.ofSeconds(60).toNanos();
  private static final long QUARANTINE = Duration.ofSeconds(30).toNanos();
  private static final StartFailed PASSING = new StartFailed(StartFailed.Kind.EXITED, "it", "");

  private final Restarts restarts =
      new Restarts(
          new RestartSettings(
              2,
              Duration.ofNanos(MIN),
              Duration.ofNanos(MAX),
              3,
              Duration.ofNanos(WINDOW),
              Duration.ofNanos(QUARANTINE)));

  private final Slot slot = new Slot(0);
  private final Slot other = new Slot(1);

  private long fail(Slot failing, StartFailed failure, long now) {
    restarts.onStart(failing, now);
    return restarts.onStartFailed(failing, failure, List.of("last words"), now);
  }

  @Test
  void aFreshSlotMayStartAtAnyTime() {
    assertThat(restarts.permits(slot, Long.MIN_VALUE)).isTrue();
    assertThat(restarts.permits(slot, 0)).isTrue();
    assertThat(restarts.permits(slot, Long.MAX_VALUE)).isTrue();
  }

  @Test
  void noMoreStartAtOnceThanAreAllowed() {
    restarts.onStart(slot, 0);
    assertThat(restarts.permits(other, 0)).isTrue();
    restarts.onStart(other, 0);

    assertThat(restarts.starting()).isEqualTo(2);
    assertThat(restarts.permits(new Slot(2), 0)).isFalse();

    restarts.onReady(slot);
    assertThat(restarts.permits(new Slot(2), 0)).isTrue();
  }

  @Test
  void aStartThatWasGivenUpFreesItsPlaceAndIsNoFailure() {
    restarts.onStart(slot, 0);
    restarts.onStartStopped();

    assertThat(restarts.starting()).isZero();
    assertThat(restarts.failuresInARow()).isZero();
    assertThat(slot.failures).isZero();
  }

  @Test
  void theDelayDoublesWithEachFailedStartUpToTheLongest() {
    long now = 0;
    for (long expected : new long[] {MIN, 2 * MIN, 4 * MIN, 8 * MIN, MAX, MAX}) {
      assertThat(fail(slot, PASSING, now)).isEqualTo(expected);
      assertThat(restarts.permits(slot, now + expected - 1)).isFalse();
      now += MAX * 2;
      assertThat(restarts.permits(slot, now)).isTrue();
    }
    assertThat(slot.failures).isEqualTo(6);
    assertThat(slot.lastFailure).isSameAs(PASSING);
    assertThat(slot.lastTail).containsExactly("last words");
  }

  @Test
  void theDelayStaysTheLongestHoweverOftenItFails() {
    slot.failures = 1_000_000;

    assertThat(fail(slot, PASSING, 0)).isEqualTo(MAX);
  }

  @Test
  void theRestEndsAtItsVeryNanosecond() {
    fail(slot, PASSING, 0);

    assertThat(restarts.permits(slot, MIN - 1)).isFalse();
    assertThat(restarts.permits(slot, MIN)).isTrue();
  }

  @ParameterizedTest
  @EnumSource
  void whatCannotPassWaitsTheLongestAtOnce(StartFailed.Kind kind) {
    assertThat(fail(slot, new StartFailed(kind, "it", ""), 0))
        .isEqualTo(kind.permanent() ? MAX : MIN);
  }

  @Test
  void anUnknownCauseMayPass() {
    assertThat(fail(slot, null, 0)).isEqualTo(MIN);
  }

  @Test
  void failingSlotsStartOneAfterAnotherAndHealthyOnesAreNotHeldUp() {
    fail(slot, PASSING, 0);
    fail(other, PASSING, 0);
    long now = MIN;
    restarts.onStart(slot, now);

    // Two failures in a row of the pool: the gate is shut for twice the least delay.
    assertThat(restarts.permits(other, now + 2 * MIN - 1)).isFalse();
    assertThat(restarts.permits(other, now + 2 * MIN)).isTrue();
    assertThat(restarts.permits(new Slot(2), now)).isTrue();
  }

  @Test
  void aStartThatWorksForgivesTheSlotAndThePool() {
    fail(slot, PASSING, 0);
    slot.quarantined = true;
    restarts.onStart(slot, MIN);
    restarts.onReady(slot);

    assertThat(restarts.starting()).isZero();
    assertThat(restarts.failuresInARow()).isZero();
    assertThat(slot.failures).isZero();
    assertThat(slot.lastFailure).isNull();
    assertThat(slot.quarantined).isFalse();
    assertThat(fail(slot, PASSING, MAX)).isEqualTo(MIN);
  }

  @Test
  void crashesWithinTheBudgetCostNoRest() {
    for (int crash = 0; crash < 3; crash++) {
      assertThat(restarts.onCrash(slot, List.of("boom"), crash)).isZero();
    }
    assertThat(slot.quarantined).isFalse();
    assertThat(slot.lastTail).containsExactly("boom");
    assertThat(restarts.permits(slot, 3)).isTrue();
  }

  @Test
  void oneCrashMoreThanTheBudgetPutsTheSlotIntoQuarantine() {
    for (int crash = 0; crash < 3; crash++) {
      restarts.onCrash(slot, List.of(), crash);
    }

    assertThat(restarts.onCrash(slot, List.of(), 3)).isEqualTo(QUARANTINE);
    assertThat(slot.quarantined).isTrue();
    assertThat(restarts.permits(slot, 3 + QUARANTINE - 1)).isFalse();
    assertThat(restarts.permits(slot, 3 + QUARANTINE)).isTrue();
    assertThat(slot.crashes).hasSize(3);
  }

  @Test
  void aCrashIsForgottenAfterTheWindow() {
    for (int crash = 0; crash < 3; crash++) {
      restarts.onCrash(slot, List.of(), 0);
    }

    assertThat(restarts.onCrash(slot, List.of(), WINDOW + 1)).isZero();
    assertThat(slot.crashes).containsExactly(WINDOW + 1);
  }

  @Test
  void aCrashIsRememberedForTheWholeWindow() {
    for (int crash = 0; crash < 3; crash++) {
      restarts.onCrash(slot, List.of(), 0);
    }

    assertThat(restarts.onCrash(slot, List.of(), WINDOW)).isEqualTo(QUARANTINE);
  }

  @Test
  void aCopyIsIndependent() {
    fail(slot, PASSING, 0);
    Restarts copy = restarts.copy();
    assertThat(copy.fingerprint(0)).isEqualTo(restarts.fingerprint(0));

    copy.onStart(slot, 0);

    assertThat(restarts.starting()).isZero();
    assertThat(copy.starting()).isEqualTo(1);
    assertThat(copy.fingerprint(0)).isNotEqualTo(restarts.fingerprint(0));
  }

  @Test
  void theFingerprintOfAGateThatHasPassedIsThatOfNone() {
    slot.failures = 1;
    restarts.onStart(slot, 0);

    assertThat(restarts.fingerprint(0)).contains("gate=" + MIN);
    assertThat(restarts.fingerprint(MIN)).contains("gate=0");
  }
}
