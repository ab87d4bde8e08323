package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.DeadlineExceeded.Phase;
import io.gorgon.message.PythonFailure.Draining;
import io.gorgon.message.PythonFailure.NoCapacity;
import io.gorgon.message.PythonFailure.Overloaded;
import io.gorgon.worker.PendingCall;
import io.gorgon.worker.Runner;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Where calls go that come, come back, and find no worker in time. */
class LaneTest extends LaneScene {

  // ---- calls in

  @Test
  void aCallIsWrittenAtOnceToTheWorkerThatWasBusyLast() {
    Runner first = admitted(1);
    Runner second = admitted(1);

    offered();

    assertThat(written(second)).isEqualTo(1);
    assertThat(written(first)).isZero();
    assertThat(lane.idle()).containsExactly(first);
    assertThat(lane.waiting()).isZero();
    assertThat(lane.accepted()).isEqualTo(1);
    assertThat(told).isEmpty();
  }

  @Test
  void aCallThatFindsOnlyBusyWorkersWaitsForTheNextThatIsFree() {
    Runner runner = admitted(1);
    offered();
    PendingCall second = offered();
    PendingCall third = offered();

    assertThat(lane.waiting()).isEqualTo(2);
    assertThat(lane.waitingSince()).hasValue(second.enteredAt());
    assertThat(lane.next(runner)).containsExactly(second);
    assertThat(lane.next(runner)).containsExactly(third);
    assertThat(lane.next(runner)).isEmpty();
    assertThat(lane.waitingSince()).isEmpty();
    assertThat(lane.idle()).containsExactly(runner);
    assertThat(told).isEmpty();
  }

  @Test
  void theSupervisorHearsOfACallThatNobodyCouldTake() {
    offered();

    assertThat(told).containsExactly("nobody there");
    assertThat(lane.waiting()).isEqualTo(1);
  }

  @Test
  void theDeadlineOfACallTellsWhetherThereHadBeenAWorker() {
    PendingCall early = offered();
    lane.expire(DEADLINE);
    assertThat(((DeadlineExceeded) failure(early)).phase()).isEqualTo(Phase.STARTING);

    admitted(1);
    offered();
    PendingCall late = offered();
    lane.expire(DEADLINE);
    assertThat(((DeadlineExceeded) failure(late)).phase()).isEqualTo(Phase.QUEUED);
  }

  @Test
  void whoIsAdmittedBeginsWithTheCallThatWaitsLongest() {
    PendingCall first = offered();
    PendingCall second = offered();
    Runner runner = admitted(1);

    assertThat(first.attempts()).isEqualTo(1);
    assertThat(second.attempts()).isZero();
    assertThat(written(runner)).isEqualTo(1);
    assertThat(lane.idle()).isEmpty();
  }

  @Test
  void aWorkerThatRunsSeveralAtOnceIsFilledUpWhenItIsAdmitted() {
    offered(5);
    Runner runner = admitted(3);

    assertThat(written(runner)).isEqualTo(3);
    assertThat(lane.waiting()).isEqualTo(2);
  }

  @Test
  void workersThatRunSeveralAtOnceTakeTurns() {
    Runner first = admitted(2);
    Runner second = admitted(2);
    offered(2);
    assertThat(written(first) + written(second)).isEqualTo(2);
    offered(2);

    assertThat(written(first)).isEqualTo(2);
    assertThat(written(second)).isEqualTo(2);
  }

  @Test
  void aFullLineRefusesTheNextCallAndKeepsThoseThatWait() {
    List<PendingCall> waiting = offered(CAPACITY);
    PendingCall tooMuch = offered();

    assertThat(failure(tooMuch)).isInstanceOf(Overloaded.class);
    assertThat(waiting).noneMatch(PendingCall::isDone);
    assertThat(lane.accepted()).isEqualTo(CAPACITY);
    assertThat(lane.refused()).isEqualTo(1);
    assertThat(lane.waiting()).isEqualTo(CAPACITY);
  }

