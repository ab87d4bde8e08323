package io.gorgon.testkit;

import static io.gorgon.testkit.Phrases.call;
import static io.gorgon.testkit.Phrases.invariantsHold;
import static io.gorgon.testkit.Phrases.nextCommitOf;
import static io.gorgon.testkit.Phrases.outcome;
import static io.gorgon.testkit.Phrases.runs;
import static io.gorgon.testkit.Phrases.session;
import static io.gorgon.testkit.Phrases.store;
import static io.gorgon.testkit.Phrases.timePasses;
import static io.gorgon.testkit.Phrases.workerIsKilled;
import static io.gorgon.testkit.Phrases.workerOf;
import static io.gorgon.testkit.Phrases.workers;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gorgon.message.PythonFailure.CommitUnknown;
import io.gorgon.message.PythonFailure.PythonRaised;
import io.gorgon.message.PythonFailure.SessionConflict;
import io.gorgon.message.PythonFailure.SessionExpired;
import io.gorgon.message.PythonFailure.SessionQuota;
import io.gorgon.message.PythonFailure.StoreUnavailable;
import io.gorgon.message.PythonFailure.WorkerLost;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Scenarios of sessions that go for scripted and for real Python, word for word. */
abstract class SessionScenarioTexts {

  private static final String ADD = "gorgon_testkit:add";
  private static final String ADD_EACH = "gorgon_testkit:add_each";
  private static final Duration HALF_A_SECOND = Duration.ofMillis(500);

  abstract GorgonTestKit kit(String... settings);

