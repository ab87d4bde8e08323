package io.gorgon.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Exit;
import io.gorgon.message.PythonFailure.StartFailed;
import io.gorgon.message.PythonFailure.WorkerLost;
import io.gorgon.message.WorkerId;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.testkit.Script;
import io.gorgon.testkit.ScriptedConnection;
import io.gorgon.wire.Frame;
import io.gorgon.worker.Worker.Fault;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Each state of a worker meets each message; starts, ends and restarts, on scripted processes. */
@NeedsLayer(Layer.MOCK_ADAPTER)
class WorkerTest {

  private static final Worker.Stop GRACEFUL = new Worker.Stop("asked to", true, false);
  private static final Worker.Stop KILL = new Worker.Stop("asked to", false, false);
  private static final Worker.Stop REPLACE = new Worker.Stop("asked to", false, true);

  // ---- waiting

  @Test
  void waitingItAsksOnceForLeaveAndStartsNothing() {
    try (var tested = new ScriptedWorker(Script.obliging())) {
      tested.passes(Duration.ofHours(1));

      assertThat(tested.onlyOne(Worker.Wants.class)).isEqualTo(new Worker.Wants(0, 7));
      assertThat(tested.connector().opened()).isEmpty();
    }
  }

  @Test
  void waitingItStartsWhenItMay() {
    try (var tested = new ScriptedWorker(Script.obliging())) {
      tested.tell(new Worker.Start(4));

      assertThat(tested.onlyOne(Worker.Ready.class).runner().id())
          .isEqualTo(new WorkerId("test", 0, 4));
    }
  }

  @Test
  void waitingItStopsWithoutAWordUnlessAnotherProcessIsWanted() {
    try (var tested = new ScriptedWorker(Script.obliging())) {
      tested.tell(REPLACE);
      assertThat(tested.isStopped()).isFalse();
      tested.tell(GRACEFUL);

      assertThat(tested.isStopped()).isTrue();
      assertThat(tested.told(Worker.Gone.class)).isEmpty();
    }
  }

  @Test
  void waitingItLetsGoOfACheck() {
    try (var tested = new ScriptedWorker(Script.obliging())) {
      tested.tell(new Worker.Check()).passes(Duration.ofSeconds(5)).tell(new Worker.Start(1));

      assertThat(tested.told(Worker.Checked.class)).isEmpty();
      assertThat(tested.told(Worker.Ready.class)).hasSize(1);
    }
  }

  // ---- starting

  @Test
  void startingItLetsGoOfASecondStartAndOfACheck() {
    try (var tested = ScriptedWorker.running(Script.silent())) {
      tested.tell(new Worker.Start(2)).tell(new Worker.Check());

      assertThat(tested.connector().opened()).hasSize(1);
      tested.process().ready();
      assertThat(tested.onlyOne(Worker.Ready.class).runner().id().generation()).isEqualTo(1);
      assertThat(tested.process().wasSent(Frame.Kind.PING)).isFalse();
    }
  }

  @Test
  void startingItIsKilledByAnyStop() {
    for (Worker.Stop stop : new Worker.Stop[] {GRACEFUL, KILL, REPLACE}) {
      try (var tested = ScriptedWorker.running(Script.silent())) {
        tested.tell(stop);

        Worker.Gone gone = tested.onlyOne(Worker.Gone.class);
        assertThat(gone.fault()).isEqualTo(Fault.POOL);
        assertThat(gone.failure()).isNull();
        assertThat(gone.replaced()).isEqualTo(stop.replace());
        assertThat(tested.isStopped()).isEqualTo(!stop.replace());
        assertThat(tested.process().kills()).isEqualTo(1);
        assertThat(tested.told(Worker.Wants.class)).hasSize(stop.replace() ? 2 : 1);
      }
    }
  }

  @Test
  void row22_startingItIsKilledWhenItIsTooSlow() {
    try (var tested = ScriptedWorker.running(Script.silent())) {
      tested.passes(ScriptedWorker.START_TIMEOUT.minusMillis(1));
      assertThat(tested.process().kills()).isZero();

      tested.passes(Duration.ofMillis(1));

      Worker.Gone gone = tested.onlyOne(Worker.Gone.class);
      assertThat(gone.fault()).isEqualTo(Fault.START);
      assertThat(gone.failure().kind()).isEqualTo(StartFailed.Kind.TIMEOUT);
      assertThat(tested.told(Worker.Wants.class)).hasSize(2);
    }
  }

