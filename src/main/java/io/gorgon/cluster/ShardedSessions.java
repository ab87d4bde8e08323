package io.gorgon.cluster;

import io.gorgon.message.FailureForm;
import io.gorgon.message.PythonFailure.Draining;
import io.gorgon.message.PythonFailure.Overloaded;
import io.gorgon.message.PythonFailure.StoreUnavailable;
import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.pool.PoolClock;
import io.gorgon.pool.PoolSettings;
import io.gorgon.session.SessionHome;
import io.gorgon.session.SessionRoad;
import io.gorgon.session.SessionState;
import io.gorgon.worker.PendingCall;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.cluster.sharding.typed.javadsl.EntityRef;
import org.jspecify.annotations.Nullable;

/**
 * This sends each call of a session to the one node that has the session, wherever that is, one
 * after another. Who has it is asked first, as often as need be: sharding drops messages while it
 * moves a session, and loses them with a node. Calls for a node that is cut off wait here until it
 * is back, or its sessions have gone elsewhere. What is here has not started. Thread-safe.
 */
final class ShardedSessions implements SessionHome, Router.Watcher {

  /** How long a call waits whose session is on its way from one node to another. */
  private static final Duration MOVING = Duration.ofMillis(50);

  /** How often it is asked who has a session. */
  private static final Duration KNOCK = Duration.ofMillis(100);

  /** Runs something later. */
  interface Timer {
    void after(Duration delay, Runnable task);
  }

  private final PoolSettings settings;
  private final Function<String, Optional<EntityRef<SessionEntity.Command>>> entities;
  private final ActorRef<Desk.Command> desk;
  private final Router router;
  private final Parcels parcels;
  private final PoolClock clock;
  private final Timer timer;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Lane> lanes = new HashMap<>();

  /** Calls that wait in the lanes. */
  private int waiting;

  /** Who has which session; those who leave tell so. */
  private final Map<String, Owner> owners = new ConcurrentHashMap<>();

  /**
   * For one pool on one node.
   *
   * @param entities finds a session by its key; empty while this node takes no part
   */
  ShardedSessions(
      PoolSettings settings,
      Function<String, Optional<EntityRef<SessionEntity.Command>>> entities,
      ActorRef<Desk.Command> desk,
      Router router,
      Parcels parcels,
      PoolClock clock,
      Timer timer) {
    this.settings = settings;
    this.entities = entities;
    this.desk = desk;
    this.router = router;
    this.parcels = parcels;
    this.clock = clock;
    this.timer = timer;
  }

  @Override
  public void submit(String key, PendingCall call, Affinity affinity, SessionRoad road) {
    var crossing = new SessionCrossing(call, router.nextNumber(), key, affinity, this, clock);
    call.heldBy(crossing);
    router.add(crossing);
    boolean full;
    lock.lock();
    try {
      Lane lane = lanes.computeIfAbsent(key, any -> new Lane());
      boolean atOnce = lane.isFree() && !isCutOff(key);
      full = !atOnce && waiting >= settings.queueCapacity();
      if (!full) {
        lane.add(crossing);
        waiting++;
      }
    } finally {
      lock.unlock();
    }
    if (full) {
      int capacity = settings.queueCapacity();
      String why = "they wait behind others of their sessions, or for nodes that are cut off";
      call.fail(new Overloaded(settings.name(), capacity, capacity, why));
      crossing.over();
    } else {
      advance(key);
    }
  }

  /** Sends the session's next call, if it can be sent. */
  private void advance(String key) {
    Deque<Lane.Step> refused = new ArrayDeque<>(0);
    Lane.Step next = null;
    lock.lock();
    try {
      Lane lane = lanes.get(key);
      if (lane == null) {
        return;
      }
      if (!router.isOpen()) {
        refused = lane.clear();
        waiting -= refused.size();
      } else if (!isCutOff(key)) {
        next = lane.begin();
        waiting -= next == null ? 0 : 1;
      }
      if (lane.isFree()) {
        lanes.remove(key);
      }
    } finally {
      lock.unlock();
    }
    refused.forEach(this::refuse);
    // Without the lock: nobody else tells the session anything until this one has ended.
    if (next != null) {
      tell(next);
    }
  }

