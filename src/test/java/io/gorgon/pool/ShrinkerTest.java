package io.gorgon.pool;

import static io.gorgon.pool.Step.What.ASK;
import static io.gorgon.pool.Step.What.CANCEL;
import static io.gorgon.pool.Step.What.RENEW;
import static io.gorgon.pool.Step.What.RETURN;
import static io.gorgon.pool.Step.What.TIME;
import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.pool.CoreSubject.Core;
import io.gorgon.pool.PoolInput.Renewed;
import io.gorgon.pool.PoolInput.Returned;
import io.gorgon.pool.PoolInput.Withdrawn;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** Cores with a mistake that was planted: it is found, and told in as few words as it takes. */
class ShrinkerTest {

  private static Predicate<History> differsFrom(Function<PoolState, Core> spoilt) {
    return history -> Comparison.difference(history, lazy -> new CoreSubject(lazy, spoilt)) != null;
  }

  private static boolean isHeld(PoolState state, Lease lease) {
    return state.holdings().stream().anyMatch(holding -> holding.lease().equals(lease));
  }

  private static History smallestFor(Function<PoolState, Core> spoilt) {
    Predicate<History> fails = differsFrom(spoilt);
    for (long seed = 1; seed < 1_000; seed++) {
      History history = History.of(seed);
      if (fails.test(history)) {
        return Shrinker.shrunk(history, fails);
      }
    }
    throw new AssertionError("nobody noticed");
  }

  @Test
  void aBrokenReturnTakenForACleanOneIsToldInTwoSteps() {
    History smallest =
        smallestFor(
            state ->
                (input, time) ->
                    state.on(
                        input instanceof Returned back && back.verdict() == Verdict.BROKEN
                            ? new Returned(back.lease(), Verdict.CLEAN, back.leftover())
                            : input,
                        time));

    assertThat(smallest)
        .isEqualTo(new History(false, List.of(new Step(ASK, 0, 0), new Step(RETURN, 0, 2))))
        .hasToString(
            """
            new History(
                false,
                List.of(
                    new Step(ASK, 0, 0),
                    new Step(RETURN, 0, 2)))""");
  }

  @Test
  void aWithdrawalThatIsForgottenIsToldInTwoSteps() {
    History smallest =
        smallestFor(
            state ->
                (input, time) -> input instanceof Withdrawn ? List.of() : state.on(input, time));

    assertThat(smallest)
        .isEqualTo(new History(false, List.of(new Step(ASK, 0, 0), new Step(CANCEL, 0, 0))));
  }

  @Test
  void aRenewalThatIsForgottenIsToldWithTheTickInWhichItShows() {
    History smallest =
        smallestFor(
            state ->
                (input, time) ->
                    input instanceof Renewed renewed && isHeld(state, renewed.lease())
                        ? List.of()
                        : state.on(input, time));

    assertThat(smallest.steps())
        .isEqualTo(List.of(new Step(ASK, 0, 0), new Step(RENEW, 0, 0), new Step(TIME, 0, 17)));
  }

  @Test
  void aHistoryIsMadeSmallerTheSameWayEachTime() {
    Predicate<History> fails = history -> history.steps().stream().mapToInt(Step::who).sum() >= 5;
    History history = History.of(12);

    assertThat(fails.test(history)).isTrue();
    assertThat(Shrinker.shrunk(history, fails)).isEqualTo(Shrinker.shrunk(history, fails));
    assertThat(Shrinker.shrunk(history, fails).steps().stream().mapToInt(Step::who).sum())
        .isEqualTo(5);
  }
}
