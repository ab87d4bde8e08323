package io.gorgon.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.Payload;
import io.gorgon.proving.NotingHolder;
import io.gorgon.proving.QuietConnection;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;

/** Short calls behind a slow one are kept from starting first, and taken back then. */
class RescueTest {

  private final Flights flights = new Flights(new ReentrantLock(), true);
  private final QuietConnection connection = new QuietConnection();
  private final Rescue rescue = new Rescue(flights, connection);

  private PendingCall flies() {
    var call = new PendingCall("c", Call.of("m:f"), Payload.EMPTY, 0, 0, Dialogue.NONE);
    long request = flights.nextRequest();
    call.starts(new NotingHolder(), request, 0);
    flights.add(new InFlight(request, call, false));
    return call;
  }

  @Test
  void aWorkerWithNothingInItsHandsIsLeftAlone() {
    assertThat(rescue.look()).isEmpty();
    assertThat(connection.withdrawnUpTo()).isZero();
  }

  @Test
  void aCallThatIsAloneIsLeftAlone() {
    flies();
    connection.started(1);

    assertThat(rescue.look()).isEmpty();
    assertThat(rescue.look()).isEmpty();
    assertThat(connection.withdrawnUpTo()).isZero();
  }

  @Test
  void whatWaitsBehindTheSameCallAtTwoLooksIsMarkedAndThenTakenBackInItsOrder() {
    flies();
    PendingCall second = flies();
    PendingCall third = flies();
    connection.started(1);

    assertThat(rescue.look()).isEmpty();
    assertThat(connection.withdrawnUpTo()).isEqualTo(3);
    assertThat(flights.size()).isEqualTo(3);

    assertThat(rescue.look()).containsExactly(second, third);
    assertThat(flights.size()).isEqualTo(1);
    assertThat(second.attempts()).isZero();
    assertThat(flights.landWithdrawn(2)).isTrue();
    assertThat(flights.landWithdrawn(2)).isFalse();
    assertThat(rescue.look()).isEmpty();
  }

  @Test
  void aRescueIsUnderWayUntilAllThatWereMarkedHaveComeBack() {
    flies();
    flies();
    flies();
    connection.started(1);
    assertThat(rescue.isUnderWay()).isFalse();
    rescue.look();
    assertThat(rescue.isUnderWay()).isTrue();

    flights.land(1);
    flights.land(2);
    assertThat(rescue.isUnderWay()).isTrue();
    flights.land(3);
    assertThat(rescue.isUnderWay()).isFalse();
    flies();
    assertThat(rescue.isUnderWay()).isFalse();
  }

  @Test
  void aWorkerThatMovesOnBetweenTwoLooksKeepsItsCalls() {
    flies();
    PendingCall second = flies();
    flies();
    connection.started(1);
    rescue.look();
    flights.land(1);
    connection.started(2);

    assertThat(rescue.look()).isEmpty();
    assertThat(flights.first().call()).isSameAs(second);
    assertThat(flights.size()).isEqualTo(2);
  }

  @Test
  void aFollowerThatStartedBeforeTheMarkKeepsAllWhereTheyAre() {
    flies();
    flies();
    connection.started(1);
    rescue.look();
    // The answer of the first is on its way, and Python is in the second one already.
    connection.started(2);

    assertThat(rescue.look()).isEmpty();
    assertThat(flights.size()).isEqualTo(2);
  }

  @Test
  void aCallThatWasWrittenAfterTheMarkIsNotTakenBack() {
    flies();
    PendingCall second = flies();
    connection.started(1);
    rescue.look();
    PendingCall late = flies();

    assertThat(rescue.look()).containsExactly(second);
    assertThat(flights.of(late)).isNotNull();
  }
}
