package io.gorgon.pool;

import io.gorgon.connection.Connector;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.WorkerId;
import io.gorgon.worker.Runner;
import io.gorgon.worker.Tally;
import io.gorgon.worker.Worker;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongFunction;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.jspecify.annotations.Nullable;

/** This has the worker actors of a {@link Pool}, by lineage, and the roads to their processes. */
final class Hands {

  private final ActorContext<Pool.Command> context;
  private final Entrance entrance;
  private final Connector connector;
  private final Lane lane;
  private final ActorRef<Worker.Event> events;
  private final LongFunction<Pool.Command> stopped;
  private final Map<Long, Hand> hands = new HashMap<>();

  /** Those of them whose process takes calls. */
  private final Map<WorkerId, Hand> byProcess = new HashMap<>();

  /** By slot: what is counted there outlives the workers. */
  private final Map<Integer, Tally> tallies = new HashMap<>();

  /**
   * Nobody is there yet.
   *
   * @param events hears what the workers tell
   * @param stopped what the pool is told when the worker actor of a lineage has stopped
   */
  Hands(
      ActorContext<Pool.Command> context,
      Entrance entrance,
      Connector connector,
      Lane lane,
      ActorRef<Worker.Event> events,
      LongFunction<Pool.Command> stopped) {
    this.context = context;
    this.entrance = entrance;
    this.connector = connector;
    this.lane = lane;
    this.events = events;
    this.stopped = stopped;
  }

  void hire(PoolEffect.Hire hire) {
    PoolSettings settings = entrance.settings();
    Behavior<Worker.Command> worker =
        Worker.create(
            new Worker.Place(
                settings.name(),
                hire.slot(),
                hire.lineage(),
                connector,
                settings.worker(),
                lane,
                tally(hire.slot()),
                entrance.clock(),
                events));
    ActorRef<Worker.Command> actor =
        context.spawn(worker, "worker-" + hire.slot() + "-" + hire.lineage());
    context.watchWith(actor, stopped.apply(hire.lineage()));
    hands.put(hire.lineage(), new Hand(actor, hire.slot()));
  }

  void tell(long lineage, Worker.Command command) {
    Hand hand = hands.get(lineage);
    if (hand != null) {
      hand.actor.tell(command);
    }
  }

  /** Its process takes calls; false if there is no such worker any more. */
  boolean ready(Worker.Ready ready) {
    Hand hand = hands.get(ready.lineage());
    if (hand == null) {
      return false;
    }
    if (hand.runner != null) {
      byProcess.remove(hand.runner.id());
    }
    hand.runner = ready.runner();
    hand.pid = ready.pid();
    byProcess.put(ready.runner().id(), hand);
    return true;
  }

  /** Its process is gone. */
  void gone(long lineage) {
    Hand hand = hands.get(lineage);
    if (hand != null) {
      leaveLane(hand);
      hand.runner = null;
      hand.pid = 0;
    }
  }

  /** Its actor has stopped; what it was, if it was still there. */
  @Nullable Hand remove(long lineage) {
    Hand hand = hands.remove(lineage);
    if (hand != null) {
      leaveLane(hand);
    }
    return hand;
  }

  private void leaveLane(Hand hand) {
    if (hand.runner != null) {
      lane.remove(hand.runner);
      byProcess.remove(hand.runner.id());
    }
  }

  /** The process that the lease is about, while it is there. */
  @Nullable Runner runnerOf(Lease lease) {
    return runnerOf(lease.slot(), lease.generation());
  }

  @Nullable Runner runnerOf(int slot, long generation) {
    Hand hand = byProcess.get(new WorkerId(entrance.settings().name(), slot, generation));
    return hand == null ? null : hand.runner;
  }

  boolean isAnyReady() {
    return !byProcess.isEmpty();
  }

  /** What was told of the workers that are ready, as if they became so now. */
  List<PoolEvent.WorkerReady> allReady() {
    List<PoolEvent.WorkerReady> ready = new ArrayList<>();
    for (Hand hand : hands.values()) {
      if (hand.runner != null) {
        ready.add(new PoolEvent.WorkerReady(hand.runner.id(), hand.pid));
      }
    }
    return ready;
  }

  /** Answers the calls whose time is up. */
  void expire(long now) {
    for (Hand hand : hands.values()) {
      if (hand.runner != null) {
        hand.runner.tend(now);
      }
    }
  }

  /** What can be seen of a process. */
  StatsReport.Seen seen(int slot, long generation) {
    Hand hand = byProcess.get(new WorkerId(entrance.settings().name(), slot, generation));
    return hand == null
        ? new StatsReport.Seen(0, false)
        : new StatsReport.Seen(hand.pid, hand.runner != null && hand.runner.isRunning());
  }

  /** The counts of a slot. */
  Tally tally(int slot) {
    return tallies.computeIfAbsent(slot, any -> new Tally());
  }
}
