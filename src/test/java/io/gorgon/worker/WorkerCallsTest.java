package io.gorgon.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.testkit.Script;
import io.gorgon.testkit.Script.Cue;
import io.gorgon.testkit.ScriptedConnection;
import io.gorgon.wire.Frame;
import io.gorgon.worker.Worker.Fault;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What a worker does about calls that end badly, on scripted processes. */
@NeedsLayer(Layer.MOCK_ADAPTER)
class WorkerCallsTest {

  private static final Duration MOMENT = Duration.ofMillis(1);

  @Test
  void aCancelIsAMarkThenAnInterruptThenAKillEachAfterItsGrace() {
    try (var tested = ScriptedWorker.running()) {
      ScriptedConnection process = tested.process();
      PendingCall call = tested.started();
      assertThat(call.cancel("the test")).isTrue();

      assertThat(((Cancelled) tested.time().failureOf(call.answer())).started()).isTrue();
      assertThat(process.cancelled()).containsExactly(1L);
      tested.passes(ScriptedWorker.CANCEL_GRACE.minus(MOMENT));
      assertThat(process.interrupts()).isZero();
      tested.passes(MOMENT);
      assertThat(process.interrupts()).isEqualTo(1);
      tested.passes(ScriptedWorker.INTERRUPT_GRACE.dividedBy(2));
      assertThat(process.interrupts()).as("once for what awaits, once for what runs").isEqualTo(2);
      tested.passes(ScriptedWorker.INTERRUPT_GRACE.dividedBy(2).minus(MOMENT));
      assertThat(process.kills()).isZero();

      tested.passes(MOMENT);

      assertThat(process.kills()).isEqualTo(1);
      assertThat(tested.onlyOne(Worker.Noticed.class).what()).contains("killing it");
      Worker.Gone gone = tested.onlyOne(Worker.Gone.class);
      assertThat(gone.fault()).isEqualTo(Fault.CALLER);
      assertThat(gone.cause()).contains("did not end within its grace");
    }
  }

  @Test
  void aCancelledCallThatEndsInTimeCostsNothing() {
    for (Cue heeded : new Cue[] {Cue.REQUESTED, Cue.INTERRUPTED}) {
      try (var tested = ScriptedWorker.running()) {
        PendingCall call = tested.started();
        call.cancel("the test");
        if (heeded == Cue.INTERRUPTED) {
          tested.passes(ScriptedWorker.CANCEL_GRACE);
        }
        tested.process().stopCancelled();

        tested.passes(Duration.ofMinutes(1));

        assertThat(tested.process().interrupts()).isEqualTo(heeded == Cue.INTERRUPTED ? 1 : 0);
        assertThat(tested.process().kills()).isZero();
        assertThat(tested.told(Worker.Gone.class)).isEmpty();
      }
    }
  }

  @Test
  void aCancelledCallBehindAnotherIsMarkedAndItsNeighbourIsNotInterrupted() {
    try (var tested = ScriptedWorker.running()) {
      var calls = tested.started(2);
      calls.get(1).cancel("the test");

      tested.passes(Duration.ofSeconds(10));
      assertThat(tested.process().cancelled()).containsExactly(2L);
      assertThat(tested.process().interrupts()).isZero();

      tested.process().answer("first");
      assertThat(tested.time().now(calls.get(0).answer()).as(String.class)).isEqualTo("first");
      tested.passes(ScriptedWorker.CANCEL_GRACE);
      assertThat(tested.process().interrupts()).isEqualTo(1);
      tested.process().stopCancelled();
      tested.passes(Duration.ofSeconds(10));
      assertThat(tested.process().kills()).isZero();
    }
  }

  @Test
  void callsBehindASlowOneAreTakenBackAtTheSecondLook() {
    try (var tested = ScriptedWorker.running()) {
      var calls = tested.started(3);
      long now = tested.time().clock().getAsLong();

      tested.runner().tend(now);
      assertThat(tested.givenBack()).isEmpty();
      tested.runner().tend(now);

      assertThat(tested.givenBack()).containsExactly(calls.get(1), calls.get(2));
      assertThat(calls.get(1).attempts()).as("it has not run").isZero();
      tested.process().answer("slow");
      tested.passes(MOMENT);
      assertThat(tested.time().now(calls.get(0).answer()).as(String.class)).isEqualTo("slow");
      assertThat(tested.told(Worker.Noticed.class)).as("refusals are expected").isEmpty();
      assertThat(tested.givenBack()).hasSize(2);
    }
  }

