package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.Draining;
import io.gorgon.message.PythonFailure.NoCapacity;
import io.gorgon.message.PythonFailure.Overloaded;
import io.gorgon.testkit.QuietConnection;
import io.gorgon.wire.Frame;
import io.gorgon.worker.Dialogue;
import io.gorgon.worker.PendingCall;
import io.gorgon.worker.Runner;
import io.gorgon.worker.Runners;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

/** Who gets which call, and when a worker is handed out. */
class LaneTest {

  private static final int CAPACITY = 40;
  private static final int BATCH = 8;
  private static final long SHORT = 1_000_000;
  private static final long DEADLINE = 500;

  private final List<String> told = new ArrayList<>();
  private final Map<Runner, QuietConnection> connections = new HashMap<>();
  private int numbers;

  private final Lane lane =
      new Lane(
          CAPACITY,
          BATCH,
          SHORT,
          new Lane.Supervisor() {
            @Override
            public void onClaimed(Runner runner, long request) {
              told.add("claimed for " + request);
            }

            @Override
            public void onNobodyThere() {
              told.add("nobody there");
            }
          },
          () -> new Overloaded("p", CAPACITY, CAPACITY, "full"));

  private Runner worker() {
    return worker(1, 0);
  }

  private Runner worker(int concurrency, int callsInItsLife) {
    var connection = new QuietConnection();
    Runner runner = Runners.on(connection, concurrency, callsInItsLife, lane);
    connections.put(runner, connection);
    return runner;
  }

  private Runner admitted(int concurrency) {
    Runner runner = worker(concurrency, 0);
    lane.admit(runner);
    return runner;
  }

  private PendingCall call() {
    return call("m:f", 0);
  }

  private PendingCall call(String target, int bytes) {
    numbers++;
    var body = Payload.plain(new byte[bytes]);
    return new PendingCall("c-" + numbers, Call.of(target), body, numbers, DEADLINE, Dialogue.NONE);
  }

  private PendingCall offered() {
    PendingCall call = call();
    lane.offer(call);
    return call;
  }

