package io.gorgon.testkit;

import static io.gorgon.testkit.Phrases.call;
import static io.gorgon.testkit.Phrases.cancelled;
import static io.gorgon.testkit.Phrases.checkout;
import static io.gorgon.testkit.Phrases.events;
import static io.gorgon.testkit.Phrases.figures;
import static io.gorgon.testkit.Phrases.invariantsHold;
import static io.gorgon.testkit.Phrases.nextWorker;
import static io.gorgon.testkit.Phrases.outcome;
import static io.gorgon.testkit.Phrases.ownerDies;
import static io.gorgon.testkit.Phrases.returned;
import static io.gorgon.testkit.Phrases.runs;
import static io.gorgon.testkit.Phrases.timePasses;
import static io.gorgon.testkit.Phrases.workerIsKilled;
import static io.gorgon.testkit.Phrases.workerOf;
import static io.gorgon.testkit.Phrases.workers;

import io.gorgon.message.Exit;
import io.gorgon.message.PoolEvent.LeaseEnded;
import io.gorgon.message.PoolEvent.LeaseGranted;
import io.gorgon.message.PoolEvent.WorkerGone;
import io.gorgon.message.PoolEvent.WorkerReady;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.message.PythonFailure.CheckoutRefused;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.ProtocolViolation;
import io.gorgon.message.PythonFailure.WorkerLost;
import java.time.Duration;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Scenarios that go for scripted and for real Python, word for word. */
abstract class ScenarioTexts {

  private static final String ECHO = "gorgon_testkit:echo";
  private static final Duration HALF_A_SECOND = Duration.ofMillis(500);

  abstract GorgonTestKit kit(String... settings);

  private static boolean wasKilled(WorkerGone gone) {
    return gone.exit().equals(Exit.signal(9));
  }