  @Test
  void startingItMayExit() {
    try (var tested = ScriptedWorker.running(Script.dyingAtStart(5))) {
      Worker.Gone gone = tested.onlyOne(Worker.Gone.class);

      assertThat(gone.fault()).isEqualTo(Fault.START);
      assertThat(gone.failure().kind()).isEqualTo(StartFailed.Kind.EXITED);
      assertThat(gone.closed().exit()).isEqualTo(Exit.code(5));
    }
  }

  @Test
  void row21_aThrowOutOfOpenIsAFailedStartAndItAsksAgain() {
    try (var tested = new ScriptedWorker(Script.obliging())) {
      tested.connector().throwsOnOpen(() -> new IllegalStateException("no more files"));
      tested.tell(new Worker.Start(1));

      assertThat(tested.onlyOne(Worker.Gone.class).failure()).hasMessageContaining("no more files");
      tested.connector().throwsOnOpen(() -> null);
      tested.tell(new Worker.Start(2));
      assertThat(tested.told(Worker.Ready.class)).hasSize(1);
    }
  }

  @Test
  void row21b_aThrowAfterTheProcessWasStartedLeavesNoProcess() {
    try (var tested = new ScriptedWorker(Script.obliging())) {
      tested.breakClock(true);
      tested.tell(new Worker.Start(1));
      tested.breakClock(false);

      assertThat(tested.onlyOne(Worker.Gone.class).fault()).isEqualTo(Fault.START);
      assertThat(tested.connector().opened()).hasSize(1);
      assertThat(tested.connector().alive()).isEmpty();
    }
  }

  // ---- running

  @Test
  void runningItLetsGoOfAStart() {
    try (var tested = ScriptedWorker.running()) {
      tested.tell(new Worker.Start(2));

      assertThat(tested.connector().opened()).hasSize(1);
    }
  }

  @Test
  void runningItIsKilledByAStopThatIsNotGraceful() {
    try (var tested = ScriptedWorker.running()) {
      PendingCall call = tested.started();
      tested.tell(KILL);

      assertThat(tested.time().failureOf(call.answer())).isInstanceOf(WorkerLost.class);
      assertThat(tested.process().wasSent(Frame.Kind.SHUTDOWN)).isFalse();
      assertThat(tested.isStopped()).isTrue();
    }
  }

  @Test
  void runningItIsAskedToExitByAGracefulStop() {
    try (var tested = ScriptedWorker.running()) {
      tested.tell(GRACEFUL);

      Worker.Gone gone = tested.onlyOne(Worker.Gone.class);
      assertThat(gone.closed().exit()).isEqualTo(Exit.code(0));
      assertThat(gone.fault()).isEqualTo(Fault.POOL);
      assertThat(gone.cause()).isEqualTo("asked to");
      assertThat(tested.process().kills() + tested.process().terminates()).isZero();
    }
  }

  @Test
  void runningItAnswersACheckInTime() {
    try (var tested = ScriptedWorker.running()) {
      tested.tell(new Worker.Check());
      assertThat(tested.onlyOne(Worker.Checked.class).answered()).isTrue();

      tested.passes(Duration.ofMinutes(1));
      assertThat(tested.told(Worker.Checked.class)).hasSize(1);
    }
  }

  @Test
  void runningItFailsACheckWhosePongIsLateAndLetsGoOfThePong() {
    try (var tested = ScriptedWorker.running(Script.obliging().deafTo(Script.Cue.PINGED))) {
      tested.tell(new Worker.Check()).passes(ScriptedWorker.PING_TIMEOUT.minusMillis(1));
      assertThat(tested.told(Worker.Checked.class)).isEmpty();
      tested.passes(Duration.ofMillis(1));
      assertThat(tested.onlyOne(Worker.Checked.class).answered()).isFalse();

      tested.process().pong();

      assertThat(tested.told(Worker.Checked.class)).hasSize(1);
    }
  }

  @Test
  void runningItMayDieAndItsCallsAreLostOrGivenBack() {
    try (var tested = ScriptedWorker.running()) {
      var calls = tested.started(2);
      tested.process().dieBy(11);

      var lost = (WorkerLost) tested.time().failureOf(calls.get(0).answer());
      assertThat(lost.started()).isTrue();
      assertThat(tested.givenBack()).containsExactly(calls.get(1));
      assertThat(tested.onlyOne(Worker.Gone.class).fault()).isEqualTo(Fault.WORKER);
    }
  }

