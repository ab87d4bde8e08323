package io.gorgon.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.message.PythonFailure.CommitUnknown;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.Draining;
import io.gorgon.message.PythonFailure.Overloaded;
import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.worker.PendingCall;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.pekko.actor.testkit.typed.javadsl.TestInbox;
import org.apache.pekko.cluster.sharding.typed.javadsl.EntityTypeKey;
import org.apache.pekko.cluster.sharding.typed.testkit.javadsl.TestEntityRef;
import org.junit.jupiter.api.Test;

/** Calls of sessions on their way to the node that has the session, as nodes come and go. */
class ShardedSessionsTest {

  private static final EntityTypeKey<SessionEntity.Command> TYPE =
      EntityTypeKey.create(SessionEntity.Command.class, "s");

  private final Nodes nodes = new Nodes();
  private final TestInbox<SessionEntity.Command> entity = TestInbox.create("entity");
  private final List<Runnable> later = new ArrayList<>();
  private final ShardedSessions sessions =
      new ShardedSessions(
          nodes.settings,
          key -> TestEntityRef.of(TYPE, key, entity.getRef()),
          TestInbox.<Desk.Command>create("desk").getRef(),
          nodes.router,
          new Parcels(null, 1024, 1 << 20),
          nodes::now,
          (delay, task) -> later.add(task));
  private final Station home = nodes.node("home", 1, 1);

  ShardedSessionsTest() {
    nodes.router.watchedBy(sessions);
  }

  private PendingCall submit() {
    PendingCall call = nodes.pending(Call.of("m:f"));
    sessions.submit("key", call, Affinity.PREFER, (pending, preferred) -> {});
    return call;
  }

  /** Opens to whoever knocks, and takes the call. */
  private SessionEntity.Serve served() {
    return servedBy(home);
  }

  private SessionEntity.Serve servedBy(Station owner) {
    SessionEntity.Command message = entity.receiveMessage();
    if (message instanceof SessionEntity.Knock knock) {
      ((SessionCrossing) nodes.router.find(knock.number()))
          .ownedBy(new Owner(entity.getRef(), owner.gate()));
      message = entity.receiveMessage();
    }
    return (SessionEntity.Serve) message;
  }

  private SessionCrossing crossing(SessionEntity.Serve serve) {
    return (SessionCrossing) nodes.router.find(serve.number());
  }

  /** A call that its node has taken in; from now on it is known where the session is. */
  private SessionCrossing taken() {
    SessionCrossing crossing = crossing(served());
    crossing.taken(home.gate());
    return crossing;
  }

  @Test
  void callsGoInTheirOrderAndAreAnswered() {
    List<PendingCall> calls = List.of(submit(), submit(), submit());
    for (PendingCall call : calls) {
      SessionEntity.Serve serve = served();
      assertThat(serve.errand().callId()).isEqualTo(call.id());
      assertThat(entity.hasMessages()).isFalse();
      crossing(serve).answered(Nodes.reply());
      assertThat(call.answer()).isCompleted();
    }
    assertThat(nodes.router.isQuiet()).isTrue();
  }

  @Test
  void callsForANodeThatIsCutOffWaitAndGoInTheirOrderWhenItIsBack() {
    submit();
    taken().answered(Nodes.reply());
    nodes.router.reachable(home, false);
    PendingCall first = submit();
    PendingCall second = submit();
    assertThat(entity.hasMessages()).isFalse();

    nodes.router.reachable(home, true);

    SessionEntity.Serve serve = served();
    assertThat(serve.errand().callId()).isEqualTo(first.id());
    assertThat(entity.hasMessages()).isFalse();
    crossing(serve).answered(Nodes.reply());
    assertThat(served().errand().callId()).isEqualTo(second.id());
  }

  @Test
  void callsForANodeThatIsGoneGoWhereverTheSessionIsThen() {
    submit();
    taken().answered(Nodes.reply());
    nodes.router.reachable(home, false);
    PendingCall call = submit();

    nodes.router.gone(home.gate());

    Station next = nodes.node("next", 1, 1);
    assertThat(servedBy(next).errand().callId()).isEqualTo(call.id());
  }

  @Test
  void noMoreThanMayWaitDo() {
    submit();
    taken().answered(Nodes.reply());
    nodes.router.reachable(home, false);
    submit();
    submit();

    assertThat(Nodes.failure(submit())).isInstanceOf(Overloaded.class);
  }

  @Test
  void whatWaitsHasNotStartedHoweverItEnds() {
    submit();
    taken().answered(Nodes.reply());
    nodes.router.reachable(home, false);
    PendingCall cancelled = submit();
    PendingCall late = submit();

    cancelled.cancel("why not");
    nodes.pass(Duration.ofSeconds(10));

    assertThat(((Cancelled) Nodes.failure(cancelled)).started()).isFalse();
    assertThat(((DeadlineExceeded) Nodes.failure(late)).phase())
        .isEqualTo(DeadlineExceeded.Phase.QUEUED);
    nodes.router.reachable(home, true);
    assertThat(entity.hasMessages()).isFalse();
  }

  @Test
  void aCloseAnswersThoseThatWait() {
    submit();
    taken().answered(Nodes.reply());
    nodes.router.reachable(home, false);
    PendingCall waits = submit();

    nodes.router.close();

    assertThat(Nodes.failure(waits)).isInstanceOf(Draining.class);
    assertThat(Nodes.failure(submit())).isInstanceOf(Draining.class);
    assertThat(nodes.router.isQuiet()).isTrue();
  }

