package io.gorgon.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.message.Reply;
import io.gorgon.message.WorkerId;
import io.gorgon.wire.Frame;
import io.gorgon.worker.PendingCall;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongFunction;
import org.apache.pekko.actor.testkit.typed.javadsl.TestInbox;
import org.junit.jupiter.api.Test;

/** Another node's calls, where they run. */
class VisitsTest {

  private static final WorkerId OWN = new WorkerId("p", 1, 2);

  private final TestInbox<Desk.Command> desk = TestInbox.create("desk");
  private final Parcels parcels = new Parcels(null, 1024, 1 << 20);
  private final Visits visits = new Visits(parcels, () -> 0L, new Site("p", "h:1"));
  private final List<PendingCall> started = new ArrayList<>();
  private final List<Frame.Kind> said = new ArrayList<>();
  private int over;

  private Visit.Id take(long number) {
    var id = new Visit.Id(desk.getRef(), number);
    visits.take(
        id,
        new Errand("c", "m:f", Duration.ofSeconds(3), Optional.empty(), 0, false),
        parcels.pack(Payload.EMPTY),
        new InOrder(),
        call -> {
          call.heldBy(new Worker());
          started.add(call);
        },
        () -> over++);
    return id;
  }

  /** Hears what is said to Python. */
  private final class Worker implements PendingCall.Holder {
    @Override
    public void onAbandoned(PendingCall call, boolean dirty) {}

    @Override
    public boolean hasStarted(PendingCall call) {
      return true;
    }

    @Override
    public long send(PendingCall call, LongFunction<Frame> frame) {
      said.add(frame.apply(7).kind());
      return 1;
    }
  }

  private void say(Visit.Id id, long position, Frame.Kind kind) {
    visits.say(id, position, kind, parcels.pack(Payload.EMPTY));
  }

  @Test
  void aCallIsAnsweredWithItsWorkerAsTheClusterNamesIt() {
    take(1);
    started
        .get(0)
        .complete(new Reply("c", OWN, 1, Duration.ZERO, Duration.ofMillis(2), Payload.EMPTY));

    var answered = (Desk.Answered) desk.receiveMessage();
    assertThat(answered.worker()).hasToString("p@h:1/1.2");
    assertThat(answered.position()).isZero();
    assertThat(over).isEqualTo(1);
    assertThat(visits.usualNanos()).isEqualTo(2_000_000.0);
  }

  @Test
  void aCallThatComesTwiceRunsOnce() {
    take(1);
    take(1);

    assertThat(started).hasSize(1);
  }

  @Test
  void whatIsSaidArrivesInOrderAndAGapEndsTheCall() {
    Visit.Id id = take(1);
    say(id, 0, Frame.Kind.CREDIT);
    say(id, 1, Frame.Kind.CREDIT);
    say(id, 3, Frame.Kind.CREDIT);

    assertThat(said).containsExactly(Frame.Kind.CREDIT, Frame.Kind.CREDIT);
    var failed = (Desk.Failed) desk.receiveMessage();
    assertThat(failed.failure().failure()).isInstanceOf(Cancelled.class);
    assertThat(over).isEqualTo(1);
  }

  @Test
  void whatIsNotKnownHereIsPassedOver() {
    Visit.Id id = take(1);
    say(id, 0, null);
    say(id, 1, Frame.Kind.CREDIT);

    assertThat(said).containsExactly(Frame.Kind.CREDIT);
    assertThat(desk.hasMessages()).isFalse();
  }

  @Test
  void theCallsOfANodeThatIsGoneAreGivenUpAndNoOthers() {
    take(1);
    var other = new Visit.Id(TestInbox.<Desk.Command>create("other").getRef(), 1);
    visits.take(
        other,
        new Errand("d", "m:f", Duration.ofSeconds(3), Optional.empty(), 0, false),
        parcels.pack(Payload.EMPTY),
        new InOrder(),
        started::add,
        () -> {});
    assertThat(visits.others(desk.getRef())).isEqualTo(1);

    visits.giveUpAll(desk.getRef());

    assertThat(started).extracting(PendingCall::isDone).containsExactly(true, false);
    assertThat(visits.others(other.desk())).isZero();
  }
}
