package io.gorgon.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gorgon.message.Call;
import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.DeadlineExceeded.Phase;
import io.gorgon.message.PythonFailure.Draining;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

/** A call has one answer, whoever gives it, and whoever holds it hears of an early one. */
class PendingCallTest {

  private static final long ENTERED = 1_000_000;
  private static final long DEADLINE = 6_000_000;

  private final PendingCall call = pending(Call.of("m:f"));
  private final List<String> heard = new ArrayList<>();

  private static PendingCall pending(Call call) {
    return new PendingCall(
        "c-1", call, Payload.plain(new byte[] {1}), ENTERED, DEADLINE, Dialogue.NONE);
  }

  private PendingCall.Holder holder(boolean started) {
    return new PendingCall.Holder() {
      @Override
      public void onAbandoned(PendingCall abandoned, boolean dirty) {
        assertThat(abandoned).isSameAs(call);
        assertThat(abandoned.isDone()).isTrue();
        heard.add(dirty ? "dirty" : "clean");
      }

      @Override
      public boolean hasStarted(PendingCall asked) {
        return started;
      }

      @Override
      public String toString() {
        return "the lane";
      }
    };
  }

  private PythonFailure failure() {
    try {
      call.answer().join();
      throw new AssertionError("it has a value");
    } catch (CompletionException failed) {
      return (PythonFailure) failed.getCause();
    }
  }

  @Test
  void theFirstFailureIsTheAnswerAndTheOthersLetGo() {
    var first = new Draining("p", false);

    assertThat(call.isDone()).isFalse();
    assertThat(call.fail(first)).isTrue();
    assertThat(call.fail(new Draining("p", true))).isFalse();
    assertThat(call.complete(null)).isFalse();
    assertThat(call.cancel("late")).isFalse();
    assertThat(call.expire()).isFalse();

    assertThat(call.isDone()).isTrue();
    assertThat(failure()).isSameAs(first);
  }

  @Test
  void whatHasItsAnswerIsNotStoppedAnyMore() {
    call.heldBy(holder(true));
    call.fail(new Draining("p", false));

    call.cancel("late");
    call.expire();
    call.abandon(new Draining("p", true), true);

    assertThat(heard).isEmpty();
  }

  @Test
  void aCancelBeforeItRanSaysSoAndStopsItClean() {
    call.heldBy(holder(false));

    assertThat(call.cancel("you asked")).isTrue();

    assertThat(failure()).isInstanceOf(Cancelled.class).hasMessageContaining("you asked");
    assertThat(((Cancelled) failure()).started()).isFalse();
    assertThat(heard).containsExactly("clean");
  }

  @Test
  void aCancelWhileItRunsSaysSoAndStopsItClean() {
    call.heldBy(holder(true));

    call.cancel("you asked");

    assertThat(((Cancelled) failure()).started()).isTrue();
    assertThat(heard).containsExactly("clean");
  }

  /** Found by LaneStressTest: it said that the call had never run. */
  @Test
  void aDeadlineBeforeASecondRunSaysThatItRanAndLeavesTheSecondWorkerClean() {
    call.starts(holder(true), 1, 2);
    call.starts(holder(false), 1, 3);

    call.expire();

    assertThat(((DeadlineExceeded) failure()).phase()).isEqualTo(Phase.RUNNING);
    assertThat(heard).containsExactly("clean");
  }

  @Test
  void aDeadlineInALineLeavesNobodyDirty() {
    call.heldBy(holder(false));

    assertThat(call.expire()).isTrue();

    assertThat(((DeadlineExceeded) failure()).phase()).isEqualTo(Phase.QUEUED);
    assertThat(failure()).hasMessageContaining("5 ms").hasMessageContaining("the lane");
    assertThat(heard).containsExactly("clean");
  }

  @Test
  void aDeadlineWhileItRunsLeavesItsWorkerDirty() {
    call.heldBy(holder(true));

    call.expire();

    assertThat(((DeadlineExceeded) failure()).phase()).isEqualTo(Phase.RUNNING);
    assertThat(heard).containsExactly("dirty");
  }

  @Test
  void aDeadlineBeforeAnybodyHeldItIsToldInWords() {
    assertThat(call.expire()).isTrue();

    assertThat(failure()).hasMessageNotContaining("null").hasMessageContaining("taken in");
  }

  @Test
  void onlyTheLastHolderHears() {
    call.heldBy(
        new PendingCall.Holder() {
          @Override
          public void onAbandoned(PendingCall abandoned, boolean dirty) {
            throw new AssertionError("it was handed on");
          }

          @Override
          public boolean hasStarted(PendingCall asked) {
            throw new AssertionError("it was handed on");
          }
        });
    call.starts(holder(true), 1, 2_000_000);

    call.cancel("you asked");

    assertThat(call.startedAt()).isEqualTo(2_000_000);
    assertThat(heard).containsExactly("clean");
  }

  @Test
  void aCallThatIsNotIdempotentRunsOnce() {
    assertThat(call.mayRunAgain()).isTrue();
    call.starts(holder(false), 1, 1);
    assertThat(call.attempts()).isEqualTo(1);
    assertThat(call.mayRunAgain()).isFalse();
  }

  @Test
  void aWorkerThatGivesItBackUnstartedCostsNoAttempt() {
    call.starts(holder(false), 1, 1);
    call.didNotStart();

    assertThat(call.attempts()).isZero();
    assertThat(call.mayRunAgain()).isTrue();
  }

  @Test
  void anIdempotentCallRunsAsOftenAsItAllowsAndNoMore() {
    PendingCall again = pending(Call.of("m:f").idempotent(2));
    for (int run = 1; run <= 2; run++) {
      again.starts(holder(false), 1, run);
      assertThat(again.mayRunAgain()).isTrue();
    }
    again.starts(holder(false), 1, 3);
    assertThat(again.mayRunAgain()).isFalse();
  }

  @Test
  void itIsOverdueAtItsDeadlineAndNotBefore() {
    assertThat(call.isOverdue(DEADLINE - 1)).isFalse();
    assertThat(call.isOverdue(DEADLINE)).isTrue();
    assertThat(call.enteredAt()).isEqualTo(ENTERED);
    assertThat(call.deadline()).isEqualTo(DEADLINE);
  }

  @Test
  void deadlinesHoldWhereTheClockOverflows() {
    long now = Long.MAX_VALUE - 1;
    var late = new PendingCall("c", Call.of("m:f"), Payload.EMPTY, now, now + 10, Dialogue.NONE);

    assertThat(late.isOverdue(now)).isFalse();
    assertThat(late.isOverdue(now + 10)).isTrue();
  }

  @Test
  void abandoningFailsWithTheGivenFailure() {
    call.heldBy(holder(true));
    var why = new Draining("p", true);

    assertThat(call.abandon(why, true)).isTrue();

    assertThatThrownBy(call.answer()::join).hasCause(why);
    assertThat(heard).containsExactly("dirty");
  }
}
