package io.gorgon.cluster;

import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.Draining;
import io.gorgon.message.PythonFailure.Overloaded;
import io.gorgon.message.WorkerId;
import io.gorgon.pool.Door;
import io.gorgon.pool.PoolClock;
import io.gorgon.pool.PoolSettings;
import io.gorgon.pool.PoolStatus;
import io.gorgon.worker.PendingCall;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.typed.ActorRef;
import org.jspecify.annotations.Nullable;

/**
 * This sends each one-shot call to the least loaded node that runs the pool and can be reached. A
 * node is given no more than it asks for, and the others wait here: what is here has not started,
 * whatever happens to a node. Thread-safe; the lock is never held while anything is called.
 */
final class Router implements Door {

  private final PoolSettings settings;
  private final PoolClock clock;
  private final BiConsumer<CallCrossing, Station> sender;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<ActorRef<Gate.Command>, Station> stations = new LinkedHashMap<>();
  private final Deque<CallCrossing> waiting = new ArrayDeque<>();
  private final ConcurrentMap<Long, Crossing> crossings = new ConcurrentHashMap<>();
  private final AtomicLong numbers = new AtomicLong();
  private final AtomicInteger lent = new AtomicInteger();
  private volatile PoolStatus closed = PoolStatus.RUNNING;
  private volatile Watcher watcher = Watcher.NOBODY;

  /** Learns of nodes besides this router. */
  interface Watcher {
    Watcher NOBODY =
        new Watcher() {
          @Override
          public void onReachability() {}

          @Override
          public void onGone(Station station) {}

          @Override
          public void onLeft(String session, ActorRef<SessionEntity.Command> entity, long taken) {}

          @Override
          public void onClosed() {}
        };

    /** Some can be reached again, or no longer. */
    void onReachability();

    /** One is gone for good. */
    void onGone(Station station);

    /** Who had a session has ended. */
    void onLeft(String session, ActorRef<SessionEntity.Command> entity, long taken);

    /** This one takes no calls any more. */
    void onClosed();
  }

  /**
   * For one pool on one node.
   *
   * @param sender takes a call to a node
   */
  Router(PoolSettings settings, PoolClock clock, BiConsumer<CallCrossing, Station> sender) {
    this.settings = settings;
    this.clock = clock;
    this.sender = sender;
  }

  // ---- calls

  @Override
  public void offer(PendingCall call, @Nullable WorkerId preferred) {
    var crossing = new CallCrossing(call, nextNumber(), this);
    call.heldBy(crossing);
    place(crossing);
  }

  /** A number that no other crossing of this node and pool has had. */
  long nextNumber() {
    return numbers.incrementAndGet();
  }

  private void place(CallCrossing crossing) {
    if (closed != PoolStatus.RUNNING) {
      crossing.call().fail(draining());
      return;
    }
    if (crossing.call().isDone()) {
      return;
    }
    boolean full = false;
    boolean late = false;
    Station to = null;
    lock.lock();
    try {
      late = closed != PoolStatus.RUNNING; // else it would wait behind those who are answered now
      to = late || someoneWaitsForAny() ? null : choose(crossing);
      if (late) {
        to = null;
      } else if (to != null) {
        assign(crossing, to);
      } else if (waiting.size() < settings.queueCapacity()) {
        waiting.addLast(crossing);
      } else {
        full = true;
      }
    } finally {
      lock.unlock();
    }
    if (late) {
      crossing.call().fail(draining());
    } else if (full) {
      crossing
          .call()
          .fail(
              new Overloaded(
                  settings.name(),
                  settings.queueCapacity(),
                  settings.queueCapacity(),
                  nodes() + " of the cluster run it"));
    } else if (to != null) {
      depart(crossing, to);
    } else {
      dispatch(); // a node may have got room meanwhile, or the call its answer
    }
  }

  /** Whether a call waits that any node with room would get: then others wait behind it. */
  private boolean someoneWaitsForAny() {
    for (CallCrossing crossing : waiting) {
      if (!crossing.wasRefused()) {
        return true;
      }
    }
    return false;
  }

  private PythonFailure draining() {
    return new Draining(settings.name(), closed == PoolStatus.STOPPED);
  }

  private void assign(CallCrossing crossing, Station to) {
    to.sent();
    crossing.station(to);
    crossings.put(crossing.number(), crossing);
  }

  private void depart(CallCrossing crossing, Station to) {
    if (crossing.call().isDone()) {
      crossing.onAbandoned(crossing.call(), false); // told that it had not started, and so it is
      return;
    }
    sender.accept(crossing, to);
    if (crossing.call().isDone()) {
      crossing.onAbandoned(crossing.call(), false);
    }
  }

  /**
   * The least loaded of those with room; this node goes before others. Where nobody takes calls,
   * one whose workers keep dying: it says why.
   */
  private @Nullable Station choose(CallCrossing crossing) {
    Station best = null;
    boolean hope = false;
    for (Station station : stations.values()) {
      hope |= station.isHopeful();
      if (station.hasRoom() && !crossing.wasRefusedBy(station)) {
        best = best == null || goesBefore(station, best) ? station : best;
      }
    }
    if (best != null || hope) {
      return best;
    }
    for (Station station : stations.values()) {
      if (station.isReachable()
          && station.status() == PoolStatus.BROKEN
          && !crossing.wasRefusedBy(station)) {
        return station;
      }
    }
    return null;
  }

