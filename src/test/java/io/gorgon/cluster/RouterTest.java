package io.gorgon.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.DeadlineExceeded.Phase;
import io.gorgon.message.PythonFailure.Draining;
import io.gorgon.message.PythonFailure.NoCapacity;
import io.gorgon.message.PythonFailure.NodeLost;
import io.gorgon.message.PythonFailure.Overloaded;
import io.gorgon.pool.PoolStatus;
import io.gorgon.wire.Frame;
import io.gorgon.worker.PendingCall;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Where calls go, and where they wait, as nodes come, fill up and go. */
class RouterTest {

  private final Nodes nodes = new Nodes();
  private final Router router = nodes.router;

  @Test
  void oneThatANodeHasRefusedHoldsUpNobodyWhoMayGoThere() {
    Station free = nodes.node("free", 1, 1);
    PendingCall refused = nodes.offer();
    Station full = nodes.node("full", 1, 1);
    nodes.offer();
    assertThat(nodes.last().to()).isSameAs(full);
    nodes.sent.get(0).crossing().failed(new Overloaded("p", 1, 1, "none"));
    assertThat(refused.isDone()).isFalse();

    PendingCall next = nodes.offer();

    assertThat(nodes.last().crossing().call()).isSameAs(next);
    assertThat(nodes.last().to()).isSameAs(free);
  }

  @Test
  void refusalsDoNotCountAsRunsOfAnIdempotentCall() {
    Station first = nodes.node("first", 1, 1);
    PendingCall call = nodes.offer(Call.of("m:f").idempotent(1));
    Station second = nodes.node("second", 1, 1);
    nodes.last().crossing().failed(new Draining("p", false));
    assertThat(nodes.last().to()).isSameAs(second);
    Station third = nodes.node("third", 1, 1);

    router.gone(second.gate());

    assertThat(nodes.last().to()).isSameAs(third);
    assertThat(nodes.last().crossing().call()).isSameAs(call);
    assertThat(first).isNotSameAs(third);
  }

  // ---- the choice

  @Test
  void theLeastLoadedGetsTheNextCall() {
    Station busy = nodes.node("busy", 2, 10);
    Station free = nodes.node("free", 2, 10);
    nodes.load(busy, PoolStatus.RUNNING, 2, 10, 3);

    nodes.offer();
    nodes.offer();
    nodes.offer();
    nodes.offer();

    assertThat(nodes.sent).extracting(Nodes.Sent::to).containsExactly(free, free, free, busy);
  }

  @Test
  void moreWorkersTakeMoreCalls() {
    Station small = nodes.node("small", 1, 10);
    Station big = nodes.node("big", 3, 10);

    for (int i = 0; i < 8; i++) {
      nodes.offer();
    }

    assertThat(nodes.sent).filteredOn(sent -> sent.to() == small).hasSize(2);
    assertThat(nodes.sent).filteredOn(sent -> sent.to() == big).hasSize(6);
  }

  @Test
  void thisNodeGoesBeforeOthersThatAreAsFree() {
    nodes.node("other", 1, 10);
    Station own = nodes.thisNode(1, 10);
    nodes.node("another", 1, 10);

    nodes.offer();

    assertThat(nodes.last().to()).isSameAs(own);
  }

  @Test
  void aNodeThatCannotBeReachedOrTakesNothingGetsNothing() {
    Station away = nodes.node("away", 4, 10);
    router.reachable(away, false);
    Station draining = nodes.node("draining", 4, 10);
    nodes.load(draining, PoolStatus.DRAINING, 4, 10, 0);
    PendingCall call = nodes.offer();
    assertThat(nodes.sent).isEmpty();

    router.reachable(away, true);

    assertThat(nodes.last().crossing().call()).isSameAs(call);
    assertThat(nodes.last().to()).isSameAs(away);
  }

  @Test
  void whereNobodyHopesOneThatIsBrokenSaysWhy() {
    Station broken = nodes.node("broken", 0, 0);
    nodes.load(broken, PoolStatus.BROKEN, 0, 0, 0);
    assertThat(router.status()).isEqualTo(PoolStatus.BROKEN);

    PendingCall call = nodes.offer();

    assertThat(nodes.last().to()).isSameAs(broken);
    nodes.last().crossing().failed(new NoCapacity("p", "it keeps dying", List.of()));
    assertThat(Nodes.failure(call)).isInstanceOf(NoCapacity.class);
  }

