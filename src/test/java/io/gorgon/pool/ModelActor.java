package io.gorgon.pool;

import io.gorgon.worker.Runner.Leftover;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.TreeSet;

/**
 * The pool's actor in the model: feeds the real {@link PoolState} and carries out its effects on
 * the modelled lane, workers and clients.
 */
final class ModelActor {

  private final PoolState state;
  private final ModelClients clients;
  private final ModelWorkers workers;
  private final ModelLane lane;

  /** What it has sent to itself, or the lane to it. */
  private final Deque<PoolInput> mailbox;

  /** Incarnations that must not be handed on. */
  private final Set<String> dirty = new TreeSet<>();

  private long now;
  private boolean drained;
  private boolean finished;

  ModelActor(
      PoolState state,
      ModelClients clients,
      ModelWorkers workers,
      ModelLane lane,
      Deque<PoolInput> mailbox) {
    this.state = state;
    this.clients = clients;
    this.workers = workers;
    this.lane = lane;
    this.mailbox = mailbox;
  }

  long now() {
    return now;
  }

  boolean isDrained() {
    return drained;
  }

  boolean isFinished() {
    return finished;
  }

  void timePasses(long nanos) {
    now += nanos;
    feed(new PoolInput.Ticked());
  }

  /** A holder gives its lease back. */
  void giveBack(Lease lease, Verdict verdict) {
    Leftover leftover = reclaim(lease);
    if (leftover == Leftover.BUSY
        || (verdict == Verdict.BROKEN && leftover != Leftover.NOT_OWNED)) {
      dirty.add(incarnation(lease));
    }
    clients.ended(lease);
    feed(new PoolInput.Returned(lease, verdict, leftover));
  }

  private Leftover reclaim(Lease lease) {
    ModelWorker worker = workers.of(lease);
    return worker == null ? Leftover.NOT_OWNED : worker.reclaim(lease);
  }

  /** Takes the next message of a worker. */
  void hear(ModelWorker worker) {
    PoolInput input = worker.says();
    if (input instanceof PoolInput.BecameReady) {
      worker.known = true;
    } else if (input instanceof PoolInput.Gone) {
      worker.known = false;
      lane.remove(worker);
      clients.dropCallsOn(worker.slot, worker.generation);
    } else if (input instanceof PoolInput.Vanished) {
      worker.known = false;
      lane.remove(worker);
      workers.remove(worker);
    } else if (input instanceof PoolInput.Acknowledged idleLease) {
      // Stands for LeaseIdle here: only a call's lease ends by it.
      giveBack(idleLease.lease(), Verdict.CLEAN);
      return;
    }
    feed(input);
  }

  /** Takes the next message that it or the lane sent to it. */
  void take() {
    feed(mailbox.removeFirst());
  }

  /** Takes this message, and carries out what follows. */
  void feed(PoolInput input) {
    drained |= input instanceof PoolInput.DrainWanted;
    Deque<PoolInput> inputs = new ArrayDeque<>(1);
    inputs.add(input);
    int rounds = 0;
    while (!inputs.isEmpty()) {
      if (++rounds > 100) {
        throw new AssertionError("the pool runs in circles");
      }
      for (PoolEffect effect : state.on(inputs.removeFirst(), now)) {
        carryOut(effect, inputs);
      }
    }
  }

