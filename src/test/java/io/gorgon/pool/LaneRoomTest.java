package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.Payload;
import io.gorgon.proving.QuietConnection;
import io.gorgon.worker.Dialogue;
import io.gorgon.worker.PendingCall;
import io.gorgon.worker.Runner;
import io.gorgon.worker.Runners;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Places that are idle, held or busy, and the workers that are whole. */
class LaneRoomTest {

  private final LaneRoom room = new LaneRoom();
  private final QuietConnection connection = new QuietConnection();

  private Runner worker(int concurrency, int calls) {
    Runner runner = Runners.on(connection, concurrency, calls);
    room.add(runner);
    return runner;
  }

  private Runner resting(int concurrency) {
    Runner runner = worker(concurrency, 0);
    for (int i = 0; i < concurrency; i++) {
      room.rest(runner);
    }
    return runner;
  }

  @Test
  void theWorkerThatWasUsedLastIsUsedFirst() {
    Runner first = resting(1);
    Runner second = resting(1);

    assertThat(room.idle()).containsExactly(second, first);
    assertThat(room.pollIdle()).isSameAs(second);
    assertThat(room.pollIdle()).isSameAs(first);
    assertThat(room.pollIdle()).isNull();
  }

  @Test
  void placesOfOneWorkerGoBehindThoseOfOthers() {
    Runner first = resting(2);
    Runner second = resting(2);
    room.pollIdle();
    room.rest(first);

    assertThat(room.pollIdle()).isSameAs(first);
    assertThat(room.pollIdle()).isSameAs(second);
    assertThat(room.pollIdle()).isSameAs(second);
    assertThat(room.pollIdle()).isSameAs(first);
  }

  @Test
  void aWorkerIsIdleOnlyWithAllItsPlaces() {
    Runner runner = resting(2);
    room.pollIdle();
    assertThat(room.idle()).isEmpty();

    room.rest(runner);

    assertThat(room.idle()).containsExactly(runner);
  }

  @Test
  void aWorkerThatClosedIsPassedOver() {
    resting(1);
    connection.shut();

    assertThat(room.idlest(null)).isNull();
    assertThat(room.pollIdle()).isNull();
  }

  @Test
  void idlePlacesOfAWorkerWhoseCallsAreSpentAreHeldUntilItIsClaimed() {
    Runner runner = worker(2, 1);
    room.rest(runner);
    runner.start(List.of(new PendingCall("c", Call.of("m:f"), Payload.EMPTY, 0, 0, Dialogue.NONE)));

    assertThat(room.pollIdle()).isNull();
    room.hold(runner);
    room.want(runner, LaneRoom.BY_NAME);

    assertThat(room.isWhole(runner)).isTrue();
  }

  @Test
  void aWorkerIsWholeWhenItIsWantedAndAllItsPlacesAreHeld() {
    Runner runner = resting(2);
    assertThat(room.isWhole(runner)).isFalse();
    room.pollIdle();
    room.want(runner, 5);
    assertThat(room.isWanted(runner)).isTrue();
    assertThat(room.isWhole(runner)).isFalse();

    room.hold(runner);

    assertThat(room.isWhole(runner)).isTrue();
    assertThat(room.remove(runner)).isEqualTo(5);
    assertThat(room.isWhole(runner)).isFalse();
    assertThat(room.isWanted(runner)).isFalse();
  }

  @Test
  void aWorkerThatIsRemovedLeavesNothingBehind() {
    Runner runner = resting(2);

    assertThat(room.remove(runner)).isEqualTo(LaneRoom.BY_NAME);

    assertThat(room.contains(runner)).isFalse();
    assertThat(room.isEmpty()).isTrue();
    assertThat(room.pollIdle()).isNull();
    assertThat(room.release(runner)).isZero();
  }

  @Test
  void whoIsWantedForARequestAndByNameIsWantedForTheRequest() {
    Runner named = resting(1);
    room.want(named, LaneRoom.BY_NAME);
    room.want(named, 5);
    assertThat(room.remove(named)).isEqualTo(5);

    Runner asked = resting(1);
    room.want(asked, 6);
    room.want(asked, LaneRoom.BY_NAME);
    assertThat(room.remove(asked)).isEqualTo(6);
  }

  @Test
  void whoIsWantedByNoRequestAnyMoreLetsItsPlacesGo() {
    Runner runner = resting(2);
    room.want(runner, 5);

    assertThat(room.unwant(4)).isNull();
    assertThat(room.unwant(5)).isSameAs(runner);

    assertThat(room.isWanted(runner)).isFalse();
    assertThat(room.release(runner)).isEqualTo(2);
    assertThat(room.release(runner)).isZero();
  }

  @Test
  void whoIsWantedByNameStaysSoWhenItsRequestIsTakenBack() {
    Runner runner = resting(1);
    room.want(runner, 5);
    room.want(runner, LaneRoom.BY_NAME);

    assertThat(room.unwant(5)).isNull();

    assertThat(room.isWhole(runner)).isTrue();
    assertThat(room.remove(runner)).isEqualTo(LaneRoom.BY_NAME);
  }

  @Test
  void aNameIsForgottenWithItsWorker() {
    Runner runner = resting(1);
    room.want(runner, LaneRoom.BY_NAME);
    room.remove(runner);
    room.add(runner);
    room.rest(runner);
    room.want(runner, 5);

    assertThat(room.unwant(5)).isSameAs(runner);
  }

  @Test
  void theIdlestIsThePreferredOneIfThatIsWhollyIdleElseTheOneWithMostPlaces() {
    Runner half = resting(2);
    room.pollIdle();
    Runner whole = resting(2);

    assertThat(room.idlest(half)).isSameAs(whole);
    assertThat(room.idlest(null)).isSameAs(whole);
    Runner also = resting(2);
    assertThat(room.idlest(also)).isSameAs(also);
  }
}
