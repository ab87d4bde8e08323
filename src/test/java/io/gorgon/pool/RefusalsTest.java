package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import com.typesafe.config.ConfigFactory;
import io.gorgon.message.Call;
import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.message.PythonFailure.CheckoutRefused;
import io.gorgon.message.PythonFailure.CheckoutRefused.Reason;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.Draining;
import io.gorgon.message.PythonFailure.NoCapacity;
import io.gorgon.message.PythonFailure.Overloaded;
import io.gorgon.message.PythonFailure.SessionLost;
import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.worker.Dialogue;
import io.gorgon.worker.PendingCall;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Each reason in the words of whoever asked. */
class RefusalsTest {

  private static final CheckoutKind SESSION = CheckoutKind.session("s", Affinity.PINNED);
  private static final NoCapacity CIRCUIT = new NoCapacity("p", "all crash", List.of());
  private static final PoolSettings SETTINGS =
      PoolSettings.of("p", ConfigFactory.parseString("queue-capacity = 7"), ConfigFactory.load());

  private static PythonFailure callFailure(Refusal refusal) {
    var call =
        new PendingCall("c", Call.of("m:f"), Payload.EMPTY, 1_000_000, 6_000_000, Dialogue.NONE);
    return Refusals.callFailure(SETTINGS, call, SESSION, refusal, CIRCUIT, 3, "2 busy");
  }

  private static PythonFailure callFailure(Reason reason) {
    return callFailure(Refusal.of(reason, "details"));
  }

  @ParameterizedTest
  @EnumSource
  void whoCheckedOutIsToldTheReasonAndTheDetails(Reason reason) {
    PythonFailure failure = Refusals.failure("p", SESSION, Refusal.of(reason, "details"));

    assertThat(failure).isInstanceOf(CheckoutRefused.class).hasMessageContaining("'p'");
    assertThat(failure).hasMessageContaining("details");
    assertThat(((CheckoutRefused) failure).reason()).isEqualTo(reason);
  }

  @Test
  void aLostSessionIsToldAsSuchToBoth() {
    Refusal lost = Refusal.sessionLost(0, 4);

    for (PythonFailure failure : List.of(Refusals.failure("p", SESSION, lost), callFailure(lost))) {
      assertThat(failure).isInstanceOf(SessionLost.class).hasMessageContaining("p/0.4");
      assertThat(((SessionLost) failure).session()).isEqualTo("s");
    }
  }

  @ParameterizedTest
  @EnumSource
  void everyReasonHasWordsForACall(Reason reason) {
    assertThat(callFailure(reason)).isNotNull().hasMessageNotContaining("null");
  }

  @Test
  void aFullLineIsAnOverloadWithItsFigures() {
    assertThat(callFailure(Reason.QUEUE_FULL))
        .isInstanceOf(Overloaded.class)
        .hasMessageContaining("3 waiting of at most 7")
        .hasMessageContaining("2 busy");
  }

  @Test
  void aDeadlineInTheLineIsOneOfTheCallAndNamesItsWholeTime() {
    PythonFailure failure = callFailure(Reason.DEADLINE);

    assertThat(failure).isInstanceOf(DeadlineExceeded.class).hasMessageContaining("5 ms");
    assertThat(((DeadlineExceeded) failure).phase()).isEqualTo(DeadlineExceeded.Phase.QUEUED);
  }

  @Test
  void drainingAndStoppedAreToldApart() {
    assertThat(callFailure(Reason.DRAINING))
        .isInstanceOf(Draining.class)
        .hasMessageContaining("is draining");
    assertThat(callFailure(Reason.STOPPED))
        .isInstanceOf(Draining.class)
        .hasMessageContaining("has stopped");
  }

  @Test
  void anOpenCircuitGivesItsOwnReason() {
    assertThat(callFailure(Reason.NO_CAPACITY)).isSameAs(CIRCUIT);
  }

  @ParameterizedTest
  @EnumSource(
      value = Reason.class,
      names = {"CANCELLED", "OWNER_DEAD"})
  void whatWasWithdrawnIsCancelledBeforeItRan(Reason reason) {
    PythonFailure failure = callFailure(reason);

    assertThat(failure).isInstanceOf(Cancelled.class);
    assertThat(((Cancelled) failure).started()).isFalse();
  }
}