  private void carryOut(PoolEffect effect, Deque<PoolInput> followUps) {
    if (finished
        && !(effect instanceof PoolEffect.Refuse)
        && !(effect instanceof PoolEffect.Dismiss)) {
      throw new AssertionError("after the end: " + effect);
    }
    if (effect instanceof PoolEffect.Admit admit) {
      checkClean(admit.slot(), admit.generation(), effect);
      ModelWorker worker = workers.known(admit.slot(), admit.generation());
      if (worker != null) {
        lane.admit(worker);
      }
    } else if (effect instanceof PoolEffect.ClaimAny claim) {
      lane.claimAny(claim, preferred(claim));
    } else if (effect instanceof PoolEffect.Unclaim unclaim) {
      lane.unclaim(unclaim.request());
    } else if (effect instanceof PoolEffect.ClaimSlot claim) {
      lane.claim(workers.known(claim.slot(), claim.generation()));
    } else if (effect instanceof PoolEffect.Grant grant) {
      grant(grant, followUps);
    } else if (effect instanceof PoolEffect.Refuse refuse) {
      clients.answer(refuse.request(), effect);
    } else if (effect instanceof PoolEffect.Settle settle) {
      mailbox.addLast(new PoolInput.Unsettled(settle.request(), settle.refusal()));
    } else if (effect instanceof PoolEffect.Reclaim reclaim) {
      Leftover leftover = reclaim(reclaim.lease());
      clients.dropCallWith(reclaim.lease());
      if (leftover == Leftover.USED || leftover == Leftover.BUSY) {
        dirty.add(incarnation(reclaim.lease()));
      }
      followUps.addLast(new PoolInput.Reclaimed(reclaim.lease(), leftover));
    } else if (effect instanceof PoolEffect.Hire hire) {
      workers.hire(hire.slot(), hire.lineage());
    } else if (effect instanceof PoolEffect.Start start) {
      ModelWorker worker = workers.get(start.lineage());
      if (worker != null) {
        worker.start(start.generation());
      }
    } else if (effect instanceof PoolEffect.Stop stop) {
      stop(stop.lineage(), stop.replace());
    } else if (effect instanceof PoolEffect.Dismiss dismiss) {
      stop(dismiss.lineage(), false);
    } else if (effect instanceof PoolEffect.Check check) {
      workers.get(check.lineage()).check();
    } else if (effect instanceof PoolEffect.Finish) {
      if (finished || !drained) {
        throw new AssertionError("finished twice, or unasked");
      }
      finished = true;
    }
  }

  private void stop(long lineage, boolean comesBack) {
    ModelWorker worker = workers.get(lineage);
    if (worker != null) {
      worker.stop(comesBack);
    }
  }

  private ModelWorker preferred(PoolEffect.ClaimAny claim) {
    Slot.Member current = claim.prefer() < 0 ? null : state.slots().get(claim.prefer()).current;
    return current == null ? null : workers.known(claim.prefer(), current.generation);
  }

  private void grant(PoolEffect.Grant grant, Deque<PoolInput> followUps) {
    Lease lease = grant.lease();
    checkClean(lease.slot(), lease.generation(), grant);
    if (!clients.waits(grant.request())) {
      throw new AssertionError("granted to one who was answered: " + grant);
    }
    ModelWorker worker = workers.of(lease);
    if (worker == null || !worker.alive) {
      followUps.addLast(new PoolInput.HandOverFailed(lease, HandOver.Problem.PROCESS_DEAD));
      return;
    }
    if (worker.lent != null || worker.laneBusy || worker.busy) {
      throw new AssertionError("not idle: " + grant);
    }
    worker.lend(lease, clients.runs(grant.request()));
    clients.hold(lease, grant.request());
    clients.answer(grant.request(), grant);
  }

  private void checkClean(int slot, long generation, PoolEffect effect) {
    if (dirty.contains(slot + "." + generation)) {
      throw new AssertionError("handed on dirty: " + effect);
    }
  }

  static String incarnation(Lease lease) {
    return lease.slot() + "." + lease.generation();
  }

  /** Takes over what {@code other} knows. */
  void become(ModelActor other) {
    now = other.now;
    drained = other.drained;
    finished = other.finished;
    dirty.addAll(other.dirty);
  }

  void describe(StringBuilder text) {
    text.append('|');
    for (PoolInput input : mailbox) {
      if (input instanceof PoolInput.Unsettled unsettled) {
        text.append('U').append(unsettled.request());
      } else if (input instanceof PoolInput.Claimed claimed) {
        text.append('C').append(claimed.slot()).append('.').append(claimed.generation());
        text.append('>').append(claimed.request());
      } else {
        throw new AssertionError("unforeseen: " + input);
      }
    }
    text.append(dirty).append(drained).append(finished);
  }
}
