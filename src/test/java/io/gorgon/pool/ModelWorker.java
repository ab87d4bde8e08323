package io.gorgon.pool;

import io.gorgon.message.PythonFailure.StartFailed;
import io.gorgon.worker.Runner.Leftover;
import io.gorgon.worker.Worker.Fault;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** A worker's actor with its process, as the modelled pool sees them from outside. */
final class ModelWorker {

  enum Life {
    WAITING,
    STARTING,
    RUNNING,
    STOPPING,
    STOPPED
  }

  final long lineage;
  final int slot;
  long generation;
  Life life = Life.WAITING;

  /** Whether its process lives; the actor may not know better yet. */
  boolean alive;

  /** Between the pool's hearing of Ready and of Gone. */
  boolean known;

  boolean checking;
  Lease lent;

  /** Whether the lease was used for a call. */
  boolean used;

  /** Whether a call runs through its lease. */
  boolean busy;

  /** Whether a call of the lane runs. */
  boolean laneBusy;

  private boolean replace = true;

  /** What it has told the pool and the pool has not heard yet. */
  private final Deque<PoolInput> out = new ArrayDeque<>(3);

  ModelWorker(long lineage, int slot) {
    this.lineage = lineage;
    this.slot = slot;
  }

  // ---- what it says

  void tells(PoolInput input) {
    out.addLast(input);
  }

  boolean hasSomethingToSay() {
    return !out.isEmpty();
  }

  PoolInput says() {
    return out.removeFirst();
  }

  boolean willSay(Class<? extends PoolInput> what) {
    return out.stream().anyMatch(what::isInstance);
  }

  /** Whether its end, or that of its process, is on the way to the pool. */
  boolean isGoing() {
    return willSay(PoolInput.Gone.class) || willSay(PoolInput.Vanished.class);
  }

  // ---- what the pool does to it

  void start(long newGeneration) {
    if (life == Life.STOPPED) {
      return; // A dead letter; the pool will hear that the actor has stopped.
    }
    if (life != Life.WAITING) {
      throw new AssertionError("started while " + life);
    }
    generation = newGeneration;
    life = Life.STARTING;
  }

  void stop(boolean comesBack) {
    switch (life) {
      case WAITING -> {
        if (!comesBack) {
          vanish();
        }
      }
      case STARTING, RUNNING -> {
        life = Life.STOPPING;
        replace = comesBack;
        checking = false;
      }
      case STOPPING -> replace = comesBack;
      case STOPPED -> {}
    }
  }

  void check() {
    checking = life == Life.RUNNING;
  }

  void lend(Lease lease, boolean runs) {
    lent = lease;
    used = runs;
    busy = runs;
  }

  Leftover reclaim(Lease lease) {
    if (!lease.equals(lent)) {
      return Leftover.NOT_OWNED;
    }
    lent = null;
    return busy ? Leftover.BUSY : used ? Leftover.USED : Leftover.UNUSED;
  }

  // ---- what befalls it

  void becomeReady() {
    life = Life.RUNNING;
    alive = true;
    tells(new PoolInput.BecameReady(slot, lineage, generation));
  }

  void failToStart(StartFailed.Kind kind) {
    bury(Fault.START, new StartFailed(kind, "it", ""));
  }

  /** The actor sees that the process has ended: as the pool wanted, or by itself. */
  void bury() {
    bury(life == Life.STOPPING ? Fault.POOL : Fault.WORKER, null);
  }

  private void bury(Fault fault, StartFailed failure) {
    boolean replaced = life != Life.STOPPING || replace;
    close();
    tells(new PoolInput.Gone(slot, lineage, generation, fault, failure, List.of(), replaced));
    if (replaced) {
      life = Life.WAITING;
      tells(new PoolInput.Wanted(slot, lineage));
    } else {
      vanish();
    }
  }

  /** The actor stops. */
  void vanish() {
    close();
    life = Life.STOPPED;
    tells(new PoolInput.Vanished(slot, lineage));
  }

  private void close() {
    alive = false;
    checking = false;
    lent = null;
    busy = false;
    used = false;
    laneBusy = false;
    replace = true;
  }

  ModelWorker copy() {
    var copy = new ModelWorker(lineage, slot);
    copy.generation = generation;
    copy.life = life;
    copy.replace = replace;
    copy.alive = alive;
    copy.checking = checking;
    copy.known = known;
    copy.lent = lent;
    copy.used = used;
    copy.busy = busy;
    copy.laneBusy = laneBusy;
    copy.out.addAll(out);
    return copy;
  }

  void describe(StringBuilder text) {
    text.append('|')
        .append(lineage)
        .append(life.name(), 0, 3)
        .append(generation)
        .append(replace ? 'r' : '-')
        .append(alive ? 'a' : '-')
        .append(checking ? 'c' : '-')
        .append(known ? 'k' : '-')
        .append(used ? 'u' : '-')
        .append(busy ? 'b' : '-')
        .append(laneBusy ? 'l' : '-')
        .append(lent == null ? 0 : lent.sequence());
    out.forEach(input -> describe(input, text));
  }

  /** Everything that the pool decides by, not only what kind of message it is. */
  private static void describe(PoolInput input, StringBuilder text) {
    text.append(input.getClass().getSimpleName(), 0, 3);
    if (input instanceof PoolInput.Gone gone) {
      text.append(gone.generation()).append(gone.fault()).append(gone.replaced());
      text.append(gone.failure() == null ? "" : gone.failure().kind());
    } else if (input instanceof PoolInput.Checked checked) {
      text.append(checked.generation()).append(checked.answered());
    } else if (input instanceof PoolInput.BecameReady ready) {
      text.append(ready.generation());
    } else if (input instanceof PoolInput.Acknowledged idle) {
      text.append(idle.lease().sequence());
    }
  }
}