  // ---- stopping

  @Test
  void row28_stoppingItIsTerminatedAndThenKilledEachAfterItsGrace() {
    Script deaf = Script.obliging().deafTo(Script.Cue.SHUT_DOWN, Script.Cue.TERMINATED);
    try (var tested = ScriptedWorker.running(deaf)) {
      ScriptedConnection process = tested.process();
      tested.tell(GRACEFUL);
      assertThat(process.wasSent(Frame.Kind.SHUTDOWN)).isTrue();
      tested.passes(ScriptedWorker.STOP_GRACE.minusMillis(1));
      assertThat(process.terminates()).isZero();
      tested.passes(Duration.ofMillis(1));
      assertThat(process.terminates()).isEqualTo(1);
      tested.passes(ScriptedWorker.STOP_GRACE.minusMillis(1));
      assertThat(process.kills()).isZero();

      tested.passes(Duration.ofMillis(1));

      assertThat(process.kills()).isEqualTo(1);
      assertThat(tested.told(Worker.Noticed.class))
          .extracting(Worker.Noticed::what)
          .containsExactly(
              "did not exit when asked; sending SIGTERM", "ignored SIGTERM; sending SIGKILL");
      assertThat(tested.onlyOne(Worker.Gone.class).closed().exit()).isEqualTo(Exit.signal(9));
      assertThat(tested.isStopped()).isTrue();
    }
  }

  @Test
  void stoppingItLetsGoOfStartsAndChecksAndAKillOvertakesTheGrace() {
    try (var tested = ScriptedWorker.running(Script.obliging().deafTo(Script.Cue.SHUT_DOWN))) {
      tested.tell(GRACEFUL).tell(new Worker.Start(2)).tell(new Worker.Check());
      assertThat(tested.connector().opened()).hasSize(1);
      assertThat(tested.process().wasSent(Frame.Kind.PING)).isFalse();
      assertThat(tested.told(Worker.Gone.class)).isEmpty();

      tested.tell(KILL);

      assertThat(tested.onlyOne(Worker.Gone.class).closed().exit()).isEqualTo(Exit.signal(9));
    }
  }

  @Test
  void stoppingForAReplacementItIsRestartedUnlessToldOtherwiseMeanwhile() {
    Script deaf = Script.obliging().deafTo(Script.Cue.KILLED);
    try (var tested = ScriptedWorker.running(deaf)) {
      tested.tell(REPLACE).tell(KILL);
      tested.process().dieBy(9);

      assertThat(tested.onlyOne(Worker.Gone.class).replaced()).isFalse();
      assertThat(tested.isStopped()).isTrue();
    }
  }

  // ---- one life after another

  @Test
  void row63_itIsRestartedBySupervisionAndNothingOfItsFormerProcessCounts() {
    try (var tested = ScriptedWorker.running()) {
      ScriptedConnection former = tested.process();
      former.exit(1);
      assertThat(tested.told(Worker.Wants.class)).hasSize(2);
      tested.connector().plays(Script.silent());
      tested.tell(new Worker.Start(2));

      former.ready();
      former.pong();
      tested.passes(Duration.ofSeconds(1));
      assertThat(tested.told(Worker.Ready.class)).hasSize(1);
      tested.process().ready();

      assertThat(tested.told(Worker.Ready.class)).hasSize(2);
      assertThat(tested.runner().id()).isEqualTo(new WorkerId("test", 0, 2));
      assertThat(tested.told(Worker.Gone.class)).hasSize(1);
    }
  }

  @Test
  void itAsksForAReplacementALittleBeforeItHasServedAllItMay() {
    try (var tested = ScriptedWorker.running()) {
      for (int i = 0; i < 7; i++) {
        tested.started();
        tested.process().answer(i);
      }
      assertThat(tested.told(Worker.RetireDue.class)).isEmpty();

      tested.started();
      tested.process().answer("the eighth");

      assertThat(tested.onlyOne(Worker.RetireDue.class).reason())
          .isEqualTo(Retirement.Reason.CALLS);
      assertThat(tested.runner().callsLeft()).isEqualTo(2);
    }
  }
}
