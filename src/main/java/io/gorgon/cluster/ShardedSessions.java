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
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
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
 * This sends each call of a session to the one node that has the session, wherever that is. A
 * message to a node that is cut off would be lost, so calls for such a node wait here until it is
 * back, or its sessions have gone elsewhere: those have not started. Thread-safe.
 */
final class ShardedSessions implements SessionHome, Router.Watcher {

  /** How long a call waits whose session is on its way from one node to another. */
  private static final Duration MOVING = Duration.ofMillis(100);

  /** Runs something later. */
  interface Timer {
    void after(Duration delay, Runnable task);
  }

  private final PoolSettings settings;
  private final Function<String, EntityRef<SessionEntity.Command>> entities;
  private final Function<String, String> shardOf;
  private final ActorRef<Desk.Command> desk;
  private final Router router;
  private final Parcels parcels;
  private final PoolClock clock;
  private final Timer timer;
  private final ReentrantLock lock = new ReentrantLock();
  private final Deque<SessionCrossing> held = new ArrayDeque<>();

  /** Calls of sessions that move, and those behind them, in the order of the calls. */
  private final Map<String, NavigableMap<Long, SessionCrossing>> moving = new HashMap<>();

  /** Which node has taken a call of a shard's sessions last. */
  private final Map<String, ActorRef<Gate.Command>> homes = new ConcurrentHashMap<>();

  /**
   * For one pool on one node.
   *
   * @param entities finds a session by its key
   * @param shardOf the shard that a key belongs to
   */
  ShardedSessions(
      PoolSettings settings,
      Function<String, EntityRef<SessionEntity.Command>> entities,
      Function<String, String> shardOf,
      ActorRef<Desk.Command> desk,
      Router router,
      Parcels parcels,
      PoolClock clock,
      Timer timer) {
    this.settings = settings;
    this.entities = entities;
    this.shardOf = shardOf;
    this.desk = desk;
    this.router = router;
    this.parcels = parcels;
    this.clock = clock;
    this.timer = timer;
  }

  @Override
  public void submit(String key, PendingCall call, Affinity affinity, SessionRoad road) {
    send(new SessionCrossing(call, router.nextNumber(), key, affinity, this, clock));
  }

  private void send(SessionCrossing crossing) {
    PendingCall call = crossing.call();
    if (!router.isOpen()) {
      call.fail(new Draining(settings.name(), false));
      return;
    }
    call.heldBy(crossing);
    router.add(crossing);
    boolean full = false;
    boolean late = false;
    lock.lock();
    try {
      if (call.isDone()) {
        router.remove(crossing);
      } else if (!router.isOpen()) {
        late = true; // it would wait behind those who are answered now
      } else if (moving.containsKey(crossing.key())) {
        full = !queue(crossing);
      } else if (!isCutOff(crossing.key())) {
        tell(crossing);
      } else if (held.size() < settings.queueCapacity()) {
        held.addLast(crossing);
      } else {
        full = true;
      }
    } finally {
      lock.unlock();
    }
    if (late) {
      call.fail(new Draining(settings.name(), false));
      crossing.over();
    } else if (full) {
      int capacity = settings.queueCapacity();
      call.fail(
          new Overloaded(
              settings.name(), capacity, capacity, "the session moves, or its node is cut off"));
      crossing.over();
    }
  }

  /** Behind the calls whose session moves; false if too many are there. */
  private boolean queue(SessionCrossing crossing) {
    var line = moving.get(crossing.key());
    if (line == null || line.size() >= settings.queueCapacity()) {
      return false;
    }
    line.put(crossing.order(), crossing);
    return true;
  }

  /** Under the lock, so that the calls of a session go in their order. */
  private void tell(SessionCrossing crossing) {
    crossing.sent();
    PendingCall call = crossing.call();
    entities
        .apply(crossing.key())
        .tell(
            new SessionEntity.Serve(
                desk,
                crossing.number(),
                Errand.of(call, clock.getAsLong()),
                crossing.affinity(),
                parcels.pack(call.body())));
  }

  private boolean isCutOff(String key) {
    Station home = home(key);
    return home != null && !home.isReachable();
  }