  private void refuse(Lane.Step step) {
    var draining = new Draining(settings.name(), false);
    if (step instanceof SessionCrossing crossing) {
      crossing.call().fail(draining);
      crossing.over();
    } else if (step instanceof Lane.Ending ending) {
      ending.ended().completeExceptionally(draining);
    }
  }

  private void tell(Lane.Step step) {
    if (step instanceof SessionCrossing crossing) {
      depart(crossing);
    } else if (step instanceof Lane.Ending ending) {
      this.<SessionEntity.Ended>ask(ending.key(), (entity, ref) -> new SessionEntity.End(ref))
          .whenComplete((ended, failure) -> onEnded(ending, ended, failure));
    }
  }

  private void depart(SessionCrossing crossing) {
    Owner owner = owners.get(crossing.key());
    if (crossing.call().isDone()) {
      over(crossing); // has been, perhaps, before it had begun
    } else if (owner == null) {
      knock(crossing);
    } else if (crossing.goesTo(owner)) {
      PendingCall call = crossing.call();
      owner
          .entity()
          .tell(
              new SessionEntity.Serve(
                  desk,
                  crossing.number(),
                  Errand.of(call, clock.getAsLong()),
                  crossing.affinity(),
                  parcels.pack(call.body())));
    }
  }

  /** Until somebody opens: a knock may be lost when a session moves, or with a node. */
  private void knock(SessionCrossing crossing) {
    entities
        .apply(crossing.key())
        .ifPresent(entity -> entity.tell(new SessionEntity.Knock(desk, crossing.number())));
    timer.after(
        KNOCK,
        () -> {
          if (!crossing.isSent() && router.find(crossing.number()) == crossing) {
            depart(crossing);
          }
        });
  }

  /** Somebody has opened. */
  void found(SessionCrossing crossing, Owner owner) {
    owners.put(crossing.key(), owner);
    if (!crossing.isSent()) {
      depart(crossing);
    }
  }

  private void onEnded(
      Lane.Ending ending, SessionEntity.@Nullable Ended ended, @Nullable Throwable failure) {
    FailureForm told = ended == null ? null : ended.failure();
    if (told != null) {
      ending.ended().completeExceptionally(told.failure());
    } else if (failure != null) {
      ending.ended().completeExceptionally(failure);
    } else {
      ending.ended().complete(Done.getInstance());
    }
    leave(ending.key(), ending);
  }

  /** The step has ended, wherever it was: the next one may begin. */
  private void leave(String key, Lane.Step step) {
    lock.lock();
    try {
      Lane lane = lanes.get(key);
      if (lane != null && lane.end(step) == Lane.Place.WAITING) {
        waiting--;
      }
    } finally {
      lock.unlock();
    }
    advance(key);
  }

  private boolean isCutOff(String key) {
    Owner owner = owners.get(key);
    Station home = owner == null ? null : router.station(owner.gate());
    return home != null && !home.isReachable();
  }

  /** A session's node has taken a call. */
  void taken(SessionCrossing crossing, ActorRef<Gate.Command> gate) {
    crossing.isAt(new RemoteVisit(gate, desk, crossing.number(), parcels));
  }

  /** Sends what waited for nodes that can be reached again, or are gone. */
  @Override
  public void onReachability() {
    List<String> keys;
    lock.lock();
    try {
      keys = List.copyOf(lanes.keySet());
    } finally {
      lock.unlock();
    }
    keys.forEach(this::advance);
  }

  /** A node is gone for good, and with it what it had in its hands. */
  @Override
  public void onGone(Station station) {
    owners.values().removeIf(owner -> owner.gate().equals(station.gate()));
    for (Crossing any : List.copyOf(router.all())) {
      if (any instanceof SessionCrossing crossing) {
        Owner owner = crossing.owner();
        if (owner != null && owner.gate().equals(station.gate())) {
          crossing.lost(station.node());
        }
      }
    }
    onReachability();
  }