  private static boolean goesBefore(Station station, Station best) {
    return station.pressure() < best.pressure()
        || (station.own() != null && station.pressure() <= best.pressure());
  }

  /** A node has not started it: another one may, unless all have refused it. */
  void redirect(CallCrossing crossing, PythonFailure failure) {
    redirect(crossing, failure, crossing.again(nextNumber()));
  }

  /** The same, as another crossing of the same call. */
  void redirect(CallCrossing crossing, PythonFailure failure, CallCrossing again) {
    boolean elsewhere = false;
    lock.lock();
    try {
      for (Station station : stations.values()) {
        elsewhere |=
            !crossing.wasRefusedBy(station)
                && station != crossing.station()
                && station.isReachable()
                && (station.isHopeful() || station.status() == PoolStatus.BROKEN);
      }
    } finally {
      lock.unlock();
    }
    over(crossing);
    // With no other node, one that drains is followed by another in time.
    if (elsewhere || failure instanceof Draining) {
      crossing.call().heldBy(again);
      place(again);
    } else {
      crossing.call().fail(failure);
    }
  }

  /** A crossing has its answer, or goes another way. */
  void over(CallCrossing crossing) {
    lock.lock();
    try {
      Station at = crossing.station();
      if (crossings.remove(crossing.number(), crossing)) {
        if (at != null) {
          at.back();
        }
      } else {
        waiting.remove(crossing);
      }
    } finally {
      lock.unlock();
    }
    dispatch();
  }

  /** Sends those that wait, as far as there is room; one whose time is over runs nowhere. */
  private void dispatch() {
    List<CallCrossing> overdue = new ArrayList<>(0);
    for (CallCrossing next = next(); next != null; next = next()) {
      Station to = next.station();
      if (to != null) {
        depart(next, to);
      } else {
        overdue.add(next); // room has come too late for it
      }
    }
    // Not before all are out: each that ends looks here for the next.
    overdue.forEach(crossing -> crossing.call().expire());
  }

  /** One that has a station now, or whose time is over. */
  private @Nullable CallCrossing next() {
    lock.lock();
    try {
      Iterator<CallCrossing> all = waiting.iterator();
      while (all.hasNext()) {
        CallCrossing crossing = all.next();
        if (crossing.call().isDone()) {
          all.remove();
        } else if (crossing.call().isOverdue(clock.getAsLong())) {
          all.remove();
          return crossing;
        } else {
          Station to = choose(crossing);
          if (to != null) {
            all.remove();
            assign(crossing, to);
            return crossing;
          }
          if (!crossing.wasRefused()) {
            return null; // those behind it find no more than it does
          }
        }
      }
      return null;
    } finally {
      lock.unlock();
    }
  }

  // ---- crossings of any kind

  /** Has a crossing found by its number. */
  void add(Crossing crossing) {
    crossings.put(crossing.number(), crossing);
  }

  void remove(Crossing crossing) {
    crossings.remove(crossing.number(), crossing);
  }

  /** The crossing of that number, if it has no answer yet. */
  @Nullable Crossing find(long number) {
    return crossings.get(number);
  }

  Collection<Crossing> all() {
    return crossings.values();
  }

  /** Answers calls whose deadline has passed. */
  void tick() {
    long now = clock.getAsLong();
    crossings.values().forEach(crossing -> crossing.tick(now));
    List<CallCrossing> overdue = new ArrayList<>();
    lock.lock();
    try {
      waiting.forEach(
          crossing -> {
            if (crossing.call().isOverdue(now)) {
              overdue.add(crossing);
            }
          });
    } finally {
      lock.unlock();
    }
    overdue.forEach(crossing -> crossing.tick(now));
  }

  // ---- nodes

  /** A node runs the pool. */
  void add(Station station) {
    lock.lock();
    try {
      stations.put(station.gate(), station);
    } finally {
      lock.unlock();
    }
  }

  @Nullable Station station(ActorRef<Gate.Command> gate) {
    lock.lock();
    try {
      return stations.get(gate);
    } finally {
      lock.unlock();
    }
  }

  List<Station> stations() {
    lock.lock();
    try {
      return List.copyOf(stations.values());
    } finally {
      lock.unlock();
    }
  }

  /** How much a node has to do. */
  void loaded(ActorRef<Gate.Command> gate, Load load) {
    lock.lock();
    try {
      Station station = stations.get(gate);
      if (station != null) {
        station.load(load);
      }
    } finally {
      lock.unlock();
    }
    dispatch();
  }

  /** Whether a node can be reached, as the cluster sees it. */
  void reachable(Station station, boolean now) {
    lock.lock();
    try {
      station.reachable(now);
    } finally {
      lock.unlock();
    }
    watcher.onReachability();
    if (now) {
      dispatch();
    }
  }