  @Test
  void whatACallChangesIsThereInTheNext() {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .and(session("s").wasKeptWith(Map.of("n", 5, "other", List.of("a"))))
          .when(call(ADD, "n", 2).inSession("s").as("a"))
          .and(call(ADD, "n", 3).inSession("s").as("b"))
          .and(call(ADD, "n", 1).inSession("t").as("c"))
          .then(outcome("a").isValue(7))
          .and(outcome("b").isValue(10))
          .and(outcome("c").isValue(1))
          .and(session("s").has("n", 10))
          .and(session("s").has("other", List.of("a")))
          .and(session("s").hasNo("m"))
          .and(session("s").hasVersion(3))
          .and(session("t").has("n", 1))
          .and(invariantsHold());
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Point.class,
      names = {"RUNNING", "BEFORE_ANSWER", "AFTER_PATCH"})
  void aWorkerThatIsKilledBeforeOrBehindItsPatchHasChangedNothing(Point point) {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .and(session("s").wasKeptWith(Map.of("n", 5)))
          .when(call(ADD, "n", 1).inSession("s").as("a"))
          .and(workerOf("a").isKilledAt(point))
          .then(outcome("a").fails(lost -> lost.is(WorkerLost.class).hadStarted(true)))
          .and(session("s").has("n", 5))
          .and(session("s").hasVersion(1))
          .when(call(ADD, "n", 1).inSession("s").as("b"))
          .then(outcome("b").isValue(6))
          .and(invariantsHold());
    }
  }

  @Test
  void aWorkerThatIsKilledBehindItsAnswerHasChangedTheState() {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .when(call(ADD, "n", 1).inSession("s").as("a"))
          .and(workerOf("a").isKilledAt(Point.AFTER_ANSWER))
          .then(outcome("a").isValue(1))
          .and(session("s").has("n", 1))
          .and(invariantsHold());
    }
  }

  @Test
  void anIdempotentCallThatRunsAgainIsCountedOnce() {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .when(call(ADD, "n", 1).idempotent(1).inSession("s").as("a"))
          .and(workerOf("a").isKilledAt(Point.AFTER_PATCH))
          .then(outcome("a").isValue(1))
          .and(runs("a", 2))
          .and(session("s").has("n", 1))
          .and(invariantsHold());
    }
  }

  @Test
  void theStateGoesOnAtAnotherWorker() {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .when(call(ADD, "n", 1).inSession("s").as("a"))
          .then(outcome("a").isValue(1))
          .when(workerIsKilled(0))
          .and(workerIsKilled(1))
          .and(call(ADD, "n", 1).inSession("s").as("b"))
          .then(outcome("b").isValue(2))
          .and(invariantsHold());
    }
  }

  @Test
  void checkpointsStayWhenTheCallFails() {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .when(call(ADD_EACH, "n", List.of(1, 2)).inSession("s").as("a"))
          .then(outcome("a").isValue(3))
          .and(session("s").hasVersion(2))
          .when(call(ADD_EACH, "n", List.of(10, 20)).inSession("s").as("b"))
          .and(workerOf("b").isKilledAt(Point.BEFORE_ANSWER))
          .then(outcome("b").is(WorkerLost.class))
          .and(session("s").has("n", 33))
          .and(session("s").hasVersion(4))
          .and(invariantsHold());
    }
  }

  @Test
  void aCheckpointThatIsNotKeptIsRaised() {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .and(nextCommitOf("s").isRefused())
          .when(call(ADD_EACH, "n", List.of(1, 2)).inSession("s").as("a"))
          .then(
              outcome("a")
                  .fails(raised -> raised.is(PythonRaised.class).raised("gorgon.HostError")))
          .and(session("s").isGone())
          .and(invariantsHold());
    }
  }

  @Test
  void aStoreThatIsAwayIsToldAndTheStateStays() {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .and(session("s").wasKeptWith(Map.of("n", 5)))
          .and(store().isAway())
          .when(call(ADD, "n", 1).inSession("s").as("a"))
          .then(outcome("a").fails(away -> away.is(StoreUnavailable.class).hadStarted(false)))
          .and(runs("a", 0))
          .when(store().isBack())
          .and(nextCommitOf("s").isRefused())
          .and(call(ADD, "n", 1).inSession("s").as("b"))
          .then(outcome("b").fails(away -> away.is(StoreUnavailable.class).hadStarted(true)))
          .and(session("s").has("n", 5))
          .when(call(ADD, "n", 1).inSession("s").as("c"))
          .then(outcome("c").isValue(6))
          .and(invariantsHold());
    }
  }

  @Test
  void aCommitOfUnknownOutcomeIsToldAsThatAndTheNextCallGoesOnFromTheTruth() {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .and(nextCommitOf("kept").isKeptButUnknown())
          .and(nextCommitOf("lost").isLostButUnknown())
          .when(call(ADD, "n", 1).inSession("kept").as("a"))
          .and(call(ADD, "n", 1).inSession("lost").as("b"))
          .then(outcome("a").is(CommitUnknown.class))
          .and(outcome("b").is(CommitUnknown.class))
          .and(session("kept").has("n", 1))
          .and(session("lost").isGone())
          .when(call(ADD, "n", 1).inSession("kept").as("c"))
          .and(call(ADD, "n", 1).inSession("lost").as("d"))
          .then(outcome("c").isValue(2))
          .and(outcome("d").isValue(1))
          .and(invariantsHold());
    }
  }

  @Test
  void aCommitThatOutlastsTheDeadlineIsUnknownAndKeptLater() {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .and(nextCommitOf("s").takes(Duration.ofSeconds(1)))
          .when(call(ADD, "n", 1).within(HALF_A_SECOND).inSession("s").as("a"))
          .then(outcome("a").is(CommitUnknown.class))
          .when(call(ADD, "n", 1).inSession("s").as("b"))
          .then(outcome("b").isValue(2))
          .and(session("s").hasVersion(2))
          .and(invariantsHold());
    }
  }

  @Test
  void aSlowStoreDelaysAndLosesNothing() {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .and(store().isSlow(Duration.ofMillis(100)))
          .when(call(ADD, "n", 1).inSession("s").as("a"))
          .and(call(ADD_EACH, "n", List.of(1, 1)).inSession("s").as("b"))
          .then(outcome("a").isValue(1))
          .and(outcome("b").isValue(3))
          .and(session("s").has("n", 3))
          .and(invariantsHold());
    }
  }

  @Test
  void aLostRaceIsAConflictAndNothingIsOverwritten() {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .and(session("s").wasKeptWith(Map.of("n", 5)))
          .and(nextCommitOf("s").losesTheRace())
          .when(call(ADD, "n", 1).inSession("s").as("a"))
          .then(outcome("a").fails(lost -> lost.is(SessionConflict.class).isRetryable(true)))
          .and(session("s").has("n", 5))
          .when(call(ADD, "n", 1).inSession("s").as("b"))
          .then(outcome("b").isValue(6))
          .when(session("s").wasKeptWith(Map.of("n", 100)))
          .and(call(ADD, "n", 1).inSession("s").as("c"))
          .and(call(ADD, "n", 1).inSession("s").as("d"))
          .then(outcome("c").is(SessionConflict.class))
          .and(outcome("d").isValue(101))
          .and(invariantsHold());
    }
  }

  @Test
  void whoComesBeyondTheQuotaIsRefused() {
    try (var kit = kit("session.quota = 1")) {
      Scenario.on(kit)
          .given(workers(2))
          .and(session("first").wasKeptWith(Map.of()))
          .when(call(ADD, "n", 1).inSession("second").as("a"))
          .then(outcome("a").is(SessionQuota.class))
          .when(session("first").ends())
          .and(call(ADD, "n", 1).inSession("second").as("b"))
          .then(outcome("b").isValue(1))
          .and(session("first").isGone())
          .when(store().isFull())
          .and(call(ADD, "n", 1).inSession("second").as("c"))
          .and(call(ADD, "n", 1).inSession("third").as("d"))
          .then(outcome("c").isValue(2))
          .and(outcome("d").is(SessionQuota.class))
          .and(invariantsHold());
    }
  }

  @Test
  void aSessionThatNobodyUsesExpires() {
    try (var kit = kit("session.ttl = 1s", "session.sweep = 1h")) {
      Scenario.on(kit)
          .given(workers(2))
          .when(call(ADD, "n", 1).inSession("s").as("a"))
          .then(outcome("a").isSuccess())
          .when(timePasses(Duration.ofMillis(1_100)))
          .then(session("s").isExpired())
          .when(call(ADD, "n", 1).inSession("s").as("b"))
          .then(outcome("b").is(SessionExpired.class))
          .and(session("s").isGone())
          .when(call(ADD, "n", 1).inSession("s").as("c"))
          .then(outcome("c").isValue(1))
          .and(invariantsHold());
    }
  }

  @Test
  void aCheckThatIsNotSoSaysWhatIs() {
    try (var kit = kit()) {
      var scenario =
          Scenario.on(kit).given(workers(2)).and(session("s").wasKeptWith(Map.of("n", 5)));
      scenario.then(session("s").has("n", 5));

      assertThatThrownBy(() -> scenario.then(session("s").has("n", 6)))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("expected n = 6, and it has version 1 with {n=5}")
          .hasMessageContaining("  and session 's' has {n=5}");
      assertThatThrownBy(() -> scenario.then(session("t").has("n", 6)))
          .hasMessageContaining("nothing is kept of it");
      assertThatThrownBy(() -> scenario.then(session("s").hasNo("n")))
          .hasMessageContaining("expected no n");
      assertThatThrownBy(() -> scenario.then(session("s").isGone()))
          .hasMessageContaining("expected version 0");
      assertThatThrownBy(() -> scenario.when(store().isFull()).then(invariantsHold()))
          .hasMessageContaining("session.quota = 1");
    }
  }
}
