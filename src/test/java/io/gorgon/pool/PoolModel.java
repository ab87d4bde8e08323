package io.gorgon.pool;

import com.typesafe.config.ConfigFactory;
import io.gorgon.message.PythonFailure.StartFailed;
import io.gorgon.pool.ModelAction.What;
import io.gorgon.pool.ModelClients.Held;
import io.gorgon.pool.PoolInput.IdleStep;
import io.gorgon.worker.Retirement;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * A pool in the small: the real {@link PoolState}, and around it a model of {@link Pool} and
 * everything that it drives: the {@link ModelActor} with its mailbox, its {@link ModelLane}, the
 * {@link ModelWorkers} and the {@link ModelClients}. Each {@link ModelAction} is one thing that may
 * happen next, {@link ModelActions} lists them; {@link #apply} does one and checks all {@link
 * ModelInvariants}.
 */
final class PoolModel {

  private static final long STEP = Duration.ofMillis(400).toNanos();
  private static final long PATIENCE = Duration.ofMillis(1000).toNanos();

  private static final PoolSettings SETTINGS =
      PoolSettings.of(
          "model",
          ConfigFactory.parseString(
              "min-workers = 2, max-workers = 2, queue-capacity = 2,"
                  + "checkout.acknowledge-timeout = 350ms, checkout.lease-ttl = 700ms,"
                  + "restart.concurrent = 1, restart.backoff-min = 400ms, restart.backoff-max = 800ms,"
                  + "restart.budget = 1, restart.quarantine = 800ms, size.grow-after = 400ms"),
          ConfigFactory.load());

  /** How it came here, the last step first; shared with the models that were copied from it. */
  private record Trace(Trace before, ModelAction action) {}

  final PoolState state;
  final ModelClients clients;
  final ModelWorkers workers;
  final ModelLane lane;

  /** What the pool's actor has sent to itself, or the lane to it. */
  final Deque<PoolInput> mailbox = new ArrayDeque<>(4);

  final ModelActor actor;
  int chores;
  int faults;
  int laneCalls;
  private Trace trace;

  private PoolModel(PoolState state, ModelClients clients) {
    this.state = state;
    this.clients = clients;
    this.workers = new ModelWorkers();
    this.lane = new ModelLane(workers, mailbox);
    this.actor = new ModelActor(state, clients, workers, lane, mailbox);
  }

  private PoolModel(PoolModel other) {
    state = other.state.copy();
    clients = other.clients.copy();
    workers = other.workers.copy();
    mailbox.addAll(other.mailbox);
    lane = other.lane.copy(workers, mailbox);
    actor = new ModelActor(state, clients, workers, lane, mailbox);
    actor.become(other.actor);
    chores = other.chores;
    faults = other.faults;
    laneCalls = other.laneCalls;
    trace = other.trace;
  }

  /** An eager pool of two, nothing started yet. */
  static PoolModel fresh(int mostRequests) {
    var model = new PoolModel(new PoolState(SETTINGS), new ModelClients(mostRequests));
    model.actor.feed(new PoolInput.Began());
    return model;
  }

  /** Both workers ready and idle. */
  static PoolModel ready(int mostRequests) {
    PoolModel model = fresh(mostRequests);
    model.goWell(60, false);
    return model;
  }

  /** Both workers ready, and the session bound to one. */
  static PoolModel bound(int mostRequests) {
    PoolModel model = ready(mostRequests + 1);
    model.apply(new ModelAction(What.ASK, 0, 1 << 1));
    model.goWell(60, true);
    model.trace = null;
    return model;
  }

  PoolModel copy() {
    return new PoolModel(this);
  }

  // ---- what happens

  /** Does it, lets the pool carry out what follows, and checks everything. */
  void apply(ModelAction action) {
    trace = new Trace(trace, action);
    explained(
        () -> {
          perform(action);
          new ModelInvariants(this).check();
        });
  }

