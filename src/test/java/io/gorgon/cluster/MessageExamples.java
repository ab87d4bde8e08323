package io.gorgon.cluster;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.gorgon.connection.SharedFigures;
import io.gorgon.message.ClusterMessage;
import io.gorgon.message.FailureForm;
import io.gorgon.message.Payload;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.WorkerId;
import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.pool.Lease;
import io.gorgon.pool.PoolStats;
import io.gorgon.pool.PoolStatus;
import io.gorgon.pool.Verdict;
import io.gorgon.wire.Frame;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.stream.SystemMaterializer;

/** Examples of all that nodes say to each other. */
final class MessageExamples {

  private static final int INLINE = 1024 * 1024;

  private static final Lease LEASE = new Lease(1, 2, 3);

  private final ActorSystem<?> system;
  private final Parcels parcels;

  MessageExamples(ActorSystem<?> system) {
    this.system = system;
    this.parcels = new Parcels(SystemMaterializer.get(system).materializer(), INLINE, 64L << 20);
  }

  /** Nobody in particular. */
  <T> ActorRef<T> somebody() {
    return system.systemActorOf(Behaviors.<T>ignore(), "s-" + UUID.randomUUID(), Props.empty());
  }

  /** A value of so many bytes beside its text. */
  Parcel parcel(int bytes) {
    byte[] attachment = new byte[bytes];
    new Random(7).nextBytes(attachment);
    return parcels.pack(
        new Payload("[1]".getBytes(UTF_8), true, List.of(ByteBuffer.wrap(attachment))));
  }

  Errand errand() {
    return new Errand(
        "p@h:1-7", "m:f", Duration.ofMillis(1234), Optional.of(Duration.ofSeconds(3)), 2, true);
  }

  private static PoolStats figures() {
    return new PoolStats(
        "p@h:1",
        PoolStatus.RUNNING,
        1,
        2,
        1,
        1,
        3,
        4,
        5,
        6,
        7,
        new SharedFigures(1, 2, 3, 4, 5, 6),
        List.of(
            new PoolStats.WorkerStats(
                "p@h:1",
                0,
                1,
                42,
                "leased",
                true,
                1,
                2,
                3,
                4,
                5,
                6,
                7,
                Instant.ofEpochMilli(1_700_000_000_123L),
                Duration.ofMillis(1),
                Duration.ofMillis(2))));
  }

  List<ClusterMessage> all() {
    ActorRef<Desk.Command> desk = somebody();
    ActorRef<Gate.Command> gate = somebody();
    FailureForm failure = FailureForm.of(new PythonFailure.Draining("p", false));
    var load = new Load(PoolStatus.RUNNING, 3, 12, 4);
    return List.of(
        new Gate.Join(desk, 1),
        new Gate.Serve(desk, 5, errand(), parcel(10), LEASE),
        new Gate.Say(desk, 5, 2, Frame.Kind.CREDIT, parcel(1)),
        new Gate.GiveUp(desk, 5),
        new Gate.Called(desk, new Roll(List.of(5L), List.of(2L), true)),
        new Desk.Called(gate, new Roll(List.of(5L), List.of(2L), false)),
        new Roll(List.of(5L, 6L), List.of(2L, 0L), true),
        new Gate.Lend(somebody(), desk, 9, "key", Affinity.PINNED, Duration.ofSeconds(4)),
        new Gate.Withdraw(somebody(), 9),
        new Gate.Keep(LEASE, Gate.Step.RETURN, Verdict.CLEAN),
        new Gate.Count(somebody()),
        new Gate.Counted(figures()),
        new Gate.Follow(somebody()),
        new Gate.Dump(new WorkerId("p", 0, 1), somebody()),
        new Gate.Dumped(parcel(50), failure),
        new Gate.Resize(1, 3),
        new Gate.Reset(),
        new Ear.Heard(new PoolEvent.WorkerReady(new WorkerId("p@h:1", 1, 4), 77)),
        new Borrower.Lent(9, gate, LEASE, new WorkerId("p@h:1", 1, 4)),
        new Borrower.Refused(9, failure),
        new Borrower.Ended(gate, LEASE),
        new SessionEntity.Lend(
            somebody(), desk, 9, Affinity.PINNED_FAIL_FAST, Duration.ofSeconds(4)),
        new Desk.Told(5, 1, Frame.Kind.CHUNK, parcel(5)),
        new Desk.Answered(
            5,
            2,
            new WorkerId("p@h:1", 1, 4),
            1,
            Duration.ofMillis(3),
            Duration.ofNanos(4),
            parcel(3)),
        new Desk.Failed(5, 2, failure),
        new Desk.Taken(5, gate),
        new Desk.Loaded(gate, load, 1),
        new SessionEntity.Knock(desk, 6),
        new Desk.Here(5, somebody(), gate),
        new Desk.Left("key", somebody(), 4),
        new SessionEntity.Serve(desk, 6, errand(), Affinity.PINNED, parcel(4)),
        new SessionEntity.GiveUp(desk, 6),
        new SessionEntity.End(somebody()),
        new SessionEntity.Look(somebody()),
        new SessionEntity.Ended(failure),
        new SessionEntity.Seen(parcel(9), failure),
        errand(),
        load,
        parcel(100),
        parcel(INLINE));
  }
}
