package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.worker.PendingCall;
import io.gorgon.worker.Runner;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which calls travel together, and how many. */
class LaneBatchTest extends LaneScene {

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
  void ofBriefCallsAWorkerTakesFourTimesAsMany() {
    makeBrief("m:f");
    Runner runner = admitted(1);
    offered();
    List<PendingCall> waiting = offered(CAPACITY);

    assertThat(lane.next(runner)).containsExactlyElementsOf(waiting.subList(0, 4 * BATCH));
  }

  @Test
  void aShortCallWaitsBehindNoMoreBriefOnesThanShortOnes() {
    makeBrief("m:brief");
    makeShort("m:f");
    Runner runner = admitted(1);
    lane.offer(call("m:brief", 0));
    for (int i = 0; i < BATCH; i++) {
      lane.offer(call("m:brief", 0));
    }
    PendingCall behind = offered();

    assertThat(lane.next(runner)).hasSize(BATCH).doesNotContain(behind);
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
}