  private List<PendingCall> offered(int count) {
    List<PendingCall> calls = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      calls.add(offered());
    }
    return calls;
  }

  /** How many requests have been written to it. */
  private long written(Runner runner) {
    return connections.get(runner).sent().stream()
        .filter(frame -> frame.kind() == Frame.Kind.REQUEST)
        .count();
  }

  private void makeShort(String target) {
    for (int i = 0; i < 100; i++) {
      lane.measured(call(target, 0), SHORT - 1);
    }
  }

  private static PythonFailure failure(PendingCall call) {
    try {
      call.answer().getNow(null);
      throw new AssertionError("it has no failure");
    } catch (CompletionException failed) {
      return (PythonFailure) failed.getCause();
    }
  }

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

  // ---- several short calls at once

  @Test
  void callsTravelOneByOneUntilTheirTargetIsKnownToBeShort() {
    Runner runner = admitted(1);
    offered();
    List<PendingCall> waiting = offered(20);

    assertThat(lane.next(runner)).containsExactly(waiting.get(0));
    assertThat(lane.more(runner, 1)).isEmpty();
    makeShort("m:f");
    assertThat(lane.next(runner)).containsExactlyElementsOf(waiting.subList(1, 1 + BATCH));
  }

  @Test
  void aWorkerLeavesItsNeighboursTheirShareOfShortCalls() {
    makeShort("m:f");
    Runner runner = admitted(1);
    admitted(1);
    offered(2);
    List<PendingCall> waiting = offered(6);

    // Five are left behind the first, half of which is two.
    assertThat(lane.next(runner)).containsExactlyElementsOf(waiting.subList(0, 3));
  }

  @Test
  void aBatchEndsBeforeACallThatIsNotShortOrIsLarge() {
    makeShort("m:f");
    Runner runner = admitted(1);
    offered();
    List<PendingCall> waiting = new ArrayList<>(offered(2));
    lane.offer(call("m:slow", 0));
    List<PendingCall> behind = new ArrayList<>(offered(2));
    lane.offer(call("m:f", 4 * 1024 + 1));
    offered(20);

    assertThat(lane.next(runner)).containsExactlyElementsOf(waiting);
    assertThat(lane.next(runner))
        .hasSize(1)
        .first()
        .matches(one -> one.call().target().equals("m:slow"));
    assertThat(lane.next(runner)).containsExactlyElementsOf(behind);
    assertThat(lane.next(runner)).hasSize(1).first().matches(one -> one.body().size() > 4 * 1024);
  }

  @Test
  void aBatchEndsBeforeAClaim() {
    makeShort("m:f");
    Runner runner = admitted(1);
    offered();
    List<PendingCall> before = offered(3);
    lane.claimAny(9, null, false);
    offered(20);

    assertThat(lane.next(runner)).containsExactlyElementsOf(before);
    assertThat(lane.more(runner, 1)).isEmpty();
    assertThat(lane.next(runner)).isEmpty();
    assertThat(told).containsExactly("claimed for 9");
  }

  @Test
  void aWorkerWithSomeShortCallsLeftIsGivenSoManyMoreAsMakeABatch() {
    makeShort("m:f");
    Runner runner = admitted(1);
    offered();
    List<PendingCall> waiting = offered(20);

    assertThat(lane.more(runner, 3)).containsExactlyElementsOf(waiting.subList(0, BATCH - 3));
    assertThat(lane.more(runner, BATCH)).isEmpty();
  }

  @Test
  void aWorkerThatIsClaimedIsGivenNoMore() {
    makeShort("m:f");
    Runner runner = admitted(1);
    offered();
    offered(20);
    lane.claim(runner);

    assertThat(lane.more(runner, 1)).isEmpty();
  }

  @Test
  void aWorkerThatRunsSeveralAtOnceGetsThemOneByOne() {
    makeShort("m:f");
    Runner runner = admitted(2);
    offered(2);
    offered(20);

    assertThat(lane.next(runner)).hasSize(1);
  }

  @Test
  void noWorkerIsGivenMoreCallsThanItsLifeHasLeft() {
    makeShort("m:f");
    offered(20);
    Runner runner = worker(1, 3);
    lane.admit(runner);

    assertThat(written(runner)).isEqualTo(3);
    assertThat(lane.more(runner, 1)).isEmpty();
    assertThat(lane.waiting()).isEqualTo(17);
  }

  @Test
  void aWorkerWhoseCallsAreSpentWaitsToBeClaimedByName() {
    Runner runner = worker(1, 1);
    lane.admit(runner);
    offered();

    assertThat(lane.next(runner)).isEmpty();
    assertThat(lane.idle()).isEmpty();
    PendingCall waits = offered();
    assertThat(waits.attempts()).isZero();
    lane.claim(runner);
    assertThat(told).containsExactly("claimed for 0");
  }

  // ---- claims

  @Test
  void anIdleWorkerIsClaimedAtOnceAndOutOfTheLane() {
    Runner runner = admitted(1);

    lane.claim(runner);

    assertThat(told).containsExactly("claimed for 0");
    assertThat(lane.idle()).isEmpty();
    PendingCall call = offered();
    assertThat(call.attempts()).isZero();
    assertThat(told).containsExactly("claimed for 0", "nobody there");
  }

  @Test
  void aBusyWorkerIsClaimedWhenItHasDoneWhatItDoes() {
    Runner runner = admitted(1);
    offered();
    PendingCall waits = offered();
    lane.claim(runner);
    assertThat(told).isEmpty();

    assertThat(lane.next(runner)).isEmpty();

    assertThat(told).containsExactly("claimed for 0");
    assertThat(lane.waiting()).isEqualTo(1);
    assertThat(waits.attempts()).isZero();
  }

  @Test
  void aClaimOfAStrangerIsForgotten() {
    Runner stranger = worker();
    lane.claim(stranger);

    assertThat(lane.next(stranger)).isEmpty();
    assertThat(told).isEmpty();
  }

  @Test
  void aClaimForAnybodyTakesThePreferredOneIfThatIsIdle() {
    Runner preferred = admitted(1);
    Runner other = admitted(1);

    lane.claimAny(5, preferred, false);

    assertThat(told).containsExactly("claimed for 5");
    assertThat(lane.idle()).containsExactly(other);
  }

  @Test
  void aClaimForAnybodyTakesAnyIdleOneIfThePreferredIsBusy() {
    Runner other = admitted(1);
    Runner preferred = admitted(1);
    offered();

    lane.claimAny(5, preferred, false);

    assertThat(told).containsExactly("claimed for 5");
    assertThat(lane.idle()).isEmpty();
    assertThat(lane.next(other)).isEmpty();
    assertThat(lane.idle()).isEmpty();
  }

  @Test
  void claimsAndCallsAreServedInTheOrderOfTheirArrival() {
    Runner runner = admitted(1);
    offered();
    PendingCall before = offered();
    lane.claimAny(5, null, false);
    PendingCall behind = offered();

    assertThat(lane.next(runner)).containsExactly(before);
    assertThat(lane.next(runner)).isEmpty();
    assertThat(told).containsExactly("claimed for 5");
    assertThat(lane.waiting()).isEqualTo(1);
    assertThat(behind.attempts()).isZero();
  }

  @Test
  void aClaimThatGoesFirstGoesBeforeWaitingCalls() {
    Runner runner = admitted(1);
    offered();
    offered();
    lane.claimAny(5, null, true);

    assertThat(lane.next(runner)).isEmpty();
    assertThat(told).containsExactly("claimed for 5");
  }

  @Test
  void aWorkerIsHandedOutOnlyWhenAllItsPlacesAreFree() {
    Runner runner = admitted(3);
    offered(2);
    lane.claimAny(5, null, false);
    assertThat(told).isEmpty();

    assertThat(lane.next(runner)).isEmpty();
    assertThat(told).isEmpty();
    assertThat(lane.next(runner)).isEmpty();

    assertThat(told).containsExactly("claimed for 5");
    assertThat(lane.idle()).isEmpty();
  }

  @Test
  void thePlacesOfAWorkerThatIsWantedAreKeptFree() {
    Runner runner = admitted(2);
    offered();
    lane.claim(runner);

    PendingCall waits = offered();

    assertThat(waits.attempts()).isZero();
    assertThat(written(runner)).isEqualTo(1);
    assertThat(lane.waiting()).isEqualTo(1);
  }

  @Test
  void theIdlestWorkerIsClaimedIfNoneIsIdleInAllItsPlaces() {
    Runner busier = admitted(3);
    Runner idler = admitted(3);
    offered(3);
    // Two of the calls are at the one, one is at the other.
    Runner best = written(idler) < written(busier) ? idler : busier;
    lane.claimAny(5, null, false);

    assertThat(lane.next(best)).isEmpty();
    assertThat(told).containsExactly("claimed for 5");
  }

  @Test
  void aClaimThatIsTakenBackLeavesNoTraceInTheLine() {
    Runner runner = admitted(1);
    offered();
    lane.claimAny(5, null, false);
    lane.unclaim(5);

    assertThat(lane.next(runner)).isEmpty();
    assertThat(told).isEmpty();
    assertThat(lane.idle()).containsExactly(runner);
  }

  @Test
  void placesThatWereHeldForAClaimTakeCallsWhenItIsTakenBack() {
    Runner runner = admitted(3);
    offered();
    lane.claimAny(5, null, false);
    PendingCall waits = offered();
    assertThat(waits.attempts()).isZero();

    lane.unclaim(5);

    assertThat(waits.attempts()).isEqualTo(1);
    assertThat(written(runner)).isEqualTo(2);
    offered();
    assertThat(written(runner)).isEqualTo(3);
    assertThat(told).isEmpty();
  }

  @Test
  void aWorkerThatIsClaimedByNameTooIsHandedOutAlthoughTheOtherClaimIsTakenBack() {
    Runner runner = admitted(2);
    offered();
    lane.claimAny(5, null, false);
    lane.claim(runner);
    lane.unclaim(5);
    PendingCall waits = offered();

    assertThat(lane.next(runner)).isEmpty();

    assertThat(told).containsExactly("claimed for 0");
    assertThat(waits.attempts()).isZero();
  }

  @Test
  void aWorkerThatIsClaimedByNameTooServesTheRequestThatItWasClaimedFor() {
    Runner runner = admitted(2);
    offered();
    lane.claimAny(5, null, false);
    lane.claim(runner);

    assertThat(lane.next(runner)).isEmpty();

    assertThat(told).containsExactly("claimed for 5");
  }

  @Test
  void theClaimOnAWorkerThatGoesMovesToTheFrontOfTheLine() {
    Runner gone = admitted(2);
    offered();
    lane.claimAny(5, null, false);
    offered();
    lane.remove(gone);

    admitted(1);

    assertThat(told).containsExactly("claimed for 5");
    assertThat(lane.waiting()).isEqualTo(1);
  }

  @Test
  void theClaimOnAWorkerThatGoesFindsOneThatIsIdle() {
    Runner gone = admitted(2);
    offered();
    lane.claimAny(5, null, false);
    Runner other = admitted(1);

    lane.remove(gone);

    assertThat(told).containsExactly("claimed for 5");
    assertThat(lane.idle()).doesNotContain(other);
  }

  @Test
  void aWorkerThatWentGetsNothingMore() {
    Runner runner = admitted(1);
    lane.remove(runner);
    offered();

    assertThat(lane.next(runner)).isEmpty();
    assertThat(lane.more(runner, 1)).isEmpty();
    assertThat(written(runner)).isZero();
    assertThat(told).containsExactly("nobody there");
  }

  // ---- calls that come back

  @Test
  void whatComesBackGoesBeforeAllOthersInItsOrder() {
    Runner runner = admitted(1);
    offered();
    PendingCall waits = offered();
    PendingCall first = call();
    PendingCall second = call();

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
