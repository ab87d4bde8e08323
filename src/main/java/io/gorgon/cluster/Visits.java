package io.gorgon.cluster;

import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Reply;
import io.gorgon.pool.PoolClock;
import io.gorgon.wire.Frame;
import io.gorgon.worker.PendingCall;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.apache.pekko.actor.typed.ActorRef;

/** These are the calls of other nodes that one pool runs here. Thread-safe. */
final class Visits {

  /** How much of what was measured before counts for each further call. */
  private static final double MEMORY = 0.9;

  private final Parcels parcels;
  private final PoolClock clock;
  private final ConcurrentMap<Visit.Id, Visit> present = new ConcurrentHashMap<>();
  private final AtomicInteger own = new AtomicInteger();
  private volatile double nanos = Double.NaN;

  Visits(Parcels parcels, PoolClock clock) {
    this.parcels = parcels;
    this.clock = clock;
  }

  Parcels parcels() {
    return parcels;
  }

  PoolClock clock() {
    return clock;
  }

  /**
   * Takes a call in and sends it on its road when its request is here as a whole.
   *
   * @param onOver is run when it has its answer
   */
  void take(
      Visit.Id id, Errand errand, Parcel request, Consumer<PendingCall> road, Runnable onOver) {
    var visit = new Visit(id, this, onOver);
    if (present.putIfAbsent(id, visit) != null) {
      onOver.run();
      return;
    }
    parcels
        .unpack(request)
        .whenComplete(
            (payload, failure) -> {
              if (payload != null) {
                visit.begin(errand, payload, road);
              } else {
                visit.failed(Lost.request(errand.target(), id.desk(), failure));
              }
            });
  }

  void say(Visit.Id id, long number, Frame.Kind kind, Parcel parcel) {
    Visit visit = present.get(id);
    if (visit != null) {
      visit.say(number, kind, parcel);
    }
  }

  void giveUp(Visit.Id id) {
    Visit visit = present.get(id);
    if (visit != null) {
      visit.giveUp();
    }
  }

  /** Gives up all calls of a node that is gone. */
  void giveUpAll(ActorRef<Desk.Command> desk) {
    for (Visit visit : List.copyOf(present.values())) {
      if (visit.id().desk().equals(desk)) {
        visit.giveUp();
      }
    }
  }

  /** Makes a call of this very node, whose home is here: nothing has to be packed. */
  Guest own(Errand errand, Payload request, Home home) {
    own.incrementAndGet();
    return new Guest(
        errand,
        request,
        clock,
        new Home() {
          @Override
          public void told(Frame frame) {
            home.told(frame);
          }

          @Override
          public void answered(Reply reply) {
            own.decrementAndGet();
            measured(reply.ran());
            home.answered(reply);
          }

          @Override
          public void failed(PythonFailure failure) {
            own.decrementAndGet();
            home.failed(failure);
          }
        });
  }

  void remove(Visit visit) {
    present.remove(visit.id(), visit);
  }

  /** How many there are that are not of {@code desk}. */
  int others(ActorRef<Desk.Command> desk) {
    int count = own.get();
    for (Visit.Id id : present.keySet()) {
      count += id.desk().equals(desk) ? 0 : 1;
    }
    return count;
  }

  /** Learns how long a call was at its worker. */
  void measured(Duration ran) {
    double before = nanos;
    nanos = Double.isNaN(before) ? ran.toNanos() : before * MEMORY + ran.toNanos() * (1 - MEMORY);
  }

  /** How long a call is at its worker, as of late, in nanoseconds; NaN if none has been. */
  double usualNanos() {
    return nanos;
  }
}