  @Test
  void aSoundWorkerAnswers() {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .when(call(ECHO, "tea").as("a"))
          .and(call(ECHO, 2).as("b"))
          .then(outcome("a").isValue("tea"))
          .and(outcome("b").isValue(2))
          .and(runs("a", 1))
          .and(events().containNo(WorkerGone.class))
          .and(invariantsHold());
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Point.class,
      names = {"RUNNING", "BEFORE_ANSWER"})
  void aKillBeforeTheAnswerIsTold(Point point) {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .when(call(ECHO, 1).as("a"))
          .and(workerOf("a").isKilledAt(point))
          .then(
              outcome("a")
                  .fails(
                      failure ->
                          failure
                              .is(WorkerLost.class)
                              .hadStarted(true)
                              .isRetryable(false)
                              .says("SIGKILL")))
          .and(runs("a", 1))
          .and(events().contain(WorkerGone.class, ScenarioTexts::wasKilled))
          .and(invariantsHold());
    }
  }

  @Test
  void aCallThatHadNotStartedRunsOnAnotherWorker() {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .when(call(ECHO, 1).as("a"))
          .and(workerOf("a").isKilledAt(Point.BEFORE_START))
          .then(outcome("a").isValue(1))
          .and(runs("a", 1))
          .and(events().contain(WorkerGone.class, ScenarioTexts::wasKilled))
          .and(invariantsHold());
    }
  }

  @Test
  void aKillBehindTheAnswerCostsNoCall() {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .when(call(ECHO, 1).as("a"))
          .and(workerOf("a").isKilledAt(Point.AFTER_ANSWER))
          .then(outcome("a").isValue(1))
          .and(events().containInOrder(WorkerGone.class, WorkerReady.class))
          .and(invariantsHold());
    }
  }

  @Test
  void anIdempotentCallRunsAgain() {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .when(call(ECHO, 1).idempotent(1).as("a"))
          .and(workerOf("a").isKilledAt(Point.BEFORE_ANSWER))
          .then(outcome("a").isValue(1))
          .and(runs("a", 2))
          .and(invariantsHold());
    }
  }

  @ParameterizedTest
  @EnumSource(Fault.Hang.class)
  void aHangEndsAtTheDeadlineAndCostsTheWorker(Fault.Hang hang) {
    Function<WorkerOfPhrase, Step> hangs =
        switch (hang) {
          case IN_PYTHON -> WorkerOfPhrase::hangsInPython;
          case IN_C -> WorkerOfPhrase::hangsInC;
          case STOPPED -> WorkerOfPhrase::isStopped;
          case STUBBORN -> WorkerOfPhrase::ignoresSignals;
        };
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .when(call(ECHO, 1).within(HALF_A_SECOND).as("a"))
          .and(hangs.apply(workerOf("a")))
          .then(outcome("a").fails(late -> late.is(DeadlineExceeded.class).hadStarted(true)))
          .and(events().containInOrder(WorkerGone.class, WorkerReady.class))
          .and(invariantsHold());
    }
  }

  @Test
  void aCancelEndsAHangInPythonAndKeepsTheWorker() {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .when(call(ECHO, 1).as("a"))
          .and(workerOf("a").hangsInPython())
          .and(timePasses(Duration.ofMillis(300)))
          .and(cancelled("a"))
          .then(outcome("a").fails(failure -> failure.is(Cancelled.class).hadStarted(true)))
          .when(timePasses(Duration.ofSeconds(1)))
          .then(events().containNo(WorkerGone.class))
          .and(invariantsHold());
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Fault.BadAnswer.class,
      names = {"GARBAGE", "OVERSIZE"})
  void whatIsNoFrameCostsTheWorker(Fault.BadAnswer bad) {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .when(call(ECHO, 1).as("a"))
          .and(
              bad == Fault.BadAnswer.GARBAGE
                  ? workerOf("a").answersGarbage()
                  : workerOf("a").answersTooMuch())
          .then(outcome("a").is(ProtocolViolation.class))
          .and(events().containInOrder(WorkerGone.class, WorkerReady.class))
          .and(invariantsHold());
    }
  }

  @Test
  void anAnswerThatNeverComesEndsAtTheDeadline() {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .when(call(ECHO, 1).within(HALF_A_SECOND).as("none"))
          .and(call(ECHO, 2).within(HALF_A_SECOND).as("half"))
          .and(workerOf("none").answersNothing())
          .and(workerOf("half").answersHalf())
          .then(outcome("none").is(DeadlineExceeded.class))
          .and(outcome("half").is(DeadlineExceeded.class))
          .and(invariantsHold());
    }
  }

  @Test
  void answersThatBelongToNobodyReachNobody() {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .when(call(ECHO, "other").within(HALF_A_SECOND).as("other"))
          .and(call(ECHO, "twice").as("twice"))
          .and(workerOf("other").answersAnother())
          .and(workerOf("twice").answersTwice())
          .then(outcome("other").is(PythonFailure.class))
          .and(outcome("twice").isValue("twice"))
          .when(call(ECHO, 3).as("c"))
          .and(call(ECHO, 4).as("d"))
          .then(outcome("c").isValue(3))
          .and(outcome("d").isValue(4))
          .and(invariantsHold());
    }
  }

  @Test
  void theReplacementMayBeSlowOrFail() {
    try (var kit = kit("restart.backoff-min = 20ms")) {
      Scenario.on(kit)
          .given(workers(2))
          .when(nextWorker().failsToStart(3))
          .and(nextWorker().isKilledAt(Point.AFTER_HELLO))
          .and(nextWorker().isKilledAt(Point.BOOT))
          .and(nextWorker().startsSlowly(Duration.ofMillis(300)))
          .and(workerIsKilled(0))
          .then(
              events()
                  .containInOrder(
                      WorkerGone.class,
                      WorkerGone.class,
                      WorkerGone.class,
                      WorkerGone.class,
                      WorkerReady.class))
          .and(figures("two ready workers", stats -> stats.ready() == 2))
          .and(invariantsHold());
    }
  }

  @Test
  void aStartThatHangsIsEnded() {
    try (var kit = kit("timeouts.start = 2s", "restart.backoff-min = 20ms")) {
      Scenario.on(kit)
          .given(workers(2))
          .when(nextWorker().hangsAtStart())
          .and(workerIsKilled(1))
          .then(events().containInOrder(WorkerGone.class, WorkerGone.class, WorkerReady.class))
          .and(invariantsHold());
    }
  }

  @Test
  void anOwnersDeathEndsItsLeaseAndItsCall() {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .when(checkout().ownedBy("o").as("c"))
          .and(call(ECHO, 1).on("c").as("a"))
          .and(workerOf("a").hangsInPython())
          .and(timePasses(Duration.ofMillis(100)))
          .and(ownerDies("o"))
          .then(outcome("a").is(Cancelled.class))
          .and(events().containInOrder(LeaseGranted.class, LeaseEnded.class))
          .and(invariantsHold());
    }
  }

  @Test
  void lostGrantsComeBackByThemselves() {
    try (var kit = kit("checkout.acknowledge-timeout = 100ms")) {
      Scenario.on(kit)
          .given(workers(2))
          .when(checkout().neverAcknowledged().as("lost"))
          .and(checkout().whoseAskerDies().as("dead"))
          .and(call(ECHO, 1).as("a"))
          .then(outcome("a").isValue(1))
          .and(events().containInOrder(LeaseGranted.class, LeaseEnded.class))
          .and(invariantsHold());
    }
  }

  @Test
  void aCheckoutThatFindsNoWorkerIsRefusedInTime() {
    try (var kit = kit("min-workers = 1", "max-workers = 1")) {
      Scenario.on(kit)
          .given(workers(1))
          .when(checkout().as("first"))
          .and(checkout().within(HALF_A_SECOND).as("second"))
          .then(outcome("first").isSuccess())
          .and(outcome("second").is(CheckoutRefused.class))
          .when(returned("first"))
          .then(invariantsHold());
    }
  }

  @Test
  void aSessionsCallsRunInOrder() {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .when(call("gorgon_testkit:sleep", 0.1).inSession("s").as("first"))
          .and(call(ECHO, 2).inSession("s").as("second"))
          .then(outcome("second").isValue(2))
          .and(outcome("first").isValue(null))
          .and(invariantsHold());
    }
  }

  @Test
  void memoryThatGrowsIsNoticed() {
    try (var kit =
        kit(
            "min-workers = 1",
            "max-workers = 1",
            "recycle.max-memory = 150MiB",
            "size.idle-check = 1s")) {
      Scenario.on(kit)
          .given(workers(1))
          .when(call(ECHO, 1).as("a"))
          .and(workerOf("a").growsBy(200))
          .then(outcome("a").isValue(1))
          .and(events().containInOrder(WorkerGone.class))
          .and(invariantsHold());
    }
  }

  @Test
  void aFloodOfOutputHindersNobody() {
    try (var kit = kit()) {
      Scenario.on(kit)
          .given(workers(2))
          .when(call(ECHO, 1).as("a"))
          .and(workerOf("a").floodsItsOutput(5))
          .then(outcome("a").isValue(1))
          .and(events().containNo(WorkerGone.class))
          .and(invariantsHold());
    }
  }

  @Test
  void aKillAnywhereKeepsThePromises() {
    try (var kit = kit()) {
      for (long seed = 1; seed <= 8; seed++) {
        Scenario.on(kit)
            .withSeed(seed)
            .given(workers(2))
            .when(call(ECHO, 1).idempotent(1).as("a"))
            .and(call(ECHO, 2).as("b"))
            .and(workerOf("a").isKilledSomewhere())
            .then(outcome("a").isValue(1))
            .and(invariantsHold());
      }
    }
  }
}
