package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.pool.WaitingLine.Waiter;
import org.junit.jupiter.api.Test;

/** Who waits, in which order, and whose turn it is. */
class WaitingLineTest {

  private static final long DEADLINE = 1_000;

  private final WaitingLine line = new WaitingLine();

  private static Waiter anonymous(long request) {
    return new Waiter(request, CheckoutKind.anonymous(), 0, 0, DEADLINE, false);
  }

  private static Waiter of(String session, long request) {
    return new Waiter(
        request, CheckoutKind.session(session, Affinity.PREFER), 0, 0, DEADLINE, false);
  }

  @Test
  void waitersStandInTheOrderOfTheirArrival() {
    line.add(anonymous(3));
    line.add(of("s", 1));
    line.add(anonymous(2));

    assertThat(line.all()).extracting(Waiter::request).containsExactly(3L, 1L, 2L);
    assertThat(line.size()).isEqualTo(3);
    assertThat(line.get(1)).isEqualTo(of("s", 1));
    assertThat(line.get(4)).isNull();
  }

  @Test
  void itIsAlwaysTheTurnOfOneWithoutASession() {
    assertThat(line.add(anonymous(1))).isTrue();
    assertThat(line.add(anonymous(2))).isTrue();
    assertThat(line.isTurnOf(anonymous(2))).isTrue();
  }

  @Test
  void onlyTheFirstOfASessionHasItsTurn() {
    assertThat(line.add(of("s", 1))).isTrue();
    assertThat(line.add(of("s", 2))).isFalse();
    assertThat(line.add(of("t", 3))).isTrue();

    assertThat(line.isTurnOf(of("s", 1))).isTrue();
    assertThat(line.isTurnOf(of("s", 2))).isFalse();
    assertThat(line.turnOf("s")).contains(of("s", 1));
    assertThat(line.turnOf("nobody's")).isEmpty();
  }

  @Test
  void whileASessionHasAWorkerNobodyElseOfItHasItsTurn() {
    line.sessionBusy("s");

    assertThat(line.add(of("s", 1))).isFalse();
    assertThat(line.isTurnOf(of("s", 1))).isFalse();
    assertThat(line.turnOf("s")).isEmpty();
    assertThat(line.isSessionBusy("s")).isTrue();
    assertThat(line.isSessionBusy("t")).isFalse();

    assertThat(line.sessionFree("s")).contains(of("s", 1));
    assertThat(line.isSessionBusy("s")).isFalse();
  }

  @Test
  void aSessionThatNobodyWaitsForIsFreedForNobody() {
    line.sessionBusy("s");

    assertThat(line.sessionFree("s")).isEmpty();
  }

  @Test
  void removingTheFirstOfASessionGivesTheTurnToTheNext() {
    line.add(of("s", 1));
    line.add(of("s", 2));

    assertThat(line.remove(of("s", 1))).contains(of("s", 2));
    assertThat(line.remove(of("s", 2))).isEmpty();
    assertThat(line.size()).isZero();
  }

  @Test
  void removingALaterOneChangesNobodysTurn() {
    line.add(of("s", 1));
    line.add(of("s", 2));
    line.add(of("s", 3));

    assertThat(line.remove(of("s", 2))).isEmpty();
    assertThat(line.remove(of("s", 1))).contains(of("s", 3));
  }

  @Test
  void removingTheFirstOfABusySessionGivesNobodyTheTurn() {
    line.add(of("s", 1));
    line.add(of("s", 2));
    line.sessionBusy("s");

    assertThat(line.remove(of("s", 1))).isEmpty();
    assertThat(line.sessionFree("s")).contains(of("s", 2));
  }

  @Test
  void removingAStrangerChangesNothing() {
    line.add(of("s", 1));

    assertThat(line.remove(of("s", 2))).isEmpty();
    assertThat(line.remove(of("t", 3))).isEmpty();
    assertThat(line.remove(anonymous(4))).isEmpty();
    assertThat(line.all()).containsExactly(of("s", 1));
    assertThat(line.turnOf("s")).contains(of("s", 1));
  }

  @Test
  void whoIsPutBackStandsBeforeAllOthersAndBeforeItsSession() {
    line.add(anonymous(1));
    line.add(of("s", 2));
    line.addFirst(of("s", 3));

    assertThat(line.all()).extracting(Waiter::request).containsExactly(3L, 1L, 2L);
    assertThat(line.turnOf("s")).contains(of("s", 3));
    assertThat(line.remove(of("s", 3))).contains(of("s", 2));
  }

  @Test
  void aWaiterIsOverdueAtItsDeadlineAndNotBefore() {
    line.add(anonymous(1));

    assertThat(line.overdue(DEADLINE - 1)).isEmpty();
    assertThat(line.overdue(DEADLINE)).containsExactly(anonymous(1));
  }

  @Test
  void deadlinesHoldWhereTheClockOverflows() {
    long now = Long.MAX_VALUE - 5;
    line.add(new Waiter(1, CheckoutKind.anonymous(), 0, now, now + 10, false));

    assertThat(line.overdue(now)).isEmpty();
    assertThat(line.overdue(now + 10)).hasSize(1);
  }

  @Test
  void aCopyIsIndependent() {
    line.add(of("s", 1));
    line.sessionBusy("t");
    WaitingLine copy = line.copy();

    copy.add(of("s", 2));
    copy.remove(of("s", 1));
    copy.sessionFree("t");

    assertThat(line.all()).containsExactly(of("s", 1));
    assertThat(line.turnOf("s")).contains(of("s", 1));
    assertThat(line.isSessionBusy("t")).isTrue();
    assertThat(copy.turnOf("s")).contains(of("s", 2));
  }

  @Test
  void theDescriptionCountsTimesFromNow() {
    var early = new StringBuilder();
    var late = new StringBuilder();
    line.add(new Waiter(1, CheckoutKind.anonymous(), 0, 0, 10, false));
    line.describe(early, 5);
    var other = new WaitingLine();
    other.add(new Waiter(1, CheckoutKind.anonymous(), 0, 100, 110, false));
    other.describe(late, 105);

    assertThat(late).hasToString(early.toString());
  }
}