  // ---- waiting

  @Test
  void aNodeIsGivenNoMoreThanItWantsAndTheRestWaitsHereInOrder() {
    nodes.node("n", 1, 2);
    nodes.offer();
    nodes.offer();
    PendingCall third = nodes.offer();
    PendingCall fourth = nodes.offer();
    assertThat(nodes.sent).hasSize(2);
    assertThat(router.waiting()).isEqualTo(2);

    nodes.sent.get(0).crossing().answered(Nodes.reply());
    assertThat(nodes.last().crossing().call()).isSameAs(third);
    nodes.sent.get(1).crossing().answered(Nodes.reply());
    assertThat(nodes.last().crossing().call()).isSameAs(fourth);
    assertThat(router.waiting()).isZero();
  }

  @Test
  void oneMoreThanMayWaitIsRefused() {
    nodes.node("n", 1, 1);
    nodes.offer();
    nodes.offer();
    nodes.offer();

    PendingCall refused = nodes.offer();

    assertThat(Nodes.failure(refused)).isInstanceOf(Overloaded.class);
    assertThat(router.waiting()).isEqualTo(2);
  }

  @Test
  void aCallThatIsCancelledWhileItWaitsLeavesTheLine() {
    nodes.node("n", 1, 1);
    nodes.offer();
    PendingCall waits = nodes.offer();

    waits.cancel("why not");

    assertThat(((PythonFailure.Cancelled) Nodes.failure(waits)).started()).isFalse();
    assertThat(router.waiting()).isZero();
  }

  @Test
  void aCallThatWaitsTooLongIsToldForWhat() {
    PendingCall early = nodes.offer();
    nodes.pass(Duration.ofSeconds(11));
    assertThat(((DeadlineExceeded) Nodes.failure(early)).phase()).isEqualTo(Phase.STARTING);

    nodes.node("n", 1, 1);
    nodes.offer();
    PendingCall late = nodes.offer();
    nodes.pass(Duration.ofSeconds(11));
    assertThat(((DeadlineExceeded) Nodes.failure(late)).phase()).isEqualTo(Phase.QUEUED);
  }

  @Test
  void aNodesWordIsWaitedForALittleBeyondTheDeadline() {
    nodes.node("n", 1, 1);
    PendingCall call = nodes.offer();

    nodes.pass(Duration.ofSeconds(10));
    assertThat(call.isDone()).isFalse();
    nodes.pass(Duration.ofMillis(130));

    assertThat(((DeadlineExceeded) Nodes.failure(call)).phase()).isEqualTo(Phase.RUNNING);
    assertThat(router.isQuiet()).isTrue();
  }

  // ---- refusals

  static List<PythonFailure> refusals() {
    return List.of(
        new Draining("p", false),
        new Draining("p", true),
        new Overloaded("p", 1, 1, ""),
        new NoCapacity("p", "", List.of()));
  }

  @ParameterizedTest
  @MethodSource("refusals")
  void whatANodeRefusesGoesToAnotherOne(PythonFailure refusal) {
    Station first = nodes.thisNode(2, 10);
    Station second = nodes.node("second", 1, 10);
    PendingCall call = nodes.offer();
    CallCrossing refused = nodes.last().crossing();
    assertThat(nodes.last().to()).isSameAs(first);

    refused.failed(refusal);

    assertThat(nodes.last().to()).isSameAs(second);
    assertThat(nodes.last().crossing().number()).isNotEqualTo(refused.number());
    assertThat(router.find(refused.number())).isNull();
    nodes.last().crossing().answered(Nodes.reply());
    assertThat(call.answer()).isCompleted();
  }

  @ParameterizedTest
  @MethodSource("refusals")
  void whatAllNodesRefuseIsRefused(PythonFailure refusal) {
    nodes.node("first", 1, 10);
    nodes.node("second", 1, 10);
    PendingCall call = nodes.offer();
    nodes.last().crossing().failed(refusal);
    nodes.last().crossing().failed(refusal);

    if (refusal instanceof Draining) {
      assertThat(call.isDone()).isFalse(); // another node may come in time
      nodes.node("third", 1, 10);
      assertThat(nodes.sent).hasSize(3);
    } else {
      assertThat(Nodes.failure(call)).isSameAs(refusal);
    }
  }