  @Test
  void aCallThatWasCancelledBeforeItCameIsNotLeftWaiting() {
    PendingCall call = call();
    call.cancel("early");
    lane.offer(call);

    assertThat(lane.waiting()).isZero();
  }

  @Test
  void aWaitingCallThatIsCancelledLeavesItsPlace() {
    PendingCall call = offered();

    call.cancel("by the test");

    assertThat(lane.waiting()).isZero();
    assertThat(call.attempts()).isZero();
  }

  @Test
  void aWorkerThatClosedWhileItWasIdleGetsNothing() {
    Runner good = admitted(1);
    Runner shut = admitted(1);
    connections.get(shut).shut();

    offered();

    assertThat(written(shut)).isZero();
    assertThat(written(good)).isEqualTo(1);
  }

  // ---- calls that come back

  @Test
  void whatComesBackGoesBeforeAllThatCameAfterItInItsOrder() {
    Runner runner = admitted(1);
    offered();
    PendingCall first = call();
    PendingCall second = call();
    PendingCall waits = offered();

    lane.giveBack(List.of(first, second));

    assertThat(lane.waiting()).isEqualTo(3);
    assertThat(lane.next(runner)).containsExactly(first);
    assertThat(lane.next(runner)).containsExactly(second);
    assertThat(lane.next(runner)).containsExactly(waits);
  }

  @Test
  void whatComesBackIsGivenToAWorkerThatIsIdle() {
    Runner runner = admitted(1);
    PendingCall call = call();

    lane.giveBack(List.of(call));

    assertThat(call.attempts()).isEqualTo(1);
    assertThat(written(runner)).isEqualTo(1);
  }

  @Test
  void whatComesBackToALaneThatRefusesIsAnswered() {
    var failure = new Draining("p", true);
    lane.close(failure);
    PendingCall call = call();

    lane.giveBack(List.of(call));

    assertThat(failure(call)).isSameAs(failure);
    assertThat(lane.waiting()).isZero();
  }

  @Test
  void whatComesBackAnsweredIsNotKept() {
    PendingCall call = call();
    call.cancel("meanwhile");

    lane.giveBack(List.of(call));

    assertThat(lane.waiting()).isZero();
  }

  @Test
  void whatComesBackFromADeathInItCountsAsStarted() {
    Runner runner = admitted(1);
    PendingCall ran = offered();
    assertThat(written(runner)).isEqualTo(1);

    assertThat(lane.hasStarted(ran)).isTrue();
    assertThat(lane.hasStarted(call())).isFalse();
  }

  // ---- the end

  @Test
  void whatWaitsIsAnsweredAtItsDeadlineAndNotBefore() {
    PendingCall call = offered();
    lane.claimAny(5, null, false);

    lane.expire(DEADLINE - 1);
    assertThat(call.isDone()).isFalse();
    lane.expire(DEADLINE);

    assertThat(failure(call)).isInstanceOf(PythonFailure.DeadlineExceeded.class);
    assertThat(lane.waiting()).isZero();
    admitted(1);
    assertThat(told).containsExactly("nobody there", "claimed for 5");
  }

  @Test
  void aBrokenLaneRefusesCallsUntilItIsMended() {
    var failure = new NoCapacity("p", "it was broken", List.of());
    PendingCall waits = offered();
    lane.claimAny(5, null, false);

    lane.breakWith(failure);
    assertThat(failure(waits)).isSameAs(failure);
    assertThat(failure(offered())).isSameAs(failure);
    lane.mend();
    assertThat(offered().isDone()).isFalse();

    assertThat(lane.refused()).isEqualTo(1);
    admitted(1);
    assertThat(told).contains("claimed for 5");
  }

  @Test
  void aClosedLaneIsNotMended() {
    var failure = new Draining("p", false);
    lane.breakWith(new NoCapacity("p", "it was broken", List.of()));
    lane.close(failure);
    lane.mend();

    assertThat(failure(offered())).isSameAs(failure);
  }
}