  private void perform(ModelAction action) {
    ModelWorker worker = workers.get(action.who());
    switch (action.what()) {
      case ASK -> ask(action);
      case TAKE -> actor.take();
      case HEAR -> actor.hear(worker);
      case ACKNOWLEDGE -> actor.feed(new PoolInput.Acknowledged(leaseOf(action)));
      case RENEW -> actor.feed(new PoolInput.Renewed(leaseOf(action)));
      case USE -> {
        ModelWorker lent = workers.of(leaseOf(action));
        lent.busy = true;
        lent.used = true;
      }
      case FINISH -> finish(clients.heldBy(action.who()));
      case RETURN -> {
        Held one = clients.heldBy(action.who());
        clients.letGo(one);
        actor.giveBack(one.lease(), Verdict.values()[action.how()]);
      }
      case CANCEL -> {
        clients.cancel(action.who());
        actor.feed(new PoolInput.Withdrawn(action.who()));
      }
      case OWNER_DIES -> {
        clients.ownerDies();
        actor.feed(new PoolInput.OwnerDied(ModelClients.OWNER));
      }
      case START_WORKS -> worker.becomeReady();
      case START_FAILS -> {
        faults++;
        worker.failToStart(action.how() == 0 ? StartFailed.Kind.EXITED : StartFailed.Kind.IMPORT);
      }
      case DIES -> {
        faults++;
        worker.alive = false;
      }
      case BURY -> worker.bury();
      case VANISH -> {
        faults++;
        worker.vanish();
      }
      case PONG -> {
        worker.checking = false;
        worker.tells(new PoolInput.Checked(worker.slot, worker.generation, action.how() == 1));
      }
      case LANE_CALL -> {
        laneCalls++;
        lane.take(worker);
      }
      case LANE_CALL_ENDS -> lane.end(worker);
      case TIME -> actor.timePasses(STEP);
      case PRESS, IDLE, RETIRE, RESET, RESIZE, DRAIN, END_SESSION -> {
        chores++;
        actor.feed(chore(action, worker));
      }
    }
  }

  private PoolInput chore(ModelAction action, ModelWorker worker) {
    return switch (action.what()) {
      case PRESS -> new PoolInput.Pressed(actor.now() - STEP);
      case IDLE ->
          new PoolInput.Idled(
              worker.slot, worker.generation, action.how() == 0 ? IdleStep.CHECK : IdleStep.SHRINK);
      case RETIRE ->
          new PoolInput.RetireDue(worker.slot, worker.generation, Retirement.Reason.MEMORY);
      case RESET -> new PoolInput.ResetWanted();
      case RESIZE -> new PoolInput.Resized(action.how() >> 4, action.how() & 15);
      case DRAIN -> new PoolInput.DrainWanted(actor.now() + 2 * STEP);
      case END_SESSION -> new PoolInput.SessionEnded(ModelClients.SESSION);
      default -> throw new AssertionError("no chore: " + action);
    };
  }

  private Lease leaseOf(ModelAction action) {
    return clients.heldBy(action.who()).lease();
  }

  private void ask(ModelAction action) {
    long request = clients.ask(action.how());
    actor.feed(
        new PoolInput.Asked(
            request,
            ModelClients.kind(action.how()),
            action.who(),
            actor.now() + PATIENCE,
            ModelClients.runs(action.how())));
    if (actor.isDrained() && clients.waits(request)) {
      throw new AssertionError("asked while draining, and not refused");
    }
  }

  private void finish(Held one) {
    ModelWorker worker = workers.of(one.lease());
    worker.busy = false;
    if (one.runs()) {
      clients.letGo(one);
      worker.tells(new PoolInput.Acknowledged(one.lease()));
    }
  }

  // ---- and in the end

  /** Lets everything go well for a while: starts work, calls end, leases are given back. */
  void goWell(int rounds, boolean giveBack) {
    for (int round = 0; round < rounds; round++) {
      ModelAction next = ModelActions.nextGood(this, giveBack);
      apply(next == null ? new ModelAction(What.TIME) : next);
      if (next == null && !giveBack) {
        return;
      }
    }
  }

  void checkAllWell() {
    explained(new ModelInvariants(this)::checkAllWell);
  }

  void checkStrangersAreHarmless() {
    explained(new ModelInvariants(this)::checkStrangersAreHarmless);
  }

  private void explained(Runnable step) {
    try {
      step.run();
    } catch (RuntimeException | AssertionError broken) {
      throw new AssertionError(broken + "\nafter " + path() + "\n" + fingerprint(), broken);
    }
  }

  /** The steps that led here. */
  private String path() {
    var steps = new ArrayDeque<String>();
    for (Trace one = trace; one != null; one = one.before()) {
      steps.addFirst(one.action().toString());
    }
    return String.join(", ", steps);
  }

  /** The same for models that behave the same from now on. */
  String fingerprint() {
    var text = new StringBuilder(400);
    text.append(state.fingerprint());
    actor.describe(text);
    lane.describe(text);
    workers.describe(text);
    clients.describe(text);
    text.append('|').append(chores).append(faults).append(laneCalls);
    return text.toString();
  }
}