  @Test
  void whoseNodeIsGoneCannotKnowWhatWasKept() {
    PendingCall call = submit();
    taken();

    nodes.router.gone(home.gate());

    assertThat(Nodes.failure(call)).isInstanceOf(CommitUnknown.class);
  }

  @Test
  void itIsAskedAgainWhereNobodyOpens() {
    PendingCall call = submit();
    assertThat(entity.receiveMessage()).isInstanceOf(SessionEntity.Knock.class);

    List.copyOf(later).forEach(Runnable::run);

    assertThat(served().errand().callId()).isEqualTo(call.id());
  }

  @Test
  void whoeverNobodyOpensToHasNotStarted() {
    PendingCall call = submit();

    nodes.pass(Duration.ofSeconds(10));

    assertThat(((DeadlineExceeded) Nodes.failure(call)).phase())
        .isEqualTo(DeadlineExceeded.Phase.QUEUED);
  }

  @Test
  void whatAnOwnerThatEndsHasNotTakenInGoesToTheNextOne() {
    PendingCall call = submit();
    served();

    sessions.onLeft("key", entity.getRef(), 0);
    List.copyOf(later).forEach(Runnable::run);

    assertThat(served().errand().callId()).isEqualTo(call.id());
  }

  @Test
  void whatAnOwnerThatEndsHasTakenInIsNotRunAgainThoughNothingWasHeardOfIt() {
    PendingCall call = submit();
    SessionEntity.Serve serve = served();

    sessions.onLeft("key", entity.getRef(), serve.number());

    assertThat(Nodes.failure(call)).isInstanceOf(CommitUnknown.class);
    List.copyOf(later).forEach(Runnable::run);
    assertThat(entity.getAllReceived()).noneMatch(SessionEntity.Serve.class::isInstance);
  }

  @Test
  void anOwnerThatSaysNothingIsNotTakenForOneAnyMore() {
    submit();
    served();
    nodes.pass(Duration.ofSeconds(11));
    assertThat(entity.getAllReceived()).hasOnlyElementsOfType(SessionEntity.GiveUp.class);

    submit();

    assertThat(entity.receiveMessage()).isInstanceOf(SessionEntity.Knock.class);
  }

  @Test
  void aCancelIsAnsweredByTheNode() {
    PendingCall call = submit();
    SessionEntity.Serve serve = served();

    call.cancel("why not");

    assertThat(call.isDone()).isFalse();
    assertThat(((SessionEntity.GiveUp) entity.receiveMessage()).number()).isEqualTo(serve.number());
    crossing(serve).failed(new Cancelled("m:f", true, "by its caller"));
    assertThat(((Cancelled) Nodes.failure(call)).started()).isTrue();
  }

  @Test
  void aCancelThatCameTooLateGivesTheValue() {
    PendingCall call = submit();
    SessionCrossing crossing = crossing(served());
    call.cancel("why not");

    crossing.answered(Nodes.reply());

    assertThat(call.answer()).isCompleted();
  }

  @Test
  void aCancelThatNobodyAnswersLeavesItUnknown() {
    PendingCall call = submit();
    served();
    call.cancel("why not");

    nodes.pass(Duration.ofMillis(130));

    assertThat(Nodes.failure(call)).isInstanceOf(CommitUnknown.class);
  }

  @Test
  void aDeadlineThatTheNodeSaysNothingOfLeavesItUnknown() {
    PendingCall call = submit();
    served();
    nodes.pass(Duration.ofSeconds(10));
    assertThat(call.isDone()).isFalse();

    nodes.pass(Duration.ofMillis(130));

    assertThat(Nodes.failure(call)).isInstanceOf(CommitUnknown.class);
  }

  @Test
  void aSessionThatMovesIsAskedAgainALittleLater() {
    PendingCall call = submit();
    SessionCrossing refused = crossing(served());

    refused.failed(new Draining("p", false));
    assertThat(entity.hasMessages()).isFalse();
    List.copyOf(later).forEach(Runnable::run);

    SessionEntity.Serve again = served();
    assertThat(again.number()).isNotEqualTo(refused.number());
    crossing(again).answered(Nodes.reply());
    assertThat(call.answer()).isCompleted();
    assertThat(nodes.router.isQuiet()).isTrue();
  }

  @Test
  void aSessionThatMovesForTooLongEndsWithItsDeadline() {
    PendingCall call = submit();
    crossing(served()).failed(new Draining("p", false));

    nodes.pass(Duration.ofSeconds(10));

    assertThat(Nodes.failure(call)).isInstanceOf(DeadlineExceeded.class);
    List.copyOf(later).forEach(Runnable::run);
    assertThat(entity.hasMessages()).isFalse();
    assertThat(nodes.router.isQuiet()).isTrue();
  }

  @Test
  void laterCallsDoNotOvertakeOneWhoseSessionMoves() {
    PendingCall first = submit();
    crossing(served()).failed(new Draining("p", false));

    PendingCall second = submit();
    List.copyOf(later).forEach(Runnable::run);

    SessionEntity.Serve serve = served();
    assertThat(serve.errand().callId()).isEqualTo(first.id());
    assertThat(entity.hasMessages()).isFalse();
    crossing(serve).answered(Nodes.reply());
    assertThat(served().errand().callId()).isEqualTo(second.id());
  }
}