  @Test
  void aCallThatPythonRefusesWhileItIsTakenBackRunsElsewhereOnce() {
    try (var tested = ScriptedWorker.running()) {
      var calls = tested.started(2);
      tested.runner().tend(tested.time().clock().getAsLong());

      tested.process().answer("first");
      tested.passes(MOMENT);

      assertThat(tested.givenBack()).containsExactly(calls.get(1));
      assertThat(calls.get(1).isDone()).isFalse();
    }
  }

  @Test
  void aCallThatOutlivesItsDeadlineAndThenEndsEndsItsWorker() {
    try (var tested = ScriptedWorker.running()) {
      PendingCall call = tested.started();
      tested.passes(Duration.ofMinutes(1));
      tested.runner().tend(tested.time().clock().getAsLong());
      var late = (DeadlineExceeded) tested.time().failureOf(call.answer());
      assertThat(late.phase()).isEqualTo(DeadlineExceeded.Phase.RUNNING);
      assertThat(tested.runner().isOpen()).isFalse();

      tested.process().answer("too late");

      Worker.Gone gone = tested.onlyOne(Worker.Gone.class);
      assertThat(gone.fault()).isEqualTo(Fault.CALLER);
      assertThat(gone.cause()).contains("outlived its deadline");
      assertThat(tested.process().interrupts()).isZero();
    }
  }

  @Test
  void aCallThatOutlivesItsDeadlineForEverIsInterruptedAndKilled() {
    try (var tested = ScriptedWorker.running()) {
      tested.started();
      tested.passes(Duration.ofMinutes(1));
      tested.runner().tend(tested.time().clock().getAsLong());

      tested.passes(ScriptedWorker.CANCEL_GRACE.plus(ScriptedWorker.INTERRUPT_GRACE));

      assertThat(tested.process().interrupts()).isEqualTo(2);
      assertThat(tested.onlyOne(Worker.Gone.class).fault()).isEqualTo(Fault.CALLER);
    }
  }

  @Test
  void row52_oneStrayAnswerIsNoticedAndASecondEndsTheWorker() {
    try (var tested = ScriptedWorker.running()) {
      PendingCall call = tested.started();
      tested.process().stray();
      assertThat(tested.onlyOne(Worker.Noticed.class).what()).contains("belongs to no call");
      assertThat(call.isDone()).isFalse();
      assertThat(tested.process().kills()).isZero();

      tested.process().stray();

      assertThat(tested.onlyOne(Worker.Gone.class).fault()).isEqualTo(Fault.WORKER);
      assertThat(tested.time().failureOf(call.answer()))
          .isInstanceOf(PythonFailure.WorkerLost.class);
    }
  }

  @Test
  void row53_aSecondAnswerToOneRequestReachesNobody() {
    try (var tested = ScriptedWorker.running()) {
      PendingCall first = tested.started();
      tested.process().answer(1);
      PendingCall second = tested.started();
      tested.process().say(Frame.of(Frame.Kind.RESULT, 1, new byte[] {'9'}));
      assertThat(tested.time().isDone(second.answer())).isFalse();
      tested.process().answer(2);

      assertThat(tested.time().now(first.answer()).as(Integer.class)).isEqualTo(1);
      assertThat(tested.time().now(second.answer()).as(Integer.class)).isEqualTo(2);
      assertThat(tested.told(Worker.Noticed.class)).hasSize(1);
    }
  }

  @Test
  void aFrameThatNoWorkerMaySendEndsItAndFailsItsCall() {
    try (var tested = ScriptedWorker.running()) {
      PendingCall call = tested.started();
      tested.process().say(Frame.of(Frame.Kind.HELLO, 0));

      assertThat(tested.time().failureOf(call.answer()))
          .isInstanceOf(PythonFailure.ProtocolViolation.class);
      assertThat(tested.onlyOne(Worker.Gone.class).fault()).isEqualTo(Fault.WORKER);
    }
  }

  @Test
  void anExceptionOfPythonIsAnAnswerAndTheWorkerStays() {
    try (var tested = ScriptedWorker.running()) {
      PendingCall call = tested.started();
      tested.process().raise("ValueError", "no");

      var raised = (PythonFailure.PythonRaised) tested.time().failureOf(call.answer());
      assertThat(raised).hasMessageContaining("ValueError");
      assertThat(tested.told(Worker.Gone.class)).isEmpty();
    }
  }

  @Test
  void aCallWrittenToAWorkerThatDiedMeanwhileGoesBackToWhereItCameFrom() {
    try (var tested = ScriptedWorker.running(Script.obliging().deafTo(Cue.REQUESTED))) {
      tested.process().die();
      PendingCall call = tested.started();
      assertThat(call.isDone()).isFalse();

      tested.process().dieBy(9);

      assertThat(tested.givenBack()).containsExactly(call);
      assertThat(call.attempts()).isZero();
    }
  }
}
