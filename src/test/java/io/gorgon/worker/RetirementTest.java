package io.gorgon.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.worker.Retirement.Reason;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** When an incarnation has served enough. */
class RetirementTest {

  @ParameterizedTest
  @CsvSource({"1, 1", "2, 1", "3, 2", "5, 4", "10, 8", "100, 80", "1000, 800"})
  void theReplacementIsAskedForALittleBeforeTheLimit(int limit, int askedAt) {
    var retirement = new Retirement(limit);
    for (int call = 1; call < askedAt; call++) {
      assertThat(retirement.served()).isEmpty();
    }
    assertThat(retirement.served()).contains(Reason.CALLS);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 100})
  void theReplacementIsAskedForOnce(int limit) {
    var retirement = new Retirement(limit);
    int asked = 0;
    for (int call = 0; call < 3 * limit; call++) {
      asked += retirement.served().isPresent() ? 1 : 0;
    }
    assertThat(asked).isEqualTo(1);
  }

  @Test
  void withoutALimitNothingIsAskedForAndAnyNumberOfCallsIsLeft() {
    var retirement = new Retirement(0);
    for (int call = 0; call < 1_000; call++) {
      assertThat(retirement.served()).isEmpty();
    }
    assertThat(retirement.callsLeft()).isEqualTo(Integer.MAX_VALUE);
  }

  @Test
  void callsLeftCountDownToZeroAndStayThere() {
    var retirement = new Retirement(2);

    assertThat(retirement.callsLeft()).isEqualTo(2);
    retirement.served();
    assertThat(retirement.callsLeft()).isEqualTo(1);
    retirement.served();
    assertThat(retirement.callsLeft()).isZero();
    retirement.served();
    assertThat(retirement.callsLeft()).isZero();
  }
}