  private @Nullable Station home(String key) {
    ActorRef<Gate.Command> gate = homes.get(shardOf.apply(key));
    return gate == null ? null : router.station(gate);
  }

  /** A session's node has taken a call. */
  void taken(SessionCrossing crossing, ActorRef<Gate.Command> gate) {
    homes.put(shardOf.apply(crossing.key()), gate);
    crossing.takenBy(router.station(gate), new RemoteVisit(gate, desk, crossing.number(), parcels));
  }

  /** Sends what waited for nodes that can be reached again, or are gone. */
  @Override
  public void onReachability() {
    lock.lock();
    try {
      Iterator<SessionCrossing> all = held.iterator();
      while (all.hasNext()) {
        SessionCrossing crossing = all.next();
        if (crossing.call().isDone()) {
          all.remove();
        } else if (!isCutOff(crossing.key())) {
          all.remove();
          tell(crossing);
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** A node is gone for good, and with it what it had in its hands. */
  @Override
  public void onGone(Station station) {
    for (Crossing any : List.copyOf(router.all())) {
      if (any instanceof SessionCrossing crossing && crossing.isSent()) {
        Station owner = crossing.station();
        if (owner == station || (owner == null && home(crossing.key()) == station)) {
          crossing.lost(station.node());
        }
      }
    }
    homes.values().removeIf(gate -> gate.equals(station.gate()));
    onReachability();
  }

  /** Answers the calls that wait here: they are not sent any more. */
  @Override
  public void onClosed() {
    List<SessionCrossing> left;
    lock.lock();
    try {
      left = new ArrayList<>(held);
      held.clear();
      moving.values().forEach(line -> left.addAll(line.values()));
      moving.values().forEach(Map::clear);
    } finally {
      lock.unlock();
    }
    for (SessionCrossing crossing : left) {
      crossing.call().fail(new Draining(settings.name(), false));
      crossing.over();
    }
  }

  /** Tells the session's node, by way of its shard, that nobody waits for a call any more. */
  void giveUp(SessionCrossing crossing) {
    entities.apply(crossing.key()).tell(new SessionEntity.GiveUp(desk, crossing.number()));
  }

  void over(SessionCrossing crossing) {
    router.remove(crossing);
    lock.lock();
    try {
      held.remove(crossing);
      var line = moving.get(crossing.key());
      if (line != null) {
        line.remove(crossing.order(), crossing);
      }
    } finally {
      lock.unlock();
    }
  }

  /** The session is on its way from one node to another, and the call was not started. */
  void redirect(SessionCrossing crossing) {
    over(crossing);
    SessionCrossing again = crossing.again(router.nextNumber());
    crossing.call().heldBy(again);
    router.add(again); // its deadline goes on
    boolean first;
    boolean queued = false;
    lock.lock();
    try {
      first = !moving.containsKey(again.key());
      if (router.isOpen() && !again.call().isDone()) {
        // It has had its place among those that wait already.
        moving.computeIfAbsent(again.key(), key -> new TreeMap<>()).put(again.order(), again);
        queued = true;
      }
    } finally {
      lock.unlock();
    }
    if (!queued) {
      again.call().fail(new Draining(settings.name(), false));
      again.over();
    } else if (first) {
      timer.after(MOVING, () -> moved(again.key()));
    }
  }

  /** The session should be at its new node: its calls go there, in their order. */
  private void moved(String key) {
    lock.lock();
    try {
      var line = moving.remove(key);
      if (line != null) {
        for (SessionCrossing crossing : line.values()) {
          if (crossing.call().isDone()) {
            router.remove(crossing);
          } else if (isCutOff(key)) {
            held.addLast(crossing);
          } else {
            tell(crossing);
          }
        }
      }
    } finally {
      lock.unlock();
    }
  }

  // ---- what is asked for without a call

  @Override
  public CompletionStage<Done> end(String key) {
    return this.<SessionEntity.Ended>ask(key, (entity, ref) -> new SessionEntity.End(ref))
        .thenCompose(
            ended -> {
              FailureForm failure = ended.failure();
              return failure == null
                  ? CompletableFuture.completedFuture(Done.getInstance())
                  : CompletableFuture.failedFuture(failure.failure());
            });
  }

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
    EntityRef<SessionEntity.Command> entity = entities.apply(key);
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
