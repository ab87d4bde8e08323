package io.gorgon.pool;

import io.gorgon.pool.ModelAction.What;
import io.gorgon.pool.ModelClients.Held;
import io.gorgon.pool.ModelWorker.Life;
import java.util.ArrayList;
import java.util.List;

/** What may happen next to a {@link PoolModel}, and what happens if all goes well. */
final class ModelActions {

  /** Faults and chores are bounded: more of them make more states, and no new ones of interest. */
  private static final int MOST_FAULTS = 3;

  private static final int MOST_CHORES = 2;
  private static final int MOST_LANE_CALLS = 2;

  private final PoolModel model;
  private final List<ModelAction> actions = new ArrayList<>(24);

  private ModelActions(PoolModel model) {
    this.model = model;
  }

  /** All that may happen. */
  static List<ModelAction> of(PoolModel model) {
    var all = new ModelActions(model);
    all.asking();
    if (!model.mailbox.isEmpty()) {
      all.may(What.TAKE);
    }
    all.workers();
    model.clients.held().forEach(all::holding);
    all.givingUp();
    all.may(What.TIME);
    if (model.chores < MOST_CHORES) {
      all.chores();
    }
    return all.actions;
  }

  private void may(What what) {
    may(what, 0);
  }

  private void may(What what, long who) {
    may(what, who, 0);
  }

  private void may(What what, long who, int how) {
    actions.add(new ModelAction(what, who, how));
  }

  private void asking() {
    ModelClients clients = model.clients;
    if (clients.mayAsk()) {
      for (int kind = 0; kind < ModelClients.KINDS.size(); kind++) {
        may(What.ASK, 0, kind << 1);
      }
      may(What.ASK, 0, 1 << 1 | 1);
      if (!clients.isOwnerDead()) {
        may(What.ASK, ModelClients.OWNER, 0);
        may(What.ASK, ModelClients.OWNER, 2 << 1);
      }
    }
  }

  private void givingUp() {
    ModelClients clients = model.clients;
    for (long request : clients.open()) {
      if (!clients.hasCancelled(request)) {
        may(What.CANCEL, request);
      }
    }
    if (!clients.isOwnerDead() && clients.haveAsked()) {
      may(What.OWNER_DIES, ModelClients.OWNER);
    }
  }

  private void holding(Held one) {
    long sequence = one.lease().sequence();
    ModelWorker worker = model.workers.of(one.lease());
    boolean owned = worker != null && one.lease().equals(worker.lent) && worker.alive;
    if (!one.runs()) {
      may(What.ACKNOWLEDGE, sequence);
      may(What.RENEW, sequence);
    }
    if (!one.runs() && owned && !worker.busy && !worker.used) {
      may(What.USE, sequence);
    }
    if (owned && worker.busy) {
      may(What.FINISH, sequence);
    }
    if (one.runs()) {
      return;
    }
    for (Verdict verdict : Verdict.values()) {
      may(What.RETURN, sequence, verdict.ordinal());
    }
  }

  private void workers() {
    for (ModelWorker worker : model.workers.all()) {
      long lineage = worker.lineage;
      if (worker.hasSomethingToSay()) {
        may(What.HEAR, lineage);
      }
      if (worker.life == Life.STARTING) {
        may(What.START_WORKS, lineage);
        if (model.faults < MOST_FAULTS) {
          may(What.START_FAILS, lineage, 0);
          may(What.START_FAILS, lineage, 1);
        }
      }
      if (worker.life == Life.RUNNING && worker.alive && model.faults < MOST_FAULTS) {
        may(What.DIES, lineage);
      }
      if (mayBury(worker)) {
        may(What.BURY, lineage);
      }
      if (worker.life != Life.STOPPED && model.faults == 0) {
        may(What.VANISH, lineage);
      }
      if (worker.checking) {
        may(What.PONG, lineage, 1);
        may(What.PONG, lineage, 0);
      }
      if (model.lane.isIdle(worker) && model.laneCalls < MOST_LANE_CALLS && worker.alive) {
        may(What.LANE_CALL, lineage);
      }
      if (worker.laneBusy && worker.alive) {
        may(What.LANE_CALL_ENDS, lineage);
      }
    }
  }

  private static boolean mayBury(ModelWorker worker) {
    return worker.life == Life.STOPPING || (worker.life == Life.RUNNING && !worker.alive);
  }

  private void chores() {
    if (!model.actor.isDrained()) {
      may(What.DRAIN);
      may(What.RESET);
      may(What.RESIZE, 0, 1 << 4 | 1);
      may(What.RESIZE, 0, 1 << 4 | 2);
      may(What.RESIZE, 0, 2 << 4 | 2);
      may(What.PRESS);
    }
    if (model.clients.haveAsked()) {
      may(What.END_SESSION);
    }
    for (ModelWorker worker : model.workers.all()) {
      if (worker.known) {
        may(What.RETIRE, worker.lineage);
      }
      if (worker.known && model.lane.isIdle(worker)) {
        may(What.IDLE, worker.lineage, 0);
        may(What.IDLE, worker.lineage, 1);
      }
    }
  }

  /**
   * What happens next if everything goes well, or null if there is nothing left to do: starts work,
   * calls end and, if {@code giveBack}, leases are given back.
   */
  static ModelAction nextGood(PoolModel model, boolean giveBack) {
    if (!model.mailbox.isEmpty()) {
      return new ModelAction(What.TAKE);
    }
    for (ModelWorker worker : model.workers.all()) {
      if (worker.hasSomethingToSay()) {
        return new ModelAction(What.HEAR, worker.lineage);
      }
      if (worker.life == Life.STARTING) {
        return new ModelAction(What.START_WORKS, worker.lineage);
      }
      if (mayBury(worker)) {
        return new ModelAction(What.BURY, worker.lineage);
      }
      if (worker.checking) {
        return new ModelAction(What.PONG, worker.lineage, 1);
      }
      if (worker.laneBusy) {
        return new ModelAction(What.LANE_CALL_ENDS, worker.lineage);
      }
    }
    for (Held one : giveBack ? model.clients.held() : List.<Held>of()) {
      long sequence = one.lease().sequence();
      ModelWorker worker = model.workers.of(one.lease());
      if (worker != null && one.lease().equals(worker.lent) && worker.busy) {
        return new ModelAction(What.FINISH, sequence);
      }
      if (!one.runs()) {
        return new ModelAction(What.RETURN, sequence, Verdict.CLEAN.ordinal());
      }
    }
    return null;
  }
}