  @Test
  void aFailureOfTheCallItselfGoesNowhereElse() {
    nodes.node("first", 1, 10);
    nodes.node("second", 1, 10);
    PendingCall call = nodes.offer();
    var raised = new PythonFailure.BadArguments("m:f", "()", "x");

    nodes.last().crossing().failed(raised);

    assertThat(Nodes.failure(call)).isSameAs(raised);
    assertThat(nodes.sent).hasSize(1);
  }

  // ---- nodes that go

  @Test
  void whatWasSentToANodeIsLostWithIt() {
    Station lost = nodes.node("lost", 2, 10);
    PendingCall call = nodes.offer();
    nodes.node("other", 2, 10);

    router.gone(lost.gate());

    assertThat(((NodeLost) Nodes.failure(call)).started()).isTrue();
    assertThat(nodes.sent).hasSize(1);
    assertThat(router.isQuiet()).isTrue();
  }

  @Test
  void whatMayBeRepeatedGoesOnElsewhereAsOftenAsItMay() {
    Station first = nodes.node("first", 2, 10);
    PendingCall call = nodes.offer(Call.of("m:f").idempotent(1));
    Station second = nodes.node("second", 2, 10);

    router.gone(first.gate());
    assertThat(nodes.last().to()).isSameAs(second);
    nodes.node("third", 2, 10);
    router.gone(second.gate());

    assertThat(Nodes.failure(call)).isInstanceOf(NodeLost.class);
    assertThat(nodes.sent).hasSize(2);
  }

  @Test
  void whatHasBeenHeardOfIsNotRepeated() {
    Station first = nodes.node("first", 2, 10);
    PendingCall call = nodes.offer(Call.of("m:f").idempotent(3));
    nodes.node("second", 2, 10);
    nodes.last().crossing().told(Frame.of(Frame.Kind.PROGRESS, 0, io.gorgon.message.Payload.EMPTY));

    router.gone(first.gate());

    assertThat(Nodes.failure(call)).isInstanceOf(NodeLost.class);
  }

  @Test
  void whatWaitsHereDoesNotMindANodesEnd() {
    Station first = nodes.node("first", 1, 1);
    nodes.offer();
    PendingCall waits = nodes.offer();
    router.gone(first.gate());
    assertThat(waits.isDone()).isFalse();

    nodes.node("second", 1, 1);

    assertThat(nodes.last().crossing().call()).isSameAs(waits);
  }

  // ---- the end

  @Test
  void aClosedOneAnswersThoseThatWaitAndTakesNothing() {
    nodes.node("n", 1, 1);
    PendingCall runs = nodes.offer();
    PendingCall waits = nodes.offer();

    router.close();

    assertThat(Nodes.failure(waits)).isInstanceOf(Draining.class);
    assertThat(Nodes.failure(nodes.offer())).isInstanceOf(Draining.class);
    assertThat(router.status()).isEqualTo(PoolStatus.DRAINING);
    assertThat(router.isQuiet()).isFalse();
    nodes.last().crossing().answered(Nodes.reply());
    assertThat(runs.answer()).isCompleted();
    assertThat(router.isQuiet()).isTrue();
  }

  @Test
  void whatIsRedirectedAfterTheCloseIsAnswered() {
    nodes.node("first", 1, 1);
    nodes.node("second", 1, 1);
    PendingCall runs = nodes.offer();
    router.close();

    nodes.last().crossing().failed(new Overloaded("p", 1, 1, ""));

    assertThat(Nodes.failure(runs)).isInstanceOf(Draining.class);
  }

  // ---- checkouts

  @Test
  void workersAreBorrowedFromTheLeastLoadedAndCountThere() {
    Station first = nodes.thisNode(1, 4);
    Station second = nodes.node("second", 1, 4);

    assertThat(router.borrowFrom(Set.of())).isSameAs(first);
    assertThat(router.borrowFrom(Set.of())).isSameAs(second);
    router.borrowed(first, -1);
    nodes.offer();
    assertThat(nodes.last().to()).isSameAs(first);
    assertThat(router.borrowFrom(Set.of(first, second))).isNull();
  }
}
