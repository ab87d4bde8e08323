package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.worker.PendingCall;
import io.gorgon.worker.Runner;
import org.junit.jupiter.api.Test;

/** When a worker is handed out, and for whom. */
class LaneClaimsTest extends LaneScene {

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
}
