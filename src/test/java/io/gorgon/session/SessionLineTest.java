package io.gorgon.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.CommitUnknown;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.Overloaded;
import io.gorgon.message.PythonFailure.ProtocolViolation;
import io.gorgon.message.PythonFailure.SessionConflict;
import io.gorgon.message.PythonFailure.StateTooNew;
import io.gorgon.message.PythonFailure.StoreUnavailable;
import io.gorgon.message.PythonFailure.WorkerLost;
import io.gorgon.message.Reply;
import io.gorgon.message.WorkerId;
import io.gorgon.pool.SessionSettings;
import io.gorgon.wire.Frame;
import io.gorgon.worker.Dialogue;
import io.gorgon.worker.PendingCall;
import io.gorgon.worker.Settled;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The order of a session, and what a store that is slow, away or ahead does to its calls. */
class SessionLineTest {

  private static final WorkerId FIRST = new WorkerId("p", 0, 1);
  private static final WorkerId OTHER = new WorkerId("p", 1, 1);

  private final SlowStore store = new SlowStore();
  private final Deque<PendingCall> sent = new ArrayDeque<>();
  private final List<@Nullable WorkerId> preferred = new ArrayList<>();
  private final List<Runnable> alarms = new ArrayList<>();
  private Instant time = Instant.EPOCH;
  private int calls;

  private final Sessions sessions =
      new Sessions(
          "p",
          new SessionSettings(
              "memory",
              Duration.ofSeconds(100),
              2,
              1_000,
              Duration.ofSeconds(1),
              Duration.ofHours(1)),
          store,
          () -> 0,
          () -> time,
          (delay, task) -> {
            alarms.add(task);
            return () -> alarms.remove(task);
          },
          3);

  private PendingCall call() {
    calls++;
    var call =
        new PendingCall("c-" + calls, Call.of("m:f"), Payload.EMPTY, 0, 1_000, Dialogue.NONE);
    sessions.submit(
        "s",
        call,
        (pending, wish) -> {
          sent.add(pending);
          preferred.add(wish);
        });
    return call;
  }

  /** The worker answers the call, with a patch of that version if there is one. */
  private void answers(PendingCall call, WorkerId worker, long version) {
    Settled.opened(call, worker);
    if (version >= 0) {
      Settled.patched(call, patch(version));
    }
    var reply =
        new Reply(call.id(), worker, 1, Duration.ZERO, Duration.ZERO, Payload.plain(new byte[0]));
    call.complete(reply);
    Settled.left(call);
  }

  private static Frame patch(long version) {
    byte[] body =
        ("{\"version\":" + version + ",\"set\":[\"n\"],\"gone\":[]}")
            .getBytes(StandardCharsets.UTF_8);
    var value = ByteBuffer.wrap(new byte[] {1, 0, 0, 0, 0, 0, 1, '7'});
    return Frame.of(Frame.Kind.PATCH, 1, new Payload(body, false, List.of(value)));
  }

  private static @Nullable Throwable failure(PendingCall call) {
    try {
      call.answer().getNow(null);
      return null;
    } catch (CompletionException failed) {
      return failed.getCause();
    }
  }

  @Test
  void aCallIsAnsweredWhenItsChangesAreKeptAndTheNextStartsThen() {
    PendingCall first = call();
    PendingCall second = call();
    assertThat(sent).containsExactly(first);

    answers(sent.poll(), FIRST, 0);

    assertThat(first.answer()).isNotDone();
    assertThat(first.cancel("too late")).isFalse();
    assertThat(sent).isEmpty();
    store.keep();
    assertThat(first.answer()).isCompleted();
    assertThat(sent).containsExactly(second);
    assertThat(preferred).containsExactly(null, FIRST);
  }

  @Test
  void theNextCallWaitsUntilNoWorkerRunsTheOneBefore() {
    PendingCall first = call();
    PendingCall second = call();
    Settled.opened(sent.poll(), FIRST);

    first.cancel("no longer wanted");
    assertThat(sent).isEmpty();
    Settled.left(first);

    assertThat(sent).containsExactly(second);
    // What the cancelled one changed has gone with it.
    assertThat(store.asked()).isZero();
  }

