package io.gorgon.pool;

import io.gorgon.message.Exceptions;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.WorkerId;
import io.gorgon.tool.Tools;
import io.gorgon.worker.PendingCall;
import io.gorgon.worker.Runner;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongConsumer;
import org.apache.pekko.actor.typed.ActorRef;
import org.jspecify.annotations.Nullable;

/**
 * This is the side of a pool that callers touch without passing its actor: its lane, its status,
 * its clock. It outlives a restart of the actor. Thread-safe.
 */
public final class Entrance {

  private final PoolSettings settings;
  private final PoolClock clock;
  private final @Nullable Door door;
  private final String ids;
  private final AtomicLong calls = new AtomicLong();
  private final AtomicReference<Tools> tools = new AtomicReference<>(Tools.NONE);
  private volatile Exceptions exceptions = Exceptions.NONE;
  private volatile LongConsumer tended = now -> {};
  private volatile PoolStatus status = PoolStatus.STARTING;
  private volatile boolean ending;
  private volatile Numbers counted = Numbers.NONE;
  private volatile Lane lane;
  private volatile Lane.@Nullable Supervisor supervisor;
  private volatile @Nullable ActorRef<Pool.Command> ref;

  /** For a pool that is going to be started. */
  public Entrance(PoolSettings settings, PoolClock clock) {
    this(settings, clock, null, settings.name());
  }

  private Entrance(PoolSettings settings, PoolClock clock, @Nullable Door door, String ids) {
    this.settings = settings;
    this.clock = clock;
    this.door = door;
    this.ids = ids;
    this.lane = newLane();
  }

  /**
   * For a pool whose workers are elsewhere.
   *
   * @param ids what the ids of its calls begin with
   */
  public static Entrance to(Door door, PoolSettings settings, PoolClock clock, String ids) {
    return new Entrance(settings, clock, door, ids);
  }

  private Lane newLane() {
    return new Lane(
        settings.queueCapacity(),
        settings.batch(),
        settings.shortCall().toNanos(),
        new Lane.Supervisor() {
          @Override
          public void onClaimed(Runner runner, long request) {
            Lane.Supervisor present = supervisor;
            if (present != null) {
              present.onClaimed(runner, request);
            }
          }

          @Override
          public void onNobodyThere() {
            Lane.Supervisor present = supervisor;
            if (present != null) {
              present.onNobodyThere();
            }
          }
        },
        () ->
            new PythonFailure.Overloaded(
                settings.name(),
                settings.queueCapacity(),
                settings.queueCapacity(),
                "at most " + settings.maxWorkers() + " workers"));
  }

  public PoolSettings settings() {
    return settings;
  }

  /** The pool's time. */
  public PoolClock clock() {
    return clock;
  }

  /** What the pool is doing. */
  public PoolStatus status() {
    Door elsewhere = door;
    return elsewhere == null ? status : elsewhere.status();
  }

  /** The pool's actor, once it has begun. */
  public @Nullable ActorRef<Pool.Command> ref() {
    return ref;
  }

  /** An id for the next call: {@code POOL-NUMBER}. */
  public String nextCallId() {
    return ids + "-" + calls.incrementAndGet();
  }

  /**
   * Runs a one-shot call on an idle worker, lets it wait, or answers it with a failure, at once.
   * May be called before the actor has begun: the call waits for it.
   */
  public void offer(PendingCall call) {
    offer(call, null);
  }

  /** The same; {@code preferred} is the worker that should have it if that is idle. */
  public void offer(PendingCall call, @Nullable WorkerId preferred) {
    Door elsewhere = door;
    if (elsewhere == null) {
      lane.offer(call, preferred);
    } else {
      elsewhere.offer(call, preferred);
    }
  }

  /** Has somebody told the pool's time, some hundred times in a second; must not block. */
  public void tend(LongConsumer onTick) {
    tended = onTick;
  }

  void onTick(long now) {
    tended.accept(now);
  }

  /** Offers tools to all calls, besides those that were offered before. */
  public void offer(Tools more) {
    tools.updateAndGet(present -> (present == null ? Tools.NONE : present).with(more));
  }

  /** The tools that all calls may use. */
  public Tools tools() {
    return java.util.Objects.requireNonNull(tools.get());
  }

  /**
   * Has calls that are made from now on fail with these, instead of those that were named before.
   */
  public void translate(Exceptions wanted) {
    exceptions = wanted;
  }

  /** What Python's exceptions become. */
  public Exceptions exceptions() {
    return exceptions;
  }

  /** The actor begins, or begins anew: it gets a lane that no worker of a former life is in. */
  Lane begin(ActorRef<Pool.Command> actor, Lane.Supervisor newSupervisor) {
    if (ref != null) {
      lane = newLane();
    }
    supervisor = newSupervisor;
    ref = actor;
    status = PoolStatus.STARTING;
    return lane;
  }

  /** Notes that the pool is to stop, however often its actor begins. */
  void endWanted() {
    ending = true;
  }

  boolean isEndWanted() {
    return ending;
  }

  /** How far the actor's former lives have counted. */
  Numbers counted() {
    return counted;
  }

  /** The actor fails; its next life goes on from there. */
  void count(Numbers sofar) {
    counted = sofar;
  }

  void show(PoolStatus newStatus) {
    status = newStatus;
  }
}
