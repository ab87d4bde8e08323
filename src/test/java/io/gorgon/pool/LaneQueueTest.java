package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.Payload;
import io.gorgon.worker.Dialogue;
import io.gorgon.worker.PendingCall;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** One order for calls and claims. */
class LaneQueueTest {

  private final LaneQueue queue = new LaneQueue();
  private int numbers;

  private PendingCall call() {
    numbers++;
    return new PendingCall("c", Call.of("m:f"), Payload.EMPTY, numbers, 1_000, Dialogue.NONE);
  }

  private PendingCall added() {
    PendingCall call = call();
    queue.addLast(call);
    return call;
  }

  private List<String> drained() {
    List<String> all = new ArrayList<>();
    for (LaneQueue.Entry entry = queue.poll(); entry != null; entry = queue.poll()) {
      PendingCall call = entry.call();
      all.add(call == null ? "claim " + entry.claim() : "call " + call.enteredAt());
    }
    return all;
  }

  @Test
  void callsAndClaimsComeOutAsTheyWentIn() {
    added();
    queue.addClaim(8, false);
    added();
    queue.addClaim(9, true);

    assertThat(queue.calls()).isEqualTo(2);
    assertThat(drained()).containsExactly("claim 9", "call 1", "claim 8", "call 2");
    assertThat(queue.calls()).isZero();
    assertThat(queue.isEmpty()).isTrue();
  }

  @Test
  void whatIsPutBackStandsBeforeEverythingInItsOwnOrder() {
    added();
    queue.addClaim(8, true);
    queue.addFirst(List.of(call(), call()));

    assertThat(queue.calls()).isEqualTo(3);
    assertThat(drained()).containsExactly("call 2", "call 3", "claim 8", "call 1");
  }

  /** Those that a worker has taken back from it are told one after the other. */
  @Test
  void whatIsPutBackOneByOneStandsInTheOrderOfItsComing() {
    PendingCall first = call();
    PendingCall second = call();
    PendingCall third = call();
    added();
    queue.addFirst(List.of(first));
    queue.addFirst(List.of(third));
    queue.addFirst(List.of(second));

    assertThat(queue.calls()).isEqualTo(4);
    assertThat(drained()).containsExactly("call 1", "call 2", "call 3", "call 4");
  }

  @Test
  void callsThatWereAnsweredMeanwhileAreSkippedAndNotCounted() {
    PendingCall answered = added();
    added();
    answered.cancel("meanwhile");

    assertThat(drained()).containsExactly("call 2");
    assertThat(queue.calls()).isZero();
  }

  @Test
  void aBatchTakesWhatFitsUpToItsSizeAndSkipsTheAnswered() {
    PendingCall first = added();
    added().cancel("meanwhile");
    PendingCall third = added();
    PendingCall fourth = added();
    List<PendingCall> batch = new ArrayList<>();

    queue.pollInto(batch, 2, (call, taken) -> true);

    assertThat(batch).containsExactly(first, third);
    assertThat(queue.calls()).isEqualTo(1);
    queue.pollInto(batch, 4, (call, taken) -> call != fourth);
    assertThat(batch).containsExactly(first, third);
    assertThat(queue.calls()).isEqualTo(1);
  }

  @Test
  void aBatchEndsAtAClaimAndLeavesItThere() {
    PendingCall first = added();
    queue.addClaim(8, false);
    added();
    List<PendingCall> batch = new ArrayList<>();

    queue.pollInto(batch, 9, (call, taken) -> true);

    assertThat(batch).containsExactly(first);
    assertThat(drained()).containsExactly("claim 8", "call 2");
  }

  @Test
  void onlyWhatIsThereCanBeRemoved() {
    PendingCall call = added();
    queue.addClaim(8, false);

    assertThat(queue.remove(call())).isFalse();
    assertThat(queue.removeClaim(0)).isFalse();
    assertThat(queue.removeClaim(9)).isFalse();
    assertThat(queue.calls()).isEqualTo(1);
    assertThat(queue.remove(call)).isTrue();
    assertThat(queue.remove(call)).isFalse();
    assertThat(queue.removeClaim(8)).isTrue();
    assertThat(queue.removeClaim(8)).isFalse();
    assertThat(queue.calls()).isZero();
    assertThat(queue.isEmpty()).isTrue();
  }

  @Test
  void callsThatAreMeantGoAndClaimsStay() {
    PendingCall first = added();
    queue.addClaim(8, false);
    PendingCall second = added();

    assertThat(queue.removeCalls(call -> call == second)).containsExactly(second);
    assertThat(queue.removeCalls(call -> true)).containsExactly(first);
    assertThat(queue.calls()).isZero();
    assertThat(drained()).containsExactly("claim 8");
  }

  @Test
  void theLineWaitsSinceItsFirstCallEnteredWhateverClaimsStandBeforeIt() {
    queue.addClaim(8, false);
    assertThat(queue.waitingSince()).isEmpty();

    PendingCall first = added();
    added();

    assertThat(queue.waitingSince()).hasValue(first.enteredAt());
  }
}
