package io.gorgon.cluster;

import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Reply;
import io.gorgon.pool.PoolClock;
import io.gorgon.wire.Frame;
import io.gorgon.worker.PendingCall;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.apache.pekko.actor.typed.ActorRef;
import org.jspecify.annotations.Nullable;

/** These are the calls of other nodes that one pool runs here. Thread-safe. */
final class Visits {

  /** How much of what was measured before counts for each further call. */
  private static final double MEMORY = 0.9;

  private final Parcels parcels;
  private final PoolClock clock;
  private final Site site;
  private final ConcurrentMap<Visit.Id, Visit> present = new ConcurrentHashMap<>();
  private final AtomicInteger own = new AtomicInteger();
  private volatile double nanos = Double.NaN;

  /** {@code site}: what the cluster calls the pool. */
  Visits(Parcels parcels, PoolClock clock, Site site) {
    this.parcels = parcels;
    this.clock = clock;
    this.site = site;
  }

  Parcels parcels() {
    return parcels;
  }

  Site site() {
    return site;
  }

  PoolClock clock() {
    return clock;
  }

  /**
   * Takes a call in and sends it on its road when its request is here as a whole.
   *
   * @param line the calls that go their road one behind the other, however big their requests are
   * @param onOver is run when it has its answer
   */
  void take(
      Visit.Id id,
      Errand errand,
      Parcel request,
      InOrder line,
      Consumer<PendingCall> road,
      Runnable onOver) {
    long deadline = clock.after(errand.remaining()); // the way of a big request counts
    var visit = new Visit(id, this, onOver);
    if (present.putIfAbsent(id, visit) != null) {
      return; // said twice; the first one has it
    }
    CompletionStage<Payload> unpacked;
    try {
      unpacked = parcels.unpack(request);
    } catch (RuntimeException broken) {
      unpacked = CompletableFuture.failedFuture(broken);
    }
    line.addNext(
        unpacked,
        (payload, failure) -> {
          if (payload == null) {
            visit.failed(Lost.request(errand.target(), id.desk(), failure));
            return;
          }
          try {
            visit.begin(errand, payload, deadline, road);
          } catch (PythonFailure refused) {
            visit.failed(refused);
          } catch (RuntimeException broken) {
            visit.failed(Lost.request(errand.target(), id.desk(), broken));
          }
        });
  }

  void say(Visit.Id id, long number, Frame.@Nullable Kind kind, Parcel parcel) {
    Visit visit = present.get(id);
    if (visit != null) {
      visit.say(number, kind, parcel);
    } else {
      parcels.discard(parcel);
    }
  }

  void giveUp(Visit.Id id) {
    giveUp(id, "by its caller");
  }

  void giveUp(Visit.Id id, String why) {
    Visit visit = present.get(id);
    if (visit != null) {
      visit.giveUp(why);
    }
  }

  /** Looks which calls of a node have lost something, and what the node is to look at itself. */
  Roll answer(ActorRef<Desk.Command> desk, Roll roll, RollCall call) {
    Map<Long, Long> told = new HashMap<>();
    Map<Long, Long> heard = new HashMap<>();
    present.forEach(
        (id, visit) -> {
          if (id.desk().equals(desk)) {
            told.put(id.number(), visit.told());
            heard.put(id.number(), visit.heard());
          }
        });
    call.lost(roll, heard).forEach(number -> giveUp(new Visit.Id(desk, number), Visit.LOST));
    return Roll.of(told);
  }

  /** Gives up all calls of a node that is gone. */
  void giveUpAll(ActorRef<Desk.Command> desk) {
    for (Visit visit : List.copyOf(present.values())) {
      if (visit.id().desk().equals(desk)) {
        visit.giveUp("since its caller's node is gone");
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
        clock.after(errand.remaining()),
        new Home() {
          @Override
          public void told(Frame frame) {
            home.told(frame);
          }

          @Override
          public void answered(Reply reply) {
            own.decrementAndGet();
            measured(reply.ran());
            home.answered(
                new Reply(
                    reply.callId(),
                    site.outside(reply.worker()),
                    reply.attempts(),
                    reply.queued(),
                    reply.ran(),
                    reply.payload()));
          }

          @Override
          public void failed(PythonFailure failure) {
            own.decrementAndGet();
            home.failed(site.outside(failure));
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
