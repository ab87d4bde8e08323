package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.pool.Bindings.Binding;
import java.time.Duration;
import java.util.ArrayList;
import org.junit.jupiter.api.Test;

/** Which process served which session last, and for how long that is remembered. */
class BindingsTest {

  private static final long IDLE = 100;

  private final Bindings bindings = new Bindings(Duration.ofNanos(IDLE));

  @Test
  void aSessionHasTheProcessThatItWasBoundToLast() {
    bindings.bind("s", 0, 1, 5);
    bindings.bind("s", 1, 7, 6);

    assertThat(bindings.get("s")).isEqualTo(new Binding(1, 7, 6));
    assertThat(bindings.get("t")).isNull();
    assertThat(bindings.size()).isEqualTo(1);
  }

  @Test
  void aBindingIsOfTheLeasesOfItsVeryProcess() {
    var bound = new Binding(1, 7, 0);

    assertThat(bound.isOf(new Lease(1, 7, 3))).isTrue();
    assertThat(bound.isOf(new Lease(0, 7, 3))).isFalse();
    assertThat(bound.isOf(new Lease(1, 8, 3))).isFalse();
  }

  @Test
  void restoringGivesBackWhatWasBefore() {
    bindings.bind("s", 0, 1, 5);
    Binding before = bindings.get("s");
    bindings.bind("s", 1, 1, 6);

    bindings.restore("s", before);

    assertThat(bindings.get("s")).isEqualTo(before);
  }

  @Test
  void restoringNothingForgets() {
    bindings.bind("s", 0, 1, 5);

    bindings.restore("s", null);

    assertThat(bindings.get("s")).isNull();
  }

  @Test
  void forgettingAStrangerDoesNothing() {
    bindings.bind("s", 0, 1, 5);
    bindings.forget("t");
    assertThat(bindings.size()).isEqualTo(1);

    bindings.forget("s");
    assertThat(bindings.size()).isZero();
  }

  @Test
  void theLeastRecentlyUsedGoesFirstWhereThereAreTooMany() {
    for (int i = 0; i < Bindings.CAPACITY; i++) {
      bindings.bind("s" + i, 0, 1, i);
    }
    assertThat(bindings.get("s0")).isNotNull(); // Used: the oldest is s1 now.

    bindings.bind("one more", 0, 1, Bindings.CAPACITY);

    assertThat(bindings.size()).isEqualTo(Bindings.CAPACITY);
    assertThat(bindings.get("s1")).isNull();
    assertThat(bindings.get("s0")).isNotNull();
    assertThat(bindings.get("one more")).isNotNull();
  }

  @Test
  void aSweepForgetsWhatWasNotUsedForLongerThanTheTime() {
    bindings.bind("old", 0, 1, 0);
    bindings.bind("young", 0, 1, 1);

    bindings.sweep(IDLE, any -> false);
    assertThat(bindings.size()).isEqualTo(2);

    bindings.sweep(IDLE + 1, any -> false);
    assertThat(bindings.get("old")).isNull();
    assertThat(bindings.get("young")).isNotNull();
  }

  @Test
  void aSweepKeepsWhatIsInUseAndCountsItsTimeAnew() {
    bindings.bind("used", 3, 4, 0);
    bindings.bind("old", 0, 1, 1);

    bindings.sweep(IDLE + 2, "used"::equals);

    assertThat(bindings.get("old")).isNull();
    assertThat(bindings.get("used")).isEqualTo(new Binding(3, 4, IDLE + 2));
    bindings.sweep(2 * IDLE + 2, any -> false);
    assertThat(bindings.get("used")).isNotNull();
    bindings.sweep(2 * IDLE + 3, any -> false);
    assertThat(bindings.get("used")).isNull();
  }

  @Test
  void aSweepForgetsAnOldBindingThatWasOnlyLookedAt() {
    bindings.bind("looked at", 0, 1, 0);
    bindings.bind("bound later", 0, 1, IDLE);
    bindings.get("looked at");

    bindings.sweep(2 * IDLE + 1, any -> false);

    assertThat(bindings.size()).isZero();
  }

  @Test
  void aSweepLooksAtTheOldestOnly() {
    bindings.bind("old", 0, 1, 0);
    bindings.bind("young", 0, 1, IDLE);
    for (int i = 0; i < 1_000; i++) {
      bindings.bind("younger " + i, 0, 1, IDLE);
    }
    var asked = new ArrayList<String>();

    bindings.sweep(
        IDLE + 1,
        key -> {
          asked.add(key);
          return false;
        });

    assertThat(asked).containsExactly("old");
  }

  @Test
  void aCopyIsIndependent() {
    bindings.bind("s", 0, 1, 5);
    Bindings copy = bindings.copy();

    copy.forget("s");
    copy.bind("t", 0, 1, 6);

    assertThat(bindings.get("s")).isNotNull();
    assertThat(bindings.get("t")).isNull();
  }

  @Test
  void theDescriptionTellsKeysAndProcesses() {
    bindings.bind("s", 2, 9, 5);
    var text = new StringBuilder();

    bindings.describe(text);

    assertThat(text).hasToString("s2.9");
  }
}
