package io.gorgon.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.message.PythonFailure.PythonRaised;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What scripted Python does when it is told. */
@ScriptedPython
class ScriptedPoolTest {

  @Test
  void functionsGetTheirArguments(ScriptedPool kit) {
    kit.answers(
        "m:join",
        request -> request.argument(0, String.class) + request.argument("end", String.class));

    var call = kit.pool().call(Call.of("m:join", "tea").with("end", "!"));

    assertThat(kit.get(call).as(String.class)).isEqualTo("tea!");
    assertThat(kit.requests("m:join")).hasToString("[m:join[\"tea\"]{\"end\":\"!\"}]");
  }

  @Test
  void anArgumentThatIsMissingIsRaisedAndSaysSo(ScriptedPool kit) {
    kit.answers("m:second", request -> request.argument(1, String.class));

    kit.failure(kit.pool().call(Call.of("m:second", "one")))
        .is(PythonRaised.class)
        .says("m:second was called without argument 1: m:second[\"one\"]");
  }

  @Test
  void aFunctionMayTakeItsTime(ScriptedPool kit) {
    kit.answersAfter(Duration.ofSeconds(3), "m:slow", request -> "done");
    var call = kit.pool().call(Call.of("m:slow"));

    kit.passes(Duration.ofMillis(2_999));
    assertThat(kit.isDone(call)).isFalse();
    kit.passes(Duration.ofMillis(1));
    assertThat(kit.now(call).as(String.class)).isEqualTo("done");
  }

  @Test
  void aCancelEndsWhatHangsAndTheWorkerGoesOn(ScriptedPool kit) {
    kit.hangs("m:hang");
    var call = kit.pool().call(Call.of("m:hang"));
    kit.settle();
    var worker =
        kit.connector().alive().stream().filter(ScriptedConnection::isBusy).findFirst().get();

    call.cancel();

    kit.failure(call).is(Cancelled.class);
    kit.passes(Duration.ofSeconds(2));
    assertThat(worker.isAlive()).isTrue();
    assertThat(worker.isBusy()).isFalse();
    assertThat(worker.interrupts()).isEqualTo(1);
  }

  @Test
  void aCallThatNobodyAnswersIsNamed(ScriptedPool kit) {
    var call = kit.pool().call(Call.of("m:unknown", 1).withTimeout(Duration.ofHours(1)));

    assertThatThrownBy(() -> kit.get(call))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining(" runs m:unknown[1]: tell the kit what it answers");
    call.cancel();
  }

  @Test
  void faultsMeetTheNextCallOfATargetWhoeverMakesIt(ScriptedPool kit) {
    kit.faults().atNextCallOf("gorgon_testkit:echo", new Fault.Killed(Point.RUNNING));
    var first = kit.pool().call(Call.of("gorgon_testkit:echo", 1));
    kit.settle();
    var second = kit.pool().call(Call.of("gorgon_testkit:echo", 2));

    kit.failure(first).says("SIGKILL");
    assertThat(kit.get(second).as(Integer.class)).isEqualTo(2);
  }

  @Test
  void aFaultAtAPointThatIsNotOnTheWayIsRefused() {
    assertThatThrownBy(() -> new Fault.Killed(Point.BOOT))
        .hasMessageContaining("nextWorker().isKilledAt(BOOT)");
    assertThatThrownBy(() -> new StartFault.Killed(Point.RUNNING))
        .hasMessageContaining("workerOf(name).isKilledAt(RUNNING)");
  }
}
