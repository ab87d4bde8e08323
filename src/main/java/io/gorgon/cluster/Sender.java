package io.gorgon.cluster;

import io.gorgon.message.Loan;
import io.gorgon.message.Payload;
import io.gorgon.pool.PoolClock;
import io.gorgon.worker.PendingCall;
import java.util.Objects;
import java.util.function.BiConsumer;
import org.apache.pekko.actor.typed.ActorRef;
import org.jspecify.annotations.Nullable;

/** This takes one-shot calls to a node: by a message, or, if it is this very one, at once. */
final class Sender implements BiConsumer<CallCrossing, Station> {

  private final Parcels parcels;
  private final PoolClock clock;
  private volatile @Nullable ActorRef<Desk.Command> desk;

  Sender(Parcels parcels, PoolClock clock) {
    this.parcels = parcels;
    this.clock = clock;
  }

  /** Who hears of the answers; before the first call. */
  void desk(ActorRef<Desk.Command> newDesk) {
    desk = newDesk;
  }

  @Override
  public void accept(CallCrossing crossing, Station to) {
    PendingCall call = crossing.call();
    Errand errand = Errand.of(call, clock.getAsLong());
    Hosted own = to.own();
    if (own != null) {
      Guest guest = own.visits().own(errand, call.body(), crossing);
      crossing.isAt(guest);
      guest.start(own.pool().entrance()::offer);
      return;
    }
    ActorRef<Desk.Command> home = Objects.requireNonNull(desk);
    Payload body = call.body().with(call.body().attachments(), Loan.NONE);
    crossing.isAt(new RemoteVisit(to.gate(), home, crossing.number(), parcels));
    to.gate().tell(new Gate.Serve(home, crossing.number(), errand, parcels.pack(body), null));
  }
}