  @Test
  void aWorkerThatHasTheVersionIsSentNoState() {
    call();
    Frame opening = Settled.opened(sent.peek(), FIRST);
    assertThat(text(opening)).contains("\"version\":0").contains("\"names\":[]");
    answers(sent.poll(), FIRST, 0);
    store.keep();

    call();
    assertThat(text(Settled.opened(sent.peek(), FIRST)))
        .contains("\"version\":1")
        .doesNotContain("names");
    Frame other = Settled.opened(sent.peek(), OTHER);
    assertThat(text(other)).contains("\"names\":[\"n\"]");
    assertThat(other.payload().attachments()).hasSize(1);
    Settled.refused(sent.peek(), FIRST);
    assertThat(text(Settled.opened(sent.peek(), FIRST))).contains("\"names\":[\"n\"]");
  }

  private static String text(Frame frame) {
    return new String(frame.body(), StandardCharsets.UTF_8);
  }

  @Test
  void aDeadlineInTheCommitIsUnknownAndTheNextCallWaitsForTheCommit() {
    PendingCall first = call();
    PendingCall second = call();
    answers(sent.poll(), FIRST, 0);

    alarms.remove(0).run();

    assertThat(failure(first)).isInstanceOf(CommitUnknown.class);
    assertThat(((CommitUnknown) failure(first)).version()).isEqualTo(1);
    assertThat(sent).isEmpty();
    store.keep();
    assertThat(sent).containsExactly(second);
    assertThat(text(Settled.opened(second, OTHER))).contains("\"version\":1");
  }

  @Test
  void aLostRaceIsAConflictAndTheNextCallStartsFromWhatIsThere() {
    PendingCall first = call();
    answers(sent.poll(), FIRST, 0);
    store.keepElsewhere(SessionState.fresh("s", 9, time).touchedAt(time));

    store.keep();

    assertThat(failure(first)).isInstanceOf(SessionConflict.class);
    call();
    assertThat(text(Settled.opened(sent.peek(), FIRST)))
        .contains("\"birth\":9,\"version\":1")
        .contains("names");
  }

  @Test
  void aStoreThatIsAwayKeepsNothingAndWhatItSaysOtherwiseIsUnknown() {
    PendingCall first = call();
    answers(sent.poll(), FIRST, 0);
    store.fail(new StoreUnavailable("s", false, "no connection"));
    assertThat(failure(first)).isInstanceOf(StoreUnavailable.class);
    assertThat(((StoreUnavailable) failure(first)).started()).isTrue();

    PendingCall second = call();
    answers(sent.poll(), FIRST, 0);
    store.fail(new IllegalStateException("the connection broke"));
    assertThat(failure(second)).isInstanceOf(CommitUnknown.class);
    PendingCall third = call();
    assertThat(text(Settled.opened(sent.peek(), FIRST)))
        .contains("\"version\":0")
        .contains("names");
    answers(sent.poll(), FIRST, 0);
    store.keep();
    assertThat(third.answer()).isCompleted();
  }

  @Test
  void aPatchOfAnotherVersionIsRefused() {
    PendingCall first = call();
    answers(sent.poll(), FIRST, 5);

    assertThat(failure(first)).isInstanceOf(ProtocolViolation.class);
    assertThat(store.asked()).isZero();
  }

  @Test
  void callsThatWaitAreBoundedAndEndByTheirDeadlines() {
    call();
    List<PendingCall> waiting = List.of(call(), call(), call());
    assertThat(failure(call())).isInstanceOf(Overloaded.class);

    sessions.onTick(1_000);

    waiting.forEach(call -> assertThat(failure(call)).isInstanceOf(DeadlineExceeded.class));
    // Their room is free again.
    call();
    call();
    assertThat(failure(call())).isNull();
    assertThat(failure(call())).isInstanceOf(Overloaded.class);
  }

