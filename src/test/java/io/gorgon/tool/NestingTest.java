package io.gorgon.tool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gorgon.message.Call;
import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import io.gorgon.worker.Dialogue;
import io.gorgon.worker.PendingCall;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

/** Calls within a call. */
class NestingTest {

  private static final long DEADLINE = 1_000;

  private final PendingCall outer = call();
  private final Nesting nesting = new Nesting(outer, 1);

  private static PendingCall call() {
    return new PendingCall("c-1", Call.of("m:f"), Payload.EMPTY, 0, DEADLINE, Dialogue.NONE);
  }

  @Test
  void aThreadIsPartOfACallOnlyWhileItWorksForIt() {
    assertThat(Nesting.current()).isEmpty();
    assertThat(nesting.during(Nesting::current)).containsSame(nesting);
    assertThat(Nesting.current()).isEmpty();
  }

  @Test
  void whatIsWithinHidesWhatIsAroundUntilItEnds() {
    var inner = new Nesting(call(), 2);

    nesting.during(
        () -> {
          assertThat(inner.during(Nesting::current)).containsSame(inner);
          assertThat(Nesting.current()).containsSame(nesting);
          return true;
        });
  }

  @Test
  void aThreadIsNoPartOfACallAfterItsWorkFailed() {
    assertThatThrownBy(
            () ->
                nesting.during(
                    () -> {
                      throw new IllegalStateException("by the test");
                    }))
        .hasMessage("by the test");
    assertThat(Nesting.current()).isEmpty();
  }

  @Test
  void theEarlierDeadlineHoldsAlsoWhereTheClockOverflows() {
    assertThat(nesting.deadline(DEADLINE - 1)).isEqualTo(DEADLINE - 1);
    assertThat(nesting.deadline(DEADLINE + 1)).isEqualTo(DEADLINE);
    long late = Long.MAX_VALUE - 5;
    var atTheEnd =
        new Nesting(new PendingCall("c", Call.of("m:f"), Payload.EMPTY, 0, late, Dialogue.NONE), 1);
    assertThat(atTheEnd.deadline(late + 10)).isEqualTo(late);
  }

  @Test
  void whatIsTiedEndsWithTheOuterCall() {
    PendingCall inner = call();
    nesting.tie(inner);
    assertThat(inner.isDone()).isFalse();

    outer.cancel("by the test");

    assertThatThrownBy(() -> inner.answer().join())
        .isInstanceOf(CompletionException.class)
        .hasCauseInstanceOf(PythonFailure.Cancelled.class)
        .hasMessageContaining("the call that it was part of has ended");
  }

  @Test
  void whatIsTiedToACallThatHasEndedEndsAtOnce() {
    outer.cancel("by the test");
    PendingCall inner = call();

    nesting.tie(inner);

    assertThat(inner.isDone()).isTrue();
  }

  @Test
  void whatEndsByItselfLeavesTheOuterCallAlone() {
    PendingCall inner = call();
    nesting.tie(inner);

    inner.cancel("by the test");

    assertThat(outer.isDone()).isFalse();
  }
}
