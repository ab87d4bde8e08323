package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.pool.CheckoutKind.Affinity;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** For whom a worker is checked out, and what is refused. */
class CheckoutKindTest {

  @Test
  void anAnonymousCheckoutHasNoSessionAndNoProblem() {
    assertThat(CheckoutKind.anonymous().session()).isEmpty();
    assertThat(CheckoutKind.anonymous().problem()).isNull();
  }

  @ParameterizedTest
  @EnumSource
  void aSessionMayHaveAnyAffinity(Affinity affinity) {
    CheckoutKind kind = CheckoutKind.session("s", affinity);

    assertThat(kind.session()).contains("s");
    assertThat(kind.affinity()).isEqualTo(affinity);
    assertThat(kind.problem()).isNull();
  }

  @Test
  void bothPinnedAffinitiesPinAndPreferDoesNot() {
    assertThat(Affinity.PREFER.isPinned()).isFalse();
    assertThat(Affinity.PINNED.isPinned()).isTrue();
    assertThat(Affinity.PINNED_FAIL_FAST.isPinned()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(
      value = Affinity.class,
      names = {"PINNED", "PINNED_FAIL_FAST"})
  void anAnonymousCheckoutCannotBePinned(Affinity affinity) {
    assertThat(new CheckoutKind(Optional.empty(), affinity).problem()).contains("pinned");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "\t\n"})
  void aBlankKeyIsRefused(String key) {
    assertThat(CheckoutKind.session(key, Affinity.PREFER).problem()).contains("blank");
  }

  @Test
  void aKeyMayHaveTheGreatestLengthAndNoMore() {
    String longest = "k".repeat(CheckoutKind.LONGEST_KEY);

    assertThat(CheckoutKind.session(longest, Affinity.PREFER).problem()).isNull();
    assertThat(CheckoutKind.session(longest + "k", Affinity.PREFER).problem())
        .contains("512")
        .contains("513");
  }
}