  /** Has somebody told of nodes too. */
  void watchedBy(Watcher other) {
    watcher = other;
  }

  /** Who had a session has ended. */
  void left(String session, ActorRef<SessionEntity.Command> entity, long taken) {
    watcher.onLeft(session, entity, taken);
  }

  /** A node does not run the pool any more, or is gone: nothing will come from there. */
  void gone(ActorRef<Gate.Command> gate) {
    Station station;
    lock.lock();
    try {
      station = stations.remove(gate);
    } finally {
      lock.unlock();
    }
    if (station != null) {
      for (Crossing crossing : List.copyOf(crossings.values())) {
        if (crossing instanceof CallCrossing call && call.station() == station) {
          call.lost(station.node());
        } else if (crossing instanceof LeaseCrossing leased && leased.gate().equals(gate)) {
          leased.lost(station.node());
        }
      }
      watcher.onGone(station);
    }
  }

  /** Whether any node has workers that are ready. */
  boolean hasWorkers() {
    return readyNodes() > 0;
  }

  /** How many nodes have workers that are ready, of those that can be reached. */
  int readyNodes() {
    lock.lock();
    try {
      return (int)
          stations.values().stream()
              .filter(station -> station.isReachable() && station.ready() > 0)
              .count();
    } finally {
      lock.unlock();
    }
  }

  /** Whether the node at that address has workers that serve. */
  boolean isReady(Address address) {
    return stations().stream()
        .anyMatch(
            station ->
                station.gate().path().address().equals(address)
                    && station.status() == PoolStatus.RUNNING
                    && station.ready() > 0);
  }

  private String nodes() {
    lock.lock();
    try {
      return stations.size() + (stations.size() == 1 ? " node" : " nodes");
    } finally {
      lock.unlock();
    }
  }

  // ---- the whole

  @Override
  public PoolStatus status() {
    if (closed != PoolStatus.RUNNING) {
      return closed;
    }
    List<Station> known = stations();
    if (known.stream().anyMatch(station -> station.status() == PoolStatus.RUNNING)) {
      return PoolStatus.RUNNING;
    }
    boolean hope = known.isEmpty() || known.stream().anyMatch(Station::isHopeful);
    return hope ? PoolStatus.STARTING : PoolStatus.BROKEN;
  }

  /** Whether calls are taken. */
  boolean isOpen() {
    return closed == PoolStatus.RUNNING;
  }

  /** Takes nothing new, and answers those that wait. */
  void close() {
    List<CallCrossing> left;
    lock.lock();
    try {
      closed = closed == PoolStatus.RUNNING ? PoolStatus.DRAINING : closed;
      left = List.copyOf(waiting);
      waiting.clear();
    } finally {
      lock.unlock();
    }
    left.forEach(crossing -> crossing.call().fail(draining()));
    watcher.onClosed();
  }

  /** Cancels what is under way. */
  void cutShort(String why) {
    List.copyOf(crossings.values()).forEach(crossing -> crossing.call().cancel(why));
  }

  /** Nothing is left: what comes now comes too late for good. */
  void stopped() {
    closed = PoolStatus.STOPPED;
  }

  /** Whether nothing is under way, and nobody has a worker. */
  boolean isQuiet() {
    return crossings.isEmpty() && lent.get() == 0;
  }

  /** How many calls wait here for a node. */
  int waiting() {
    lock.lock();
    try {
      return waiting.size();
    } finally {
      lock.unlock();
    }
  }

  // ---- checkouts

  /**
   * The least loaded node that lends workers, or would say why not; null if none can be reached.
   * The worker counts as load there from now on, see {@link #borrowed}.
   */
  @Nullable Station borrowFrom(Set<Station> refusedBy) {
    lock.lock();
    try {
      Station best = null;
      for (Station station : stations.values()) {
        if (station.lends() && !refusedBy.contains(station)) {
          best = best == null || goesBefore(station, best) ? station : best;
        }
      }
      for (Station station : stations.values()) {
        boolean says = station.isReachable() && station.status() == PoolStatus.BROKEN;
        best = best == null && says && !refusedBy.contains(station) ? station : best;
      }
      if (best != null) {
        best.sent();
      }
      return best;
    } finally {
      lock.unlock();
    }
  }

  /** Whether there is a node to ask for a worker that has not refused one. */
  boolean hasOthers(Set<Station> refusedBy) {
    lock.lock();
    try {
      return stations.values().stream()
          .anyMatch(station -> station.lends() && !refusedBy.contains(station));
    } finally {
      lock.unlock();
    }
  }

  /** One worker more of that node, or one less, has been lent to this one. */
  void borrowed(Station station, int change) {
    lock.lock();
    try {
      if (change > 0) {
        station.sent();
      } else {
        station.back();
      }
    } finally {
      lock.unlock();
    }
    dispatch();
  }

  /** So many more workers are in the hands of users of this node. */
  void lent(int change) {
    lent.addAndGet(change);
  }

  /** Whether a node is not known, or gone. */
  boolean isGone(ActorRef<Gate.Command> gate) {
    return station(gate) == null;
  }
}
