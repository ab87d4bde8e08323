package io.gorgon.pool;

import static io.gorgon.pool.CheckoutKind.Affinity.PINNED;
import static io.gorgon.pool.CheckoutKind.Affinity.PINNED_FAIL_FAST;
import static io.gorgon.pool.CheckoutKind.Affinity.PREFER;

import com.typesafe.config.ConfigFactory;
import io.gorgon.message.PythonFailure.StartFailed;
import io.gorgon.pool.PoolInput.IdleStep;
import io.gorgon.pool.Slot.Member;
import io.gorgon.pool.Slot.Phase;
import io.gorgon.worker.Retirement;
import io.gorgon.worker.Runner.Leftover;
import io.gorgon.worker.Worker.Fault;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A pool in the small: the real {@link PoolState}, and around it a model of everything that {@link
 * Pool} drives: its mailbox, its lane, the worker actors with their processes, and the clients.
 * Each {@link Action} is one thing that may happen next; {@link #apply} does it and checks what
 * must always hold.
 */
final class PoolModel {

  /**
   * What may happen; {@code who} is a request, a worker's lineage or a lease, {@code how} a
   * variant.
   */
  record Action(What what, long who, int how) {
    @Override
    public String toString() {
      return what + (who == 0 ? "" : " " + who) + (how == 0 ? "" : "/" + how);
    }
  }

  enum What {
    ASK,
    /** The pool's actor takes the next message that it or the lane sent to itself. */
    TAKE,
    /** The pool's actor takes the next message of a worker. */
    HEAR,
    ACKNOWLEDGE,
    RENEW,
    USE,
    FINISH,
    RETURN,
    CANCEL,
    OWNER_DIES,
    START_WORKS,
    START_FAILS,
    DIES,
    BURY,
    VANISH,
    PONG,
    LANE_CALL,
    LANE_CALL_ENDS,
    TIME,
    PRESS,
    IDLE,
    RETIRE,
    RESET,
    RESIZE,
    DRAIN,
    END_SESSION
  }

  static final long STEP = Duration.ofMillis(400).toNanos();
  private static final long PATIENCE = Duration.ofMillis(1000).toNanos();
  private static final int OWNER = 1;

  static final PoolSettings SETTINGS =
      PoolSettings.of(
          "model",
          ConfigFactory.parseString(
              "min-workers = 2, max-workers = 2, queue-capacity = 2,"
                  + "checkout.acknowledge-timeout = 350ms, checkout.lease-ttl = 700ms,"
                  + "restart.concurrent = 1, restart.backoff-min = 400ms, restart.backoff-max = 800ms,"
                  + "restart.budget = 1, restart.quarantine = 800ms, size.grow-after = 400ms"),
          ConfigFactory.load());

  private static final CheckoutKind[] KINDS = {
    CheckoutKind.anonymous(),
    CheckoutKind.session("s", PREFER),
    CheckoutKind.session("s", PINNED),
    CheckoutKind.session("s", PINNED_FAIL_FAST)
  };

  /** A worker actor as its pool sees it from outside. */
  private static final class Hand {
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
    boolean replace = true;
    boolean alive;
    boolean checking;

    /** Between the pool's hearing of Ready and of Gone. */
    boolean known;

    boolean goneTold = true;
    Lease lent;
    boolean used;
    boolean busy;
    boolean runs;
    boolean laneBusy;
    final Deque<PoolInput> out = new ArrayDeque<>(3);

    Hand(long lineage, int slot) {
      this.lineage = lineage;
      this.slot = slot;
    }

    Hand copy() {
      var copy = new Hand(lineage, slot);
      copy.generation = generation;
      copy.life = life;
      copy.replace = replace;
      copy.alive = alive;
      copy.checking = checking;
      copy.known = known;
      copy.goneTold = goneTold;
      copy.lent = lent;
      copy.used = used;
      copy.busy = busy;
      copy.runs = runs;
      copy.laneBusy = laneBusy;
      copy.out.addAll(out);
      return copy;
    }
  }

  /** A lease as its holder has it. */
  private record Held(Lease lease, long request, boolean runs) {}

  private record Trace(Trace before, Action action) {}

  private final PoolState state;
  private final int mostRequests;
  private long now;
  private Trace trace;
  private final Deque<PoolInput> mailbox = new ArrayDeque<>(4);
  private final TreeMap<Long, Hand> hands = new TreeMap<>();
  private final List<Long> entries = new ArrayList<>(3);
  private final Deque<Long> idle = new ArrayDeque<>(2);
  private final Set<Long> members = new TreeSet<>();
  private final Set<Long> wanted = new TreeSet<>();
  private final List<Held> held = new ArrayList<>(2);
  private final Set<Lease> ended = new HashSet<>(2);
  private final Set<String> dirty = new TreeSet<>();

  /** By request: its kind, and whether it waits for its answer. */
  private final TreeMap<Long, Integer> kinds = new TreeMap<>();

  private final Set<Long> open = new TreeSet<>();
  private final Set<Long> cancelled = new TreeSet<>();
  private final Set<Long> answered = new TreeSet<>();
  private long requests;
  private boolean drained;
  private boolean finished;
  private boolean ownerDead;
  private int chores;
  private int faults;
  private int laneCalls;

  private PoolModel(PoolState state, int mostRequests) {
    this.state = state;
    this.mostRequests = mostRequests;
  }

  /** An eager pool of two, nothing started yet. */
  static PoolModel fresh(int mostRequests) {
    var model = new PoolModel(new PoolState(SETTINGS), mostRequests);
    model.feed(new PoolInput.Began());
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
    model.apply(new Action(What.ASK, 0, 1 << 1));
    model.goWell(60, true);
    model.trace = null;
    return model;
  }

  PoolModel copy() {
    var copy = new PoolModel(state.copy(), mostRequests);
    copy.now = now;
    copy.trace = trace;
    copy.mailbox.addAll(mailbox);
    hands.forEach((lineage, hand) -> copy.hands.put(lineage, hand.copy()));
    copy.entries.addAll(entries);
    copy.idle.addAll(idle);
    copy.members.addAll(members);
    copy.wanted.addAll(wanted);
    copy.held.addAll(held);
    copy.ended.addAll(ended);
    copy.dirty.addAll(dirty);
    copy.kinds.putAll(kinds);
    copy.open.addAll(open);
    copy.cancelled.addAll(cancelled);
    copy.answered.addAll(answered);
    copy.requests = requests;
    copy.drained = drained;
    copy.finished = finished;
    copy.ownerDead = ownerDead;
    copy.chores = chores;
    copy.faults = faults;
    copy.laneCalls = laneCalls;
    return copy;
  }

  // ---- what may happen

  List<Action> actions(Set<What> alphabet) {
    List<Action> actions = actions();
    actions.removeIf(action -> !alphabet.contains(action.what()));
    return actions;
  }

  List<Action> actions() {
    var actions = new ArrayList<Action>(24);
    if (requests < mostRequests) {
      for (int kind = 0; kind < KINDS.length; kind++) {
        actions.add(new Action(What.ASK, 0, kind << 1));
      }
      actions.add(new Action(What.ASK, 0, 1 << 1 | 1));
      if (!ownerDead) {
        actions.add(new Action(What.ASK, OWNER, 0));
        actions.add(new Action(What.ASK, OWNER, 2 << 1));
      }
    }
    if (!mailbox.isEmpty()) {
      actions.add(new Action(What.TAKE, 0, 0));
    }
    for (Hand hand : hands.values()) {
      actionsOf(hand, actions);
    }
    for (Held one : held) {
      actionsOf(one, actions);
    }
    for (Long request : open) {
      if (!cancelled.contains(request)) {
        actions.add(new Action(What.CANCEL, request, 0));
      }
    }
    if (!ownerDead && requests > 0) {
      actions.add(new Action(What.OWNER_DIES, OWNER, 0));
    }
    actions.add(new Action(What.TIME, 0, 0));
    if (chores < 2) {
      chores(actions);
    }
    return actions;
  }

  private void actionsOf(Hand hand, List<Action> actions) {
    if (!hand.out.isEmpty()) {
      actions.add(new Action(What.HEAR, hand.lineage, 0));
    }
    if (hand.life == Hand.Life.STARTING) {
      actions.add(new Action(What.START_WORKS, hand.lineage, 0));
      if (faults < 3) {
        actions.add(new Action(What.START_FAILS, hand.lineage, 0));
        actions.add(new Action(What.START_FAILS, hand.lineage, 1));
      }
    }
    if (hand.life == Hand.Life.RUNNING && hand.alive && faults < 3) {
      actions.add(new Action(What.DIES, hand.lineage, 0));
    }
    if (hand.life == Hand.Life.STOPPING || (hand.life == Hand.Life.RUNNING && !hand.alive)) {
      actions.add(new Action(What.BURY, hand.lineage, 0));
    }
    if (hand.life != Hand.Life.STOPPED && faults == 0) {
      actions.add(new Action(What.VANISH, hand.lineage, 0));
    }
    if (hand.checking) {
      actions.add(new Action(What.PONG, hand.lineage, 1));
      actions.add(new Action(What.PONG, hand.lineage, 0));
    }
    if (idle.contains(hand.lineage) && laneCalls < 2 && hand.alive) {
      actions.add(new Action(What.LANE_CALL, hand.lineage, 0));
    }
    if (hand.laneBusy && hand.alive) {
      actions.add(new Action(What.LANE_CALL_ENDS, hand.lineage, 0));
    }
  }

  private void actionsOf(Held one, List<Action> actions) {
    long sequence = one.lease().sequence();
    Hand hand = handOf(one.lease());
    boolean owned = hand != null && one.lease().equals(hand.lent) && hand.alive;
    if (one.runs()) {
      if (owned && hand.busy) {
        actions.add(new Action(What.FINISH, sequence, 0));
      }
      return;
    }
    actions.add(new Action(What.ACKNOWLEDGE, sequence, 0));
    if (owned && !hand.busy && !hand.used) {
      actions.add(new Action(What.USE, sequence, 0));
    }
    if (owned && hand.busy) {
      actions.add(new Action(What.FINISH, sequence, 0));
    }
    for (Verdict verdict : Verdict.values()) {
      actions.add(new Action(What.RETURN, sequence, verdict.ordinal()));
    }
  }

  private void chores(List<Action> actions) {
    if (!drained) {
      actions.add(new Action(What.DRAIN, 0, 0));
      actions.add(new Action(What.RESET, 0, 0));
      actions.add(new Action(What.RESIZE, 0, 1 << 4 | 1));
      actions.add(new Action(What.RESIZE, 0, 1 << 4 | 2));
      actions.add(new Action(What.RESIZE, 0, 2 << 4 | 2));
      actions.add(new Action(What.PRESS, 0, 0));
    }
    if (requests > 0) {
      actions.add(new Action(What.END_SESSION, 0, 0));
    }
    for (Hand hand : hands.values()) {
      if (hand.known) {
        actions.add(new Action(What.RETIRE, hand.lineage, 0));
      }
      if (hand.known && idle.contains(hand.lineage)) {
        actions.add(new Action(What.IDLE, hand.lineage, 0));
        actions.add(new Action(What.IDLE, hand.lineage, 1));
      }
    }
  }

  /** Does it, lets the pool carry out what follows, and checks everything. */
  void apply(Action action) {
    trace = new Trace(trace, action);
    try {
      perform(action);
      check();
    } catch (RuntimeException | AssertionError broken) {
      throw new AssertionError(
          broken + "\nafter " + path() + "\n" + state.fingerprint() + "\n" + surroundings(),
          broken);
    }
  }

  private void perform(Action action) {
    Hand hand = hands.get(action.who());
    switch (action.what()) {
      case ASK -> ask(action);
      case TAKE -> {
        PoolInput input = mailbox.removeFirst();
        feed(input);
      }
      case HEAR -> hear(hand);
      case ACKNOWLEDGE -> feed(new PoolInput.Acknowledged(heldBy(action.who()).lease()));
      case RENEW -> feed(new PoolInput.Renewed(heldBy(action.who()).lease()));
      case USE -> {
        Hand lent = handOf(heldBy(action.who()).lease());
        lent.busy = true;
        lent.used = true;
      }
      case FINISH -> finish(heldBy(action.who()));
      case RETURN -> {
        Held one = heldBy(action.who());
        held.remove(one);
        giveBack(one.lease(), Verdict.values()[action.how()]);
      }
      case CANCEL -> {
        cancelled.add(action.who());
        feed(new PoolInput.Withdrawn(action.who()));
      }
      case OWNER_DIES -> {
        ownerDead = true;
        feed(new PoolInput.OwnerDied(OWNER));
      }
      case START_WORKS -> {
        hand.life = Hand.Life.RUNNING;
        hand.alive = true;
        hand.out.addLast(new PoolInput.BecameReady(hand.slot, hand.lineage, hand.generation));
      }
      case START_FAILS -> {
        faults++;
        bury(
            hand,
            Fault.START,
            new StartFailed(
                action.how() == 0 ? StartFailed.Kind.EXITED : StartFailed.Kind.IMPORT, "it", ""));
      }
      case DIES -> {
        faults++;
        hand.alive = false;
      }
      case BURY -> bury(hand, hand.life == Hand.Life.STOPPING ? Fault.POOL : Fault.WORKER, null);
      case VANISH -> {
        faults++;
        vanish(hand);
      }
      case PONG -> {
        hand.checking = false;
        hand.out.addLast(new PoolInput.Checked(hand.slot, hand.generation, action.how() == 1));
      }
      case LANE_CALL -> {
        laneCalls++;
        idle.remove(hand.lineage);
        hand.laneBusy = true;
      }
      case LANE_CALL_ENDS -> {
        hand.laneBusy = false;
        laneNext(hand);
      }
      case TIME -> {
        now += STEP;
        feed(new PoolInput.Ticked());
      }
      case PRESS -> {
        chores++;
        feed(new PoolInput.Pressed(now - STEP));
      }
      case IDLE -> {
        chores++;
        feed(
            new PoolInput.Idled(
                hand.slot, hand.generation, action.how() == 0 ? IdleStep.CHECK : IdleStep.SHRINK));
      }
      case RETIRE -> {
        chores++;
        feed(new PoolInput.RetireDue(hand.slot, hand.generation, Retirement.Reason.MEMORY));
      }
      case RESET -> {
        chores++;
        feed(new PoolInput.ResetWanted());
      }
      case RESIZE -> {
        chores++;
        feed(new PoolInput.Resized(action.how() >> 4, action.how() & 15));
      }
      case DRAIN -> {
        chores++;
        drained = true;
        feed(new PoolInput.DrainWanted(now + 2 * STEP));
      }
      case END_SESSION -> {
        chores++;
        feed(new PoolInput.SessionEnded("s"));
      }
    }
  }

  private void ask(Action action) {
    long request = ++requests;
    kinds.put(request, action.how());
    open.add(request);
    boolean runs = (action.how() & 1) == 1;
    feed(
        new PoolInput.Asked(request, KINDS[action.how() >> 1], action.who(), now + PATIENCE, runs));
    if (drained && open.contains(request)) {
      throw new AssertionError("asked while draining, and not refused");
    }
  }

  // ---- the pool's actor

  private void feed(PoolInput input) {
    if (input instanceof PoolInput.Reclaimed reclaimed
        && reclaimed.leftover() != Leftover.UNUSED
        && reclaimed.leftover() != Leftover.NOT_OWNED) {
      dirty.add(incarnation(reclaimed.lease()));
    }
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
    if (finished && !(effect instanceof PoolEffect.Refuse)) {
      if (!(effect instanceof PoolEffect.Dismiss)) {
        throw new AssertionError("after the end: " + effect);
      }
    }
    if (effect instanceof PoolEffect.Admit admit) {
      clean(admit.slot(), admit.generation(), effect);
      Hand hand = known(admit.slot(), admit.generation());
      if (hand != null) {
        members.add(hand.lineage);
        laneNext(hand);
      }
    } else if (effect instanceof PoolEffect.ClaimAny claim) {
      claimAny(claim);
    } else if (effect instanceof PoolEffect.Unclaim unclaim) {
      entries.remove(unclaim.request());
    } else if (effect instanceof PoolEffect.ClaimSlot claim) {
      claimSlot(known(claim.slot(), claim.generation()));
    } else if (effect instanceof PoolEffect.Grant grant) {
      clean(grant.lease().slot(), grant.lease().generation(), effect);
      grant(grant, followUps);
    } else if (effect instanceof PoolEffect.Refuse refuse) {
      answer(refuse.request(), effect);
    } else if (effect instanceof PoolEffect.Settle settle) {
      mailbox.addLast(new PoolInput.Unsettled(settle.request(), settle.refusal()));
    } else if (effect instanceof PoolEffect.Reclaim reclaim) {
      Leftover leftover = reclaim(reclaim.lease());
      held.removeIf(one -> one.lease().equals(reclaim.lease()) && one.runs());
      markDirty(reclaim.lease(), leftover);
      followUps.addLast(new PoolInput.Reclaimed(reclaim.lease(), leftover));
    } else if (effect instanceof PoolEffect.Hire hire) {
      var hand = new Hand(hire.lineage(), hire.slot());
      hand.out.addLast(new PoolInput.Wanted(hire.slot(), hire.lineage()));
      if (hands.put(hire.lineage(), hand) != null) {
        throw new AssertionError("hired twice: " + effect);
      }
    } else if (effect instanceof PoolEffect.Start start) {
      start(hands.get(start.lineage()), start.generation());
    } else if (effect instanceof PoolEffect.Stop stop) {
      stop(hands.get(stop.lineage()), stop.replace());
    } else if (effect instanceof PoolEffect.Dismiss dismiss) {
      stop(hands.get(dismiss.lineage()), false);
    } else if (effect instanceof PoolEffect.Check check) {
      Hand hand = hands.get(check.lineage());
      hand.checking = hand.life == Hand.Life.RUNNING;
    } else if (effect instanceof PoolEffect.Finish) {
      if (finished || !drained) {
        throw new AssertionError("finished twice, or unasked");
      }
      finished = true;
    }
  }

  private void markDirty(Lease lease, Leftover leftover) {
    if (leftover == Leftover.USED || leftover == Leftover.BUSY) {
      dirty.add(incarnation(lease));
    }
  }

  private void clean(int slot, long generation, PoolEffect effect) {
    if (dirty.contains(slot + "." + generation)) {
      throw new AssertionError("handed on dirty: " + effect);
    }
  }

  private void grant(PoolEffect.Grant grant, Deque<PoolInput> followUps) {
    Lease lease = grant.lease();
    long request = grant.request();
    if (!open.contains(request)) {
      throw new AssertionError("granted to one who was answered: " + grant);
    }
    Hand hand = known(lease.slot(), lease.generation());
    int kind = kinds.get(request);
    boolean runs = (kind & 1) == 1;
    HandOver.Problem problem = null;
    if (hand == null || !hand.alive) {
      problem = HandOver.Problem.PROCESS_DEAD;
    } else if (hand.lent != null || hand.laneBusy || hand.busy) {
      throw new AssertionError("not idle: " + grant);
    }
    if (problem != null) {
      followUps.addLast(new PoolInput.HandOverFailed(lease, problem));
      return;
    }
    hand.lent = lease;
    hand.used = runs;
    hand.busy = runs;
    hand.runs = runs;
    held.add(new Held(lease, request, runs));
    answer(request, grant);
  }

  private void answer(long request, PoolEffect effect) {
    if (!open.remove(request)) {
      throw new AssertionError("answered twice: " + effect);
    }
    answered.add(request);
  }

  private void giveBack(Lease lease, Verdict verdict) {
    Leftover leftover = reclaim(lease);
    if (leftover == Leftover.BUSY
        || (verdict == Verdict.BROKEN && leftover != Leftover.NOT_OWNED)) {
      dirty.add(incarnation(lease));
    }
    ended.add(lease);
    feed(new PoolInput.Returned(lease, verdict, leftover));
  }

  private Leftover reclaim(Lease lease) {
    Hand hand = known(lease.slot(), lease.generation());
    if (hand == null || !lease.equals(hand.lent)) {
      return Leftover.NOT_OWNED;
    }
    hand.lent = null;
    return hand.busy ? Leftover.BUSY : hand.used ? Leftover.USED : Leftover.UNUSED;
  }

  private void hear(Hand hand) {
    PoolInput input = hand.out.removeFirst();
    if (input instanceof PoolInput.BecameReady) {
      hand.known = true;
      hand.goneTold = false;
    } else if (input instanceof PoolInput.Gone) {
      hand.known = false;
      hand.goneTold = true;
      laneRemove(hand);
      held.removeIf(
          one ->
              one.runs()
                  && one.lease().slot() == hand.slot
                  && one.lease().generation() == hand.generation);
    } else if (input instanceof PoolInput.Vanished) {
      hand.known = false;
      laneRemove(hand);
      hands.remove(hand.lineage);
    } else if (input instanceof PoolInput.Acknowledged idleLease) {
      // Stands for LeaseIdle here: only a call's lease ends by it.
      giveBack(idleLease.lease(), Verdict.CLEAN);
      return;
    }
    feed(input);
  }

  // ---- the lane

  private void claimAny(PoolEffect.ClaimAny claim) {
    Long runner = null;
    if (claim.prefer() >= 0) {
      Member current = state.slots().get(claim.prefer()).current;
      Hand preferred = current == null ? null : known(claim.prefer(), current.generation);
      if (preferred != null && preferred.alive && idle.remove(preferred.lineage)) {
        runner = preferred.lineage;
      }
    }
    while (runner == null && !idle.isEmpty()) {
      long polled = idle.removeFirst();
      runner = hands.get(polled).alive ? polled : null;
    }
    if (runner != null) {
      members.remove(runner);
      claimed(runner, claim.request());
    } else if (claim.first()) {
      entries.add(0, claim.request());
    } else {
      entries.add(claim.request());
    }
  }

  private void claimSlot(Hand hand) {
    if (hand == null) {
      return;
    }
    if (idle.remove(hand.lineage)) {
      members.remove(hand.lineage);
      claimed(hand.lineage, 0);
    } else if (members.contains(hand.lineage)) {
      wanted.add(hand.lineage);
    }
  }

  private void laneNext(Hand hand) {
    if (!members.contains(hand.lineage)) {
      return;
    }
    if (wanted.remove(hand.lineage)) {
      members.remove(hand.lineage);
      claimed(hand.lineage, 0);
    } else if (entries.isEmpty()) {
      idle.addFirst(hand.lineage);
    } else {
      members.remove(hand.lineage);
      claimed(hand.lineage, entries.remove(0));
    }
  }

  private void claimed(long lineage, long request) {
    Hand hand = hands.get(lineage);
    mailbox.addLast(new PoolInput.Claimed(hand.slot, hand.generation, request));
  }

  private void laneRemove(Hand hand) {
    members.remove(hand.lineage);
    idle.remove(hand.lineage);
    wanted.remove(hand.lineage);
  }

  // ---- the workers

  private static void start(Hand hand, long generation) {
    if (hand == null || hand.life == Hand.Life.STOPPED) {
      return; // A dead letter; the pool will hear that the actor has stopped.
    }
    if (hand.life != Hand.Life.WAITING) {
      throw new AssertionError("started while " + hand.life);
    }
    hand.generation = generation;
    hand.life = Hand.Life.STARTING;
    hand.goneTold = false;
  }

  private static void stop(Hand hand, boolean replace) {
    if (hand == null) {
      return;
    }
    switch (hand.life) {
      case WAITING -> {
        if (!replace) {
          hand.life = Hand.Life.STOPPED;
          hand.out.addLast(new PoolInput.Vanished(hand.slot, hand.lineage));
        }
      }
      case STARTING, RUNNING -> {
        hand.life = Hand.Life.STOPPING;
        hand.replace = replace;
        hand.checking = false;
      }
      case STOPPING -> hand.replace = replace;
      case STOPPED -> {}
    }
  }

  private static void bury(Hand hand, Fault fault, StartFailed failure) {
    boolean replaced = hand.life != Hand.Life.STOPPING || hand.replace;
    close(hand);
    hand.out.addLast(
        new PoolInput.Gone(
            hand.slot, hand.lineage, hand.generation, fault, failure, List.of(), replaced));
    if (replaced) {
      hand.life = Hand.Life.WAITING;
      hand.out.addLast(new PoolInput.Wanted(hand.slot, hand.lineage));
    } else {
      hand.life = Hand.Life.STOPPED;
      hand.out.addLast(new PoolInput.Vanished(hand.slot, hand.lineage));
    }
  }

  private static void vanish(Hand hand) {
    close(hand);
    hand.life = Hand.Life.STOPPED;
    hand.out.addLast(new PoolInput.Vanished(hand.slot, hand.lineage));
  }

  private static void close(Hand hand) {
    hand.alive = false;
    hand.checking = false;
    hand.lent = null;
    hand.busy = false;
    hand.used = false;
    hand.laneBusy = false;
    hand.replace = true;
  }

  private void finish(Held one) {
    Hand hand = handOf(one.lease());
    hand.busy = false;
    if (one.runs()) {
      held.remove(one);
      hand.out.addLast(new PoolInput.Acknowledged(one.lease()));
    }
  }

  // ---- looking things up

  private Hand known(int slot, long generation) {
    for (Hand hand : hands.values()) {
      if (hand.known && hand.slot == slot && hand.generation == generation) {
        return hand;
      }
    }
    return null;
  }

  private Hand handOf(Lease lease) {
    return known(lease.slot(), lease.generation());
  }

  private Held heldBy(long sequence) {
    return held.stream()
        .filter(one -> one.lease().sequence() == sequence)
        .findFirst()
        .orElseThrow();
  }

  private static String incarnation(Lease lease) {
    return lease.slot() + "." + lease.generation();
  }

  // ---- what must always hold

  private void check() {
    int starting = 0;
    int occupied = 0;
    boolean hopeful = false;
    for (Slot slot : state.slots()) {
      int serving = 0;
      occupied += slot.isOccupied() ? 1 : 0;
      that(slot.checkouts >= 0 && slot.failures >= 0, "a counter is negative");
      for (Member member : slot.members()) {
        starting += member.phase == Phase.STARTING ? 1 : 0;
        serving += member.phase.isServing() && member.leaving == null ? 1 : 0;
        hopeful |= member.leaving == null;
        check(slot, member);
      }
      that(serving <= 1, "two serve in slot " + slot.number);
    }
    that(state.starting() == starting, "starting is counted wrongly: " + state.starting());
    that(occupied <= state.max(), "more slots than there may be");
    Set<String> lent = new HashSet<>();
    for (PoolState.Holding holding : state.holdings()) {
      that(lent.add(incarnation(holding.lease())), "two leases on " + holding.lease());
      Slot slot = state.slots().get(holding.lease().slot());
      Member member = slot.byGeneration(holding.lease().generation());
      that(member != null && member.phase != Phase.HIRED, "a lease on nobody: " + holding);
      that(
          !holding.kind().session().isPresent()
              || state.line().isSessionBusy(holding.kind().session().get()),
          "the session has a worker and is not busy");
    }
    if (state.line().isSessionBusy("s")) {
      that(
          state.holdings().stream().anyMatch(holding -> holding.kind().session().isPresent()),
          "the session is busy, and nobody has it");
    }
    for (Long request : open) {
      that(state.line().get(request) != null, "request " + request + " was forgotten");
    }
    for (WaitingLine.Waiter waiter : state.line().all()) {
      that(open.contains(waiter.request()), "waits and was answered: " + waiter);
      if (state.line().isTurnOf(waiter)) {
        check(waiter);
      }
    }
    that(state.line().size() == 0 || state.isRunning(), "waits while it drains");
    that(state.line().size() == 0 || !state.isCircuitOpen(), "waits while the circuit is open");
    that(state.line().size() == 0 || hopeful, "waits, and there is nobody to wait for");
    that(entries.size() <= open.size(), "claims of nobody wait in the lane");
    if (drained && state.slots().stream().allMatch(slot -> slot.members().isEmpty())) {
      that(finished, "all are gone and it has not finished");
    }
    for (Long lineage : idle) {
      that(members.contains(lineage), "idle and no member");
    }
  }

  private void check(Slot slot, Member member) {
    Hand hand = hands.get(member.lineage);
    that(hand != null, "a member without an actor: " + member);
    boolean going = hand.out.stream().anyMatch(PoolModel::isEnd);
    boolean dying = going || !hand.alive && hand.life == Hand.Life.RUNNING;
    boolean claimInFlight = isClaimed(slot.number, member.generation);
    switch (member.phase) {
      case IN_LANE -> {
        that(
            dying || members.contains(member.lineage) || claimInFlight,
            "it is in no lane: " + member);
        if (member.leaving != null || member.checkWanted) {
          that(
              dying || wanted.contains(member.lineage) || claimInFlight, "nobody claims " + member);
        }
      }
      case LEASED ->
          that(
              state.holdings().stream()
                      .filter(
                          holding ->
                              holding.lease().slot() == slot.number
                                  && holding.lease().generation() == member.generation)
                      .count()
                  == 1,
              "it is leased to nobody: " + member);
      case CHECKING ->
          that(
              dying
                  || hand.checking
                  || hand.out.stream().anyMatch(PoolInput.Checked.class::isInstance),
              "nobody checks " + member);
      case HIRED ->
          that(
              dying || hand.out.stream().anyMatch(PoolInput.Wanted.class::isInstance),
              "it will never ask: " + member);
      case STARTING ->
          that(
              going
                  || hand.life == Hand.Life.STARTING
                  || hand.out.stream().anyMatch(PoolInput.BecameReady.class::isInstance),
              "it will never be ready: " + member + " " + hand.life);
      case STOPPING ->
          that(
              going || hand.life == Hand.Life.STOPPING || dying,
              "it will never be gone: " + member + " " + hand.life);
      case WAITING -> that(member.leaving == null, "it waits to leave: " + member);
    }
  }

  private static boolean isEnd(PoolInput input) {
    return input instanceof PoolInput.Gone || input instanceof PoolInput.Vanished;
  }

  private boolean isClaimed(int slot, long generation) {
    return mailbox.stream()
        .anyMatch(
            input ->
                input instanceof PoolInput.Claimed claimed
                    && claimed.slot() == slot
                    && claimed.generation() == generation);
  }

  private void check(WaitingLine.Waiter waiter) {
    boolean claims =
        entries.contains(waiter.request())
            || mailbox.stream()
                .anyMatch(
                    input ->
                        input instanceof PoolInput.Claimed claimed
                            && claimed.request() == waiter.request());
    if (claims) {
      return;
    }
    Bindings.Binding bound = waiter.kind().session().map(state.bindings()::get).orElse(null);
    that(waiter.kind().affinity().isPinned() && bound != null, "nobody serves " + waiter);
    Slot slot = state.slots().get(bound.slot());
    Member member = slot.byGeneration(bound.generation());
    that(member != null, "pinned to nobody: " + waiter);
    Hand hand = hands.get(member.lineage);
    boolean dying = !hand.alive || hand.out.stream().anyMatch(PoolModel::isEnd);
    switch (member.phase) {
      case IN_LANE ->
          that(
              dying || wanted.contains(member.lineage) || isClaimed(slot.number, member.generation),
              "nobody claims the worker of " + waiter);
      case LEASED, CHECKING, STOPPING -> {}
      default -> throw new AssertionError("pinned to one that is " + member + ": " + waiter);
    }
  }

  private static void that(boolean good, String otherwise) {
    if (!good) {
      throw new AssertionError(otherwise);
    }
  }

  // ---- and in the end

  /** Lets everything go well for a while: starts work, calls end, leases are given back. */
  void goWell(int rounds, boolean giveBack) {
    for (int round = 0; round < rounds; round++) {
      Action next = nextGood(giveBack);
      apply(next == null ? new Action(What.TIME, 0, 0) : next);
      if (next == null && !giveBack) {
        return;
      }
    }
  }

  private Action nextGood(boolean giveBack) {
    if (!mailbox.isEmpty()) {
      return new Action(What.TAKE, 0, 0);
    }
    for (Hand hand : hands.values()) {
      if (!hand.out.isEmpty()) {
        return new Action(What.HEAR, hand.lineage, 0);
      }
      if (hand.life == Hand.Life.STARTING) {
        return new Action(What.START_WORKS, hand.lineage, 0);
      }
      if (hand.life == Hand.Life.STOPPING || hand.life == Hand.Life.RUNNING && !hand.alive) {
        return new Action(What.BURY, hand.lineage, 0);
      }
      if (hand.checking) {
        return new Action(What.PONG, hand.lineage, 1);
      }
      if (hand.laneBusy) {
        return new Action(What.LANE_CALL_ENDS, hand.lineage, 0);
      }
    }
    for (Held one : giveBack ? held : List.<Held>of()) {
      Hand hand = handOf(one.lease());
      if (hand != null && one.lease().equals(hand.lent) && hand.busy) {
        return new Action(What.FINISH, one.lease().sequence(), 0);
      }
      if (!one.runs()) {
        return new Action(What.RETURN, one.lease().sequence(), Verdict.CLEAN.ordinal());
      }
    }
    return null;
  }

  /** After all went well: everybody has an answer, and every slot that should serve does, idle. */
  void checkAllWell() {
    try {
      that(open.isEmpty(), "still waiting: " + open);
      that(state.holdings().isEmpty(), "still lent");
      if (drained) {
        that(finished, "it does not finish");
        return;
      }
      that(!state.isCircuitOpen(), "the circuit stays open");
      int serving = 0;
      for (Slot slot : state.slots()) {
        that(slot.next == null && slot.leaving.isEmpty(), "not all that should go have gone");
        if (slot.current != null) {
          serving++;
          that(slot.current.phase == Phase.IN_LANE, "it does not serve: " + slot.current);
          that(idle.contains(slot.current.lineage), "it is not idle: " + slot.current);
          that(!slot.current.claimed, "it is claimed by nobody: " + slot.current);
        }
      }
      that(serving >= state.min() && serving <= state.max(), "serving: " + serving);
      that(entries.isEmpty() && wanted.isEmpty(), "claims are left in the lane");
    } catch (AssertionError broken) {
      throw new AssertionError(
          broken + "\nafter " + path() + "\n" + state.fingerprint() + "\n" + surroundings(),
          broken);
    }
  }

  /** A duplicate, a stale and a forged return, and a stranger's acknowledgement, change nothing. */
  void checkStrangersAreHarmless() {
    String before = state.fingerprint();
    var strangers = new ArrayList<Lease>(ended);
    strangers.add(new Lease(0, 1, 4711));
    strangers.add(new Lease(7, 1, 1));
    for (Lease lease : strangers) {
      if (known(lease.slot(), lease.generation()) == null
          || !lease.equals(known(lease.slot(), lease.generation()).lent)) {
        for (PoolInput input :
            List.of(
                new PoolInput.Returned(lease, Verdict.BROKEN, Leftover.NOT_OWNED),
                new PoolInput.Acknowledged(lease),
                new PoolInput.Renewed(lease))) {
          PoolState tried = state.copy();
          long stale = tried.staleMessages();
          boolean holds =
              tried.holdings().stream().anyMatch(holding -> holding.lease().equals(lease));
          if (!holds) {
            that(tried.on(input, now).isEmpty(), "a stranger had an effect: " + input);
            that(tried.fingerprint().equals(before), "a stranger changed something: " + input);
            that(tried.staleMessages() == stale + 1, "a stranger was not counted: " + input);
          }
        }
      }
    }
  }

  boolean isFinished() {
    return finished;
  }

  String path() {
    var steps = new ArrayDeque<String>();
    for (Trace one = trace; one != null; one = one.before()) {
      steps.addFirst(one.action().toString());
    }
    return String.join(", ", steps);
  }

  /** The same for models that behave the same from now on. */
  String fingerprint() {
    return state.fingerprint() + surroundings();
  }

  private String surroundings() {
    var text = new StringBuilder(200);
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
    text.append(entries).append(idle).append(members).append(wanted);
    for (Hand hand : hands.values()) {
      text.append('|')
          .append(hand.lineage)
          .append(hand.life.name(), 0, 3)
          .append(hand.generation)
          .append(hand.replace ? 'r' : '-')
          .append(hand.alive ? 'a' : '-')
          .append(hand.checking ? 'c' : '-')
          .append(hand.known ? 'k' : '-')
          .append(hand.used ? 'u' : '-')
          .append(hand.busy ? 'b' : '-')
          .append(hand.laneBusy ? 'l' : '-')
          .append(hand.lent == null ? 0 : hand.lent.sequence());
      for (PoolInput input : hand.out) {
        text.append(input.getClass().getSimpleName(), 0, 3);
      }
    }
    for (Held one : held) {
      text.append('h').append(one.lease().sequence());
    }
    text.append('|').append(open).append(cancelled).append(kinds).append(dirty);
    text.append(drained).append(finished).append(ownerDead);
    text.append(chores).append(faults).append(laneCalls).append(requests);
    return text.toString();
  }
}