  @Test
  void aLongLineThatIsRefusedOneByOneEndsWithoutDepth() {
    var deep =
        new Sessions(
            "p",
            new SessionSettings(
                "memory", Duration.ZERO, 0, 1_000, Duration.ofSeconds(1), Duration.ofHours(1)),
            new MemoryStore(),
            () -> 0,
            () -> time,
            (delay, task) -> () -> {},
            100_000);
    List<PendingCall> all = new ArrayList<>();
    List<PendingCall> held = new ArrayList<>();
    for (int i = 0; i < 50_000; i++) {
      var call = new PendingCall("d-" + i, Call.of("m:f"), Payload.EMPTY, 0, 1_000, Dialogue.NONE);
      all.add(call);
      deep.submit(
          "s",
          call,
          (pending, wish) -> {
            if (held.isEmpty()) {
              held.add(pending);
            } else {
              pending.fail(new PythonFailure.Draining("p", true));
            }
          });
    }

    held.get(0).cancel("make way");

    assertThat(all.subList(1, all.size()))
        .allMatch(call -> failure(call) instanceof PythonFailure.Draining);
  }

  @Test
  void aSessionThatIsUsedIsConfirmedWhenAQuarterOfItsTimeIsOver() {
    call();
    answers(sent.poll(), FIRST, 0);
    store.keep();

    call();
    answers(sent.poll(), FIRST, -1);
    assertThat(store.asked()).isZero();
    time = time.plusSeconds(26);
    PendingCall third = call();
    answers(sent.poll(), FIRST, -1);
    assertThat(third.answer()).isCompleted();
    assertThat(store.asked()).isEqualTo(1);
    store.keep();
    time = time.plusSeconds(99);
    assertThat(failure(call())).isNull();
  }

  @Test
  void aDeadWorkerLeavesTheStateAsItWas() {
    PendingCall first = call();
    Settled.opened(sent.poll(), FIRST);
    Settled.patched(first, patch(0));
    first.fail(
        new WorkerLost(
            "m:f", FIRST, io.gorgon.message.Exit.signal(9), true, false, "it died", List.of()));
    Settled.left(first);

    call();
    assertThat(text(Settled.opened(sent.peek(), OTHER))).contains("\"version\":0");
    assertThat(store.asked()).isZero();
  }

  @Test
  void aSessionIsEndedWhoseStateNobodyHereUnderstands() {
    store.refuseToLoad(new StateTooNew("s", 2, 1));
    PendingCall refused = call();
    assertThat(failure(refused)).isInstanceOf(StateTooNew.class);
    assertThat(sessions.read("s").toCompletableFuture()).isCompletedExceptionally();

    assertThat(sessions.end("s").toCompletableFuture()).isCompleted();

    store.refuseToLoad(null);
    PendingCall anew = call();
    assertThat(sent).containsExactly(anew);
  }

  @Test
  void aCallEndsAtItsDeadlineWhileAStateWhoseTimeIsOverIsForgotten() {
    PendingCall first = call();
    answers(sent.poll(), FIRST, 0);
    store.keep();
    assertThat(first.answer()).isCompleted();
    time = time.plusSeconds(100);
    store.hangRemoving();

    PendingCall late = call();
    sessions.onTick(999);
    assertThat(late.answer()).isNotDone();
    sessions.onTick(1_000);

    assertThat(failure(late)).isInstanceOf(DeadlineExceeded.class);
  }

  private static SessionState elsewhere(Instant touched) {
    return new SessionState("s", 7, 1, Map.of("n", new byte[] {1, 0, 0, 0, 0, 0, 1, '7'}), touched);
  }

  private void sweep() {
    time = time.plusSeconds(2);
    sessions.onTick(0);
  }

  @Test
  void aSweepThatComesLateLeavesASessionThatOthersUse() {
    store.keepElsewhere(elsewhere(time.plusSeconds(1)));
    store.findsUntouched("s");

    sweep();

    PendingCall next = call();
    assertThat(failure(next)).isNull();
    assertThat(sent).containsExactly(next);
    assertThat(sessions.read("s").toCompletableFuture().join().version()).isEqualTo(1);
  }

  @Test
  void aSessionThatOthersHaveBegunAnewIsNotTakenForTheOneWhoseTimeWasOver() {
    store.keepElsewhere(elsewhere(time.minusSeconds(200)));
    store.findsUntouched("s");
    sweep();
    assertThat(store.load("s").toCompletableFuture().join()).isEmpty();

    store.keepElsewhere(elsewhere(time));

    PendingCall next = call();
    assertThat(failure(next)).isNull();
    assertThat(sent).containsExactly(next);
  }
}
