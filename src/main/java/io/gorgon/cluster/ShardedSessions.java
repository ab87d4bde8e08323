package io.gorgon.cluster;

import io.gorgon.message.PythonFailure.Draining;
import io.gorgon.message.PythonFailure.Overloaded;
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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
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
  private final Function<String, EntityRef<SessionEntity.Command>> entities;
  private final ActorRef<Desk.Command> desk;
  private final Router router;
  private final Parcels parcels;
  private final PoolClock clock;
  private final Timer timer;
  private final SessionQuestions questions;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Turns> sessions = new HashMap<>();

  /** Those that wait, of all sessions. */
  private int waiting;

  /** Who has which session; those who leave tell so. */
  private final Map<String, Owner> owners = new ConcurrentHashMap<>();

  /**
   * For one pool on one node.
   *
   * @param entities finds a session by its key
   */
  ShardedSessions(
      PoolSettings settings,
      Function<String, EntityRef<SessionEntity.Command>> entities,
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
    this.questions = new SessionQuestions(entities, parcels, settings.callTimeout());
  }

  @Override
  public void submit(String key, PendingCall call, Affinity affinity, SessionRoad road) {
    var crossing = new SessionCrossing(call, router.nextNumber(), key, affinity, this, clock);
    call.heldBy(crossing);
    router.add(crossing);
    boolean full;
    lock.lock();
    try {
      Turns turns = sessions.computeIfAbsent(key, any -> new Turns());
      boolean atOnce = turns.isFree() && !isCutOff(key);
      full = !atOnce && waiting >= settings.queueCapacity();
      if (!full) {
        turns.add(crossing);
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
    Deque<Turns.Step> refused = new ArrayDeque<>(0);
    Turns.Step next = null;
    lock.lock();
    try {
      Turns turns = sessions.get(key);
      if (turns == null) {
        return;
      }
      if (!router.isOpen()) {
        refused = turns.clear();
        waiting -= refused.size();
      } else if (!isCutOff(key)) {
        next = turns.begin();
        waiting -= next == null ? 0 : 1;
      }
      if (turns.isFree()) {
        sessions.remove(key);
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

  private void refuse(Turns.Step step) {
    var draining = new Draining(settings.name(), false);
    if (step instanceof SessionCrossing crossing) {
      crossing.call().fail(draining);
      crossing.over();
    } else if (step instanceof Turns.Ending ending) {
      ending.ended().completeExceptionally(draining);
    }
  }

  private void tell(Turns.Step step) {
    if (step instanceof SessionCrossing crossing) {
      depart(crossing);
    } else if (step instanceof Turns.Ending ending) {
      questions.end(ending.key()).whenComplete((done, failure) -> onEnded(ending, failure));
    }
  }

  private void depart(SessionCrossing crossing) {
    Owner owner = owners.get(crossing.key());
    if (crossing.call().isDone()) {
      over(crossing); // has been, perhaps, before it had begun
    } else if (owner == null) {
      knock(crossing);
    } else if (crossing.goesTo(owner)) {
      if (owner.equals(owners.get(crossing.key()))) {
        serve(crossing, owner);
      } else {
        redirect(crossing); // it has ended, and whoever looked then found nothing under way
      }
    }
  }

  private void serve(SessionCrossing crossing, Owner owner) {
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
    if (crossing.isCancelled() || call.isDone()) {
      giveUp(crossing); // again: the first may have gone ahead of the call
    }
  }

  /** Until somebody opens: a knock may be lost when a session moves, or with a node. */
  private void knock(SessionCrossing crossing) {
    entities.apply(crossing.key()).tell(new SessionEntity.Knock(desk, crossing.number()));
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
    if (router.station(owner.gate()) == null) {
      return; // gone since, or not known yet: it is asked again
    }
    owners.put(crossing.key(), owner);
    if (!crossing.isSent()) {
      depart(crossing);
    }
  }

  private void onEnded(Turns.Ending ending, @Nullable Throwable failure) {
    if (failure == null) {
      ending.ended().complete(Done.getInstance());
    } else {
      ending
          .ended()
          .completeExceptionally(
              failure instanceof CompletionException wrapped && wrapped.getCause() != null
                  ? wrapped.getCause()
                  : failure);
    }
    leave(ending.key(), ending);
  }

  /** The step has ended, wherever it was: the next one may begin. */
  private void leave(String key, Turns.Step step) {
    lock.lock();
    try {
      Turns turns = sessions.get(key);
      if (turns != null && turns.end(step) == Turns.Place.WAITING) {
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
      keys = List.copyOf(sessions.keySet());
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
  public void onLeft(String session, ActorRef<SessionEntity.Command> entity, long taken) {
    owners.computeIfPresent(session, (key, owner) -> owner.entity().equals(entity) ? null : owner);
    SessionCrossing left = null;
    lock.lock();
    try {
      Turns turns = sessions.get(session);
      if (turns != null
          && turns.current() instanceof SessionCrossing crossing
          && crossing.away() == null
          && crossing.owner() != null
          && crossing.owner().entity().equals(entity)) {
        left = crossing;
      }
    } finally {
      lock.unlock();
    }
    if (left != null && left.number() > taken) {
      redirect(left);
    } else if (left != null) {
      left.unanswered(); // taken in, and what was said of that was lost
    }
  }

  /** Refuses what waits here. */
  @Override
  public void onClosed() {
    onReachability();
  }

  /** Whether it is still the one that its call goes by. */
  boolean has(SessionCrossing crossing) {
    return router.find(crossing.number()) == crossing;
  }

  /** Whoever has the session does not answer: next time it is asked who that is. */
  void doubt(SessionCrossing crossing) {
    Owner owner = crossing.owner();
    if (owner != null) {
      owners.remove(crossing.key(), owner);
    }
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
    if (!crossing.redirects()) {
      return;
    }
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
      sessions.computeIfAbsent(key, any -> new Turns()).restBefore(crossing, again);
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
      Turns turns = sessions.get(key);
      if (turns != null) {
        turns.rested();
      }
    } finally {
      lock.unlock();
    }
    advance(key);
  }

  @Override
  public CompletionStage<Done> end(String key) {
    var ending = new Turns.Ending(key, new CompletableFuture<>());
    lock.lock();
    try {
      sessions.computeIfAbsent(key, any -> new Turns()).add(ending);
      waiting++;
    } finally {
      lock.unlock();
    }
    advance(key);
    return ending.ended();
  }

  @Override
  public CompletionStage<SessionState> read(String key) {
    return questions.read(key);
  }

  @Override
  public boolean release(String key) {
    return true; // nothing of it is here
  }
}