  /** What the one who had the session has not taken in has not started. */
  @Override
  public void onLeft(String session, ActorRef<SessionEntity.Command> entity) {
    owners.computeIfPresent(session, (key, owner) -> owner.entity().equals(entity) ? null : owner);
    SessionCrossing left = null;
    lock.lock();
    try {
      Lane lane = lanes.get(session);
      if (lane != null
          && lane.current() instanceof SessionCrossing crossing
          && crossing.away() == null
          && crossing.owner() != null
          && crossing.owner().entity().equals(entity)) {
        left = crossing;
      }
    } finally {
      lock.unlock();
    }
    if (left != null) {
      redirect(left);
    }
  }

  /** Refuses what waits here. */
  @Override
  public void onClosed() {
    onReachability();
  }

  /** Tells the one who was sent a call, and has not said yet that it was taken in. */
  void giveUp(SessionCrossing crossing) {
    Owner owner = crossing.owner();
    if (owner != null) {
      owner.entity().tell(new SessionEntity.GiveUp(desk, crossing.number()));
    }
  }

  void over(SessionCrossing crossing) {
    router.remove(crossing);
    leave(crossing.key(), crossing);
  }

  /** The session is on its way from one node to another, and the call was not started. */
  void redirect(SessionCrossing crossing) {
    String key = crossing.key();
    Owner owner = crossing.owner();
    if (owner != null) {
      owners.remove(key, owner);
    }
    SessionCrossing again = crossing.again(router.nextNumber());
    router.remove(crossing);
    router.add(again); // its deadline goes on
    crossing.call().heldBy(again);
    lock.lock();
    try {
      lanes.computeIfAbsent(key, any -> new Lane()).restBefore(crossing, again);
      waiting++;
    } finally {
      lock.unlock();
    }
    if (crossing.isCancelled()) {
      again.call().cancel("by its caller"); // in time, as is clear now
    }
    if (again.call().isDone()) {
      over(again); // it was told to the crossing before
    }
    timer.after(MOVING, () -> rested(key));
  }

  private void rested(String key) {
    lock.lock();
    try {
      Lane lane = lanes.get(key);
      if (lane != null) {
        lane.rested();
      }
    } finally {
      lock.unlock();
    }
    advance(key);
  }

  @Override
  public CompletionStage<Done> end(String key) {
    var ending = new Lane.Ending(key, new CompletableFuture<>());
    lock.lock();
    try {
      lanes.computeIfAbsent(key, any -> new Lane()).add(ending);
      waiting++;
    } finally {
      lock.unlock();
    }
    advance(key);
    return ending.ended();
  }

  // ---- what is asked for without a call

  @Override
  public CompletionStage<SessionState> read(String key) {
    return this.<SessionEntity.Seen>ask(key, (entity, ref) -> new SessionEntity.Look(ref))
        .thenCompose(
            seen -> {
              FailureForm failure = seen.failure();
              Parcel state = seen.state();
              return failure != null || state == null
                  ? CompletableFuture.failedFuture(
                      failure == null ? away(key, "no state was told") : failure.failure())
                  : parcels.unpack(state).thenApply(StateForm::state);
            });
  }

  private <A> CompletionStage<A> ask(
      String key,
      BiFunction<EntityRef<SessionEntity.Command>, ActorRef<A>, SessionEntity.Command> question) {
    EntityRef<SessionEntity.Command> entity = entities.apply(key).orElse(null);
    if (entity == null) {
      return CompletableFuture.failedFuture(away(key, "this node takes no part in sessions yet"));
    }
    return entity
        .<A>ask(replyTo -> question.apply(entity, replyTo), settings.callTimeout())
        .exceptionallyCompose(
            failure ->
                CompletableFuture.failedFuture(
                    away(key, "the node that has it did not answer: " + failure.getMessage())));
  }

  private static StoreUnavailable away(String key, String problem) {
    return new StoreUnavailable(key, false, problem);
  }

  @Override
  public boolean release(String key) {
    return true; // nothing of it is here
  }
}
