package io.gorgon.cluster;

import io.gorgon.message.FailureForm;
import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Reply;
import io.gorgon.wire.Frame;
import io.gorgon.worker.PendingCall;
import java.util.function.Consumer;
import org.apache.pekko.actor.typed.ActorRef;
import org.jspecify.annotations.Nullable;

/**
 * This is a {@link Guest} whose home is on another node: what goes either way is numbered and
 * packed. Thread-safe.
 */
final class Visit implements Home {

  /** Whose call it is: numbers are given out by the caller's node. */
  record Id(ActorRef<Desk.Command> desk, long number) {}

  /** Why it is given up where messages between the nodes were lost. */
  static final String LOST = "since something was lost between its node and its caller's";

  private final Id id;
  private final Visits visits;
  private final InOrder said = new InOrder();
  private final Runnable onOver;
  private volatile @Nullable Guest guest;

  /** Why nobody waits for it any more; null if somebody does. */
  private volatile @Nullable String givenUp;

  private volatile boolean over;
  private long told;

  Visit(Id id, Visits visits, Runnable onOver) {
    this.id = id;
    this.visits = visits;
    this.onOver = onOver;
  }

  Id id() {
    return id;
  }

  /** Its request has come: it is run. */
  void begin(Errand errand, Payload request, long deadline, Consumer<PendingCall> road) {
    var made = new Guest(errand, request, visits.clock(), deadline, this);
    guest = made;
    String why = givenUp;
    if (why != null) {
      made.giveUp(why);
    }
    made.start(road);
  }

  void say(long number, Frame.@Nullable Kind kind, Parcel parcel) {
    boolean inOrder =
        said.add(
            number,
            visits.parcels().unpack(parcel),
            (payload, failure) -> {
              Guest running = guest;
              if (running != null && payload != null) {
                if (kind != null) {
                  running.say(Frame.of(kind, 0, payload));
                }
              } else {
                giveUp(LOST);
              }
            });
    if (!inOrder) {
      giveUp(LOST);
    }
  }

  void giveUp(String why) {
    givenUp = why;
    Guest running = guest;
    if (running != null) {
      running.giveUp(why);
    }
  }

  /** How much was told. */
  synchronized long told() {
    return told;
  }

  /** How much its caller's node has said, as far as it has come. */
  long heard() {
    return said.nextNumber();
  }

  // Numbers and the order of sending must agree, whatever threads tell.

  @Override
  public synchronized void told(Frame frame) {
    if (!over) {
      Parcel parcel = visits.parcels().pack(frame.payload());
      id.desk().tell(new Desk.Told(id.number(), told++, frame.kind(), parcel));
    }
  }

  @Override
  public void answered(Reply reply) {
    visits.measured(reply.ran());
    synchronized (this) {
      id.desk()
          .tell(
              new Desk.Answered(
                  id.number(),
                  told++,
                  visits.site().outside(reply.worker()),
                  reply.attempts(),
                  reply.queued(),
                  reply.ran(),
                  visits.parcels().pack(reply.payload())));
      over = true;
    }
    end();
  }

  @Override
  public void failed(PythonFailure failure) {
    synchronized (this) {
      id.desk()
          .tell(
              new Desk.Failed(
                  id.number(), told++, FailureForm.of(failure, visits.site()::outside)));
      over = true;
    }
    end();
  }

  private void end() {
    visits.remove(this);
    onOver.run();
  }
}
