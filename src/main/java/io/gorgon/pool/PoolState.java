package io.gorgon.pool;

import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.CheckoutRefused.Reason;
import io.gorgon.message.WorkerId;
import io.gorgon.pool.PoolEffect.Admit;
import io.gorgon.pool.PoolEffect.ClaimAny;
import io.gorgon.pool.PoolEffect.ClaimSlot;
import io.gorgon.pool.PoolEffect.Grant;
import io.gorgon.pool.PoolEffect.Hire;
import io.gorgon.pool.PoolEffect.Publish;
import io.gorgon.pool.PoolEffect.Reclaim;
import io.gorgon.pool.PoolEffect.Refuse;
import io.gorgon.pool.PoolEffect.Settle;
import io.gorgon.pool.PoolEffect.Start;
import io.gorgon.pool.PoolEffect.Stop;
import io.gorgon.pool.PoolEffect.Unclaim;
import io.gorgon.pool.Slot.Member;
import io.gorgon.pool.Slot.Phase;
import io.gorgon.pool.WaitingLine.Waiter;
import io.gorgon.worker.Retirement;
import io.gorgon.worker.Runner.Leftover;
import io.gorgon.worker.Worker.Fault;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * This decides who gets a worker next, and what becomes of each worker. No actors, no clocks, no
 * I/O: the same facts in the same order always give the same decisions, which is how every order of
 * events can be tried by a test. One thread.
 *
 * <pre>
 *   HIRED -> WAITING -> STARTING -> IN_LANE <-> LEASED -> (CHECKING ->) IN_LANE
 *     ^                    |           |           |
 *     +---- restarted -----+-----------+-----------+---> STOPPING -> gone, or HIRED again
 * </pre>
 */
final class PoolState {

  /**
   * What a lease is about.
   *
   * @param waiter who has it
   * @param before the process that its session had before, if any
   */
  record Holding(
      Lease lease,
      Waiter waiter,
      Bindings.@Nullable Binding before,
      boolean acknowledged,
      long until) {

    CheckoutKind kind() {
      return waiter.kind();
    }

    private Holding renewed(long newUntil) {
      return new Holding(lease, waiter, before, true, newUntil);
    }
  }

  /** How long a call that waited counts as a need for more workers, in nanoseconds. */
  private static final long NEED_LASTS = 100_000_000;

  private enum Mode {
    RUNNING,
    DRAINING,
    STOPPED
  }

  private final PoolSettings settings;
  private final List<Slot> slots = new ArrayList<>();
  private final WaitingLine line;
  private final Bindings bindings;
  private final Restarts restarts;
  private final Map<Lease, Holding> holdings = new LinkedHashMap<>();
  private final Deque<WorkerId> resets = new ArrayDeque<>();
  private List<PoolEffect> effects = new ArrayList<>();
  private Mode mode = Mode.RUNNING;
  private boolean circuitOpen;
  private int min;
  private int max;
  private long now;
  private long drainUntil;
  private boolean drainCutShort;
  private long pressedAt = Long.MIN_VALUE;
  private long lineages;
  private long leases;
  private long staleMessages;

  PoolState(PoolSettings settings) {
    this(
        settings,
        new WaitingLine(),
        new Bindings(settings.sessionIdle()),
        new Restarts(settings.restart()));
  }

  private PoolState(PoolSettings settings, WaitingLine line, Bindings bindings, Restarts restarts) {
    this.settings = settings;
    this.line = line;
    this.bindings = bindings;
    this.restarts = restarts;
    this.min = settings.minWorkers();
    this.max = settings.maxWorkers();
  }

  /**
   * Takes in one fact.
   *
   * @param time nanoseconds on a clock that never goes back
   * @return what is to be done, in this order
   */
  List<PoolEffect> on(PoolInput input, long time) {
    now = time;
    effects = new ArrayList<>(4);
    dispatch(input);
    return effects;
  }

  private void dispatch(PoolInput input) {
    if (input instanceof PoolInput.Asked asked) {
      onAsked(asked);
    } else if (input instanceof PoolInput.Claimed claimed) {
      onClaimed(claimed);
    } else if (input instanceof PoolInput.Returned returned) {
      onReturned(returned);
    } else if (input instanceof PoolInput.Acknowledged acknowledged) {
      renew(acknowledged.lease());
    } else if (input instanceof PoolInput.Renewed renewed) {
      renew(renewed.lease());
    } else if (input instanceof PoolInput.Reclaimed reclaimed) {
      onReclaimed(reclaimed);
    } else if (input instanceof PoolInput.Withdrawn withdrawn) {
      onWithdrawn(withdrawn);
    } else if (input instanceof PoolInput.Unsettled unsettled) {
      onUnsettled(unsettled);
    } else if (input instanceof PoolInput.OwnerDied died) {
      onOwnerDied(died);
    } else if (input instanceof PoolInput.HandOverFailed failed) {
      onHandOverFailed(failed);
    } else if (input instanceof PoolInput.SessionEnded ended) {
      onSessionEnded(ended);
    } else if (input instanceof PoolInput.Wanted wanted) {
      onWanted(wanted);
    } else if (input instanceof PoolInput.BecameReady ready) {
      onBecameReady(ready);
    } else if (input instanceof PoolInput.Gone gone) {
      onGone(gone);
    } else if (input instanceof PoolInput.Vanished vanished) {
      onVanished(vanished);
    } else if (input instanceof PoolInput.Checked checked) {
      onChecked(checked);
    } else if (input instanceof PoolInput.RetireDue due) {
      onRetireDue(due);
    } else if (input instanceof PoolInput.Idled idled) {
      onIdled(idled);
    } else if (input instanceof PoolInput.Pressed pressed) {
      onPressed(pressed);
    } else if (input instanceof PoolInput.Ticked) {
      onTicked();
    } else if (input instanceof PoolInput.Resized resized) {
      onResized(resized);
    } else if (input instanceof PoolInput.ResetWanted) {
      onResetWanted();
    } else if (input instanceof PoolInput.DrainWanted wanted) {
      onDrainWanted(wanted);
    } else if (input instanceof PoolInput.Began && settings.eager()) {
      fill(min);
    }
  }

  // ---- asking

  private void onAsked(PoolInput.Asked asked) {
    String problem = asked.kind().problem();
    if (problem != null) {
      refuse(asked.request(), Refusal.of(Reason.INVALID_KIND, problem));
    } else if (mode != Mode.RUNNING) {
      refuse(asked.request(), draining());
    } else if (now - asked.deadline() >= 0) {
      refuse(asked.request(), Refusal.of(Reason.DEADLINE, "the deadline had passed on arrival"));
    } else if (circuitOpen) {
      refuse(asked.request(), noCapacity());
    } else {
      enqueue(asked);
    }
  }

  private void enqueue(PoolInput.Asked asked) {
    var waiter =
        new Waiter(
            asked.request(), asked.kind(), asked.owner(), now, asked.deadline(), asked.runs());
    if (occupied() == 0) {
      fill(Math.max(1, min));
    }
    if (line.add(waiter)) {
      place(waiter, false);
    }
    if (line.get(waiter.request()) == null) {
      return;
    }
    if (asked.kind().affinity() == CheckoutKind.Affinity.PINNED_FAIL_FAST) {
      effects.add(
          new Settle(
              waiter.request(),
              Refusal.of(Reason.WORKER_BUSY, "the session's worker is busy: try again later")));
    } else if (line.size() > settings.queueCapacity()) {
      effects.add(
          new Settle(
              waiter.request(),
              Refusal.of(
                  Reason.QUEUE_FULL,
                  settings.queueCapacity() + " are waiting, which is all that may: " + figures())));
    }
  }

  /** It is the waiter's turn in its session: ask the lane for a worker. */
  private void place(Waiter waiter, boolean first) {
    Bindings.Binding bound = waiter.kind().session().map(bindings::get).orElse(null);
    if (bound == null) {
      effects.add(new ClaimAny(waiter.request(), -1, first));
      return;
    }
    Slot slot = slot(bound.slot());
    Member member = slot == null ? null : slot.byGeneration(bound.generation());
    boolean alive = member != null && member.phase.isServing() && member.leaving == null;
    if (!waiter.kind().affinity().isPinned()) {
      effects.add(new ClaimAny(waiter.request(), alive ? bound.slot() : -1, first));
    } else if (!alive || member == null || slot == null) {
      drop(waiter, Refusal.sessionLost(bound.slot(), bound.generation()));
    } else if (member.phase == Phase.IN_LANE) {
      claim(slot, member);
    }
  }

  private void claim(Slot slot, Member member) {
    if (!member.claimed && member.phase == Phase.IN_LANE) {
      member.claimed = true;
      effects.add(new ClaimSlot(slot.number, member.generation));
    }
  }

  private void onWithdrawn(PoolInput.Withdrawn withdrawn) {
    Waiter waiter = line.get(withdrawn.request());
    if (waiter != null) {
      drop(waiter, Refusal.of(Reason.CANCELLED, "it was withdrawn"));
      return;
    }
    holdings.values().stream()
        .filter(
            holding -> holding.waiter().request() == withdrawn.request() && !holding.acknowledged())
        .findFirst()
        .ifPresent(holding -> effects.add(new Reclaim(holding.lease())));
  }

  private void onUnsettled(PoolInput.Unsettled unsettled) {
    Waiter waiter = line.get(unsettled.request());
    boolean fits =
        unsettled.refusal().reason() == Reason.QUEUE_FULL
            && line.size() <= settings.queueCapacity();
    if (waiter != null && !fits) {
      drop(waiter, unsettled.refusal());
    }
  }

  /** One who waits for the session's process need not have that one any more. */
  private void onSessionEnded(PoolInput.SessionEnded ended) {
    if (bindings.get(ended.key()) != null) {
      bindings.forget(ended.key());
      line.turnOf(ended.key())
          .filter(waiter -> waiter.kind().affinity().isPinned())
          .ifPresent(waiter -> place(waiter, false));
    }
  }

  private void onOwnerDied(PoolInput.OwnerDied died) {
    for (Waiter waiter : List.copyOf(line.all())) {
      if (waiter.owner() == died.owner()) {
        drop(waiter, Refusal.of(Reason.OWNER_DEAD, "its owner stopped"));
      }
    }
    for (Holding holding : List.copyOf(holdings.values())) {
      if (holding.waiter().owner() == died.owner()) {
        effects.add(new PoolEffect.Abandon(holding.lease(), "its owner stopped"));
        effects.add(new Reclaim(holding.lease()));
      }
    }
  }

  /** Refuses one who waits still; to drop one may let the next of its session drop too. */
  private void drop(Waiter waiter, Refusal refusal) {
    if (line.get(waiter.request()) == null) {
      return;
    }
    effects.add(new Unclaim(waiter.request()));
    refuse(waiter.request(), refusal);
    line.remove(waiter).ifPresent(next -> place(next, false));
  }

  private void refuse(long request, Refusal refusal) {
    effects.add(new Refuse(request, refusal));
  }

  // ---- handing over

  private void onClaimed(PoolInput.Claimed claimed) {
    Slot slot = slot(claimed.slot());
    Member member = slot == null ? null : slot.byGeneration(claimed.generation());
    Waiter waiter = line.get(claimed.request());
    if (slot == null || member == null || member.phase != Phase.IN_LANE) {
      staleMessages++;
      if (waiter != null) {
        place(waiter, true);
      }
      return;
    }
    // It is out of the lane, for whomever: a claim of it by name has nothing left to wait for.
    member.claimed = false;
    if (waiter != null && now - waiter.deadline() >= 0) {
      drop(waiter, tooLate());
      waiter = null;
    }
    boolean wantedElsewhere = member.leaving != null || member.checkWanted;
    if (waiter != null && wantedElsewhere) {
      place(waiter, true);
    }
    if (wantedElsewhere || waiter == null || !line.isTurnOf(waiter)) {
      dispose(slot, member);
    } else {
      grant(waiter, slot, member);
    }
  }

  /** Decides about a worker that is out of the lane and idle. */
  private void dispose(Slot slot, Member member) {
    if (member.leaving != null) {
      stop(member, member.leaving, true, false);
      return;
    }
    if (member.checkWanted) {
      member.checkWanted = false;
      member.phase = Phase.CHECKING;
      effects.add(new PoolEffect.Check(member.lineage));
      return;
    }
    Waiter pinned = pinnedTo(slot, member);
    if (pinned != null) {
      grant(pinned, slot, member);
      return;
    }
    member.phase = Phase.IN_LANE;
    effects.add(new Admit(slot.number, member.generation));
  }

  private @Nullable Waiter pinnedTo(Slot slot, Member member) {
    for (Waiter waiter : line.all()) {
      Bindings.Binding bound =
          waiter.kind().affinity().isPinned()
              ? waiter.kind().session().map(bindings::get).orElse(null)
              : null;
      if (bound != null
          && bound.slot() == slot.number
          && bound.generation() == member.generation
          && now - waiter.deadline() < 0
          && line.isTurnOf(waiter)) {
        return waiter;
      }
    }
    return null;
  }

  private void grant(Waiter waiter, Slot slot, Member member) {
    var lease = new Lease(slot.number, member.generation, ++leases);
    member.phase = Phase.LEASED;
    slot.checkouts++;
    line.remove(waiter);
    String key = waiter.kind().session().orElse(null);
    Bindings.Binding before = key == null ? null : bindings.get(key);
    if (key != null) {
      line.sessionBusy(key);
      bindings.bind(key, slot.number, member.generation, now);
    }
    long patience = waiter.runs() ? Long.MAX_VALUE / 4 : settings.acknowledgeTimeout().toNanos();
    holdings.put(lease, new Holding(lease, waiter, before, waiter.runs(), now + patience));
    effects.add(new Unclaim(waiter.request()));
    effects.add(new Grant(waiter.request(), lease));
  }

  /** The worker was unfit, or its holder-to-be is gone. */
  private void onHandOverFailed(PoolInput.HandOverFailed failed) {
    Holding holding = holdings.remove(failed.lease());
    Slot slot = slot(failed.lease().slot());
    if (holding == null || slot == null) {
      staleMessages++;
      return;
    }
    slot.checkouts--;
    Waiter waiter = holding.waiter();
    String key = waiter.kind().session().orElse(null);
    boolean hadThisOne = holding.before() != null && holding.before().isOf(failed.lease());
    if (key != null) {
      line.sessionFree(key);
      bindings.restore(key, holding.before());
    }
    boolean ownerDead = failed.problem() == HandOver.Problem.OWNER_DEAD;
    Member member = slot.byGeneration(failed.lease().generation());
    if (member != null && member.phase == Phase.LEASED) {
      if (ownerDead) {
        dispose(slot, member);
      } else {
        stop(member, "unfit at the hand-over: " + failed.problem(), false, member.leaving == null);
      }
    }
    if (ownerDead) {
      refuse(waiter.request(), Refusal.of(Reason.OWNER_DEAD, "its owner stopped"));
    } else if (mode != Mode.RUNNING) {
      refuse(waiter.request(), draining());
    } else if (waiter.kind().affinity().isPinned() && hadThisOne) {
      refuse(
          waiter.request(),
          Refusal.sessionLost(failed.lease().slot(), failed.lease().generation()));
    } else {
      // It was its turn before, so it still is.
      line.addFirst(waiter);
      place(waiter, true);
      return;
    }
    if (key != null) {
      line.turnOf(key).ifPresent(next -> place(next, false));
    }
  }

  // ---- leases

  private void renew(Lease lease) {
    Holding holding = holdings.get(lease);
    if (holding == null) {
      staleMessages++;
      return;
    }
    if (!holding.waiter().runs()) {
      holdings.put(lease, holding.renewed(now + settings.leaseTtl().toNanos()));
    }
  }

  private void onReturned(PoolInput.Returned returned) {
    if (!holdings.containsKey(returned.lease()) || returned.leftover() == Leftover.NOT_OWNED) {
      // Given back before, revoked, or its worker is gone, which is told by itself.
      staleMessages++;
      return;
    }
    boolean broken = returned.verdict() == Verdict.BROKEN || returned.leftover() == Leftover.BUSY;
    endLease(
        returned.lease(),
        broken ? "returned broken" : "returned " + returned.verdict(),
        broken,
        returned.verdict() == Verdict.SUSPECT);
  }

  private void onReclaimed(PoolInput.Reclaimed reclaimed) {
    if (holdings.containsKey(reclaimed.lease())) {
      boolean unused = reclaimed.leftover() == Leftover.UNUSED;
      endLease(reclaimed.lease(), unused ? "revoked unused" : "revoked in use", !unused, false);
    }
  }

  private void endLease(Lease lease, String how, boolean broken, boolean suspect) {
    Holding holding = java.util.Objects.requireNonNull(holdings.remove(lease));
    Slot slot = java.util.Objects.requireNonNull(slot(lease.slot()));
    Member member = slot.byGeneration(lease.generation());
    if (!holding.waiter().runs()) {
      publish(new PoolEvent.LeaseEnded(worker(slot, lease.generation()), lease.sequence(), how));
    }
    if (broken) {
      slot.failedReturns++;
    } else {
      slot.cleanReturns++;
    }
    Optional<Waiter> next = holding.kind().session().flatMap(line::sessionFree);
    if (member != null && member.phase == Phase.LEASED) {
      if (broken) {
        stop(member, how, false, member.leaving == null);
      } else {
        member.checkWanted |= suspect;
        dispose(slot, member);
      }
    }
    // Unless it has been served by that very worker.
    next.filter(waiter -> line.get(waiter.request()) != null)
        .ifPresent(waiter -> place(waiter, false));
  }

  private void onChecked(PoolInput.Checked checked) {
    Slot slot = slot(checked.slot());
    Member member = slot == null ? null : slot.byGeneration(checked.generation());
    if (slot == null || member == null || member.phase != Phase.CHECKING) {
      staleMessages++;
    } else if (checked.answered()) {
      dispose(slot, member);
    } else {
      stop(member, "it did not answer a ping", false, member.leaving == null);
    }
  }

  // ---- workers come and go

  private void onWanted(PoolInput.Wanted wanted) {
    Slot slot = slot(wanted.slot());
    Member member = slot == null ? null : slot.byLineage(wanted.lineage());
    if (slot == null || member == null || member.leaving != null || mode != Mode.RUNNING) {
      effects.add(new PoolEffect.Dismiss(wanted.lineage()));
      if (slot != null && member != null) {
        slot.remove(member);
        finishIfEmpty();
      }
      return;
    }
    member.phase = Phase.WAITING;
    member.generation = 0;
    startWhatMay();
  }

  private void startWhatMay() {
    for (Slot slot : slots) {
      for (Member member : slot.members()) {
        if (member.phase != Phase.WAITING || !restarts.permits(slot, now)) {
          continue;
        }
        if (member.growth && slot.lastGeneration == 0 && occupied() > min && needHasPassed()) {
          slot.remove(member);
          effects.add(new PoolEffect.Dismiss(member.lineage));
          continue;
        }
        member.phase = Phase.STARTING;
        member.generation = ++slot.lastGeneration;
        restarts.onStart(slot, now);
        publish(new PoolEvent.WorkerStarting(worker(slot, member.generation)));
        effects.add(new Start(member.lineage, slot.number, member.generation));
      }
    }
  }

  private boolean needHasPassed() {
    long patience = Math.max(NEED_LASTS, 2 * settings.growAfter().toNanos());
    return line.size() == 0 && now - pressedAt > patience;
  }

  private void onBecameReady(PoolInput.BecameReady ready) {
    Slot slot = slot(ready.slot());
    Member member = slot == null ? null : slot.byLineage(ready.lineage());
    if (slot == null || member == null || member.phase != Phase.STARTING) {
      staleMessages++;
      return;
    }
    restarts.onReady(slot);
    member.readyAt = now;
    if (circuitOpen) {
      circuitOpen = false;
      effects.add(new PoolEffect.Mend());
      publish(new PoolEvent.CircuitClosed(settings.name()));
    }
    if (member == slot.next) {
      Member old = slot.current;
      slot.current = member;
      slot.next = null;
      if (old != null) {
        leave(slot, old, "replaced");
      }
    }
    member.phase = Phase.IN_LANE;
    if (member.leaving != null) {
      stop(member, member.leaving, true, false);
    } else {
      effects.add(new Admit(slot.number, member.generation));
    }
    nextReset();
    startWhatMay();
  }

  /** Sends a worker away as soon as nobody uses it. */
  private void leave(Slot slot, Member member, String why) {
    member.leaving = why;
    if (slot.current == member) {
      slot.current = null;
    }
    if (slot.next == member) {
      slot.next = null;
    }
    if (!slot.leaving.contains(member)) {
      slot.leaving.add(member);
    }
    switch (member.phase) {
      case IN_LANE -> claim(slot, member);
      case STARTING -> {
        restarts.onStartStopped();
        stop(member, why, false, false);
      }
      case WAITING -> {
        effects.add(new PoolEffect.Dismiss(member.lineage));
        slot.remove(member);
      }
      case HIRED, LEASED, CHECKING, STOPPING -> {
        // It is dealt with when it asks, comes back, answers, or is gone.
      }
    }
  }

  private void stop(Member member, String cause, boolean graceful, boolean replace) {
    member.phase = Phase.STOPPING;
    effects.add(new Stop(member.lineage, cause, graceful, replace));
  }

  private void onGone(PoolInput.Gone gone) {
    Slot slot = slot(gone.slot());
    Member member = slot == null ? null : slot.byLineage(gone.lineage());
    if (slot == null || member == null || member.generation != gone.generation()) {
      staleMessages++;
      return;
    }
    boolean wasStarting = member.phase == Phase.STARTING;
    account(slot, gone, wasStarting);
    member.phase = Phase.HIRED;
    member.claimed = false;
    member.checkWanted = false;
    endLeasesOf(slot, gone.generation());
    if (!gone.replaced()) {
      boolean wasNext = member == slot.next;
      slot.remove(member);
      if (wasNext && mode == Mode.RUNNING) {
        slot.next = hire(slot, false);
      } else if (slot.current == null) {
        slot.current = slot.next;
        slot.next = null;
      }
    } else if (member.leaving == null) {
      slot.restarts++;
      if (member == slot.current && slot.next != null) {
        // Its successor is on the way: that one takes the place.
        Member successor = slot.next;
        leave(slot, member, "its successor takes over");
        slot.current = successor;
        slot.next = null;
      }
    }
    openCircuitIfNoneServes();
    if (mode == Mode.RUNNING) {
      fill(min);
      nextReset();
      startWhatMay();
    }
    finishIfEmpty();
  }

  private void onVanished(PoolInput.Vanished vanished) {
    Slot slot = slot(vanished.slot());
    Member member = slot == null ? null : slot.byLineage(vanished.lineage());
    if (slot != null && member != null) {
      onGone(
          new PoolInput.Gone(
              vanished.slot(),
              vanished.lineage(),
              member.generation,
              Fault.WORKER,
              null,
              List.of(),
              false));
    }
  }

  private void endLeasesOf(Slot slot, long generation) {
    for (Holding holding : List.copyOf(holdings.values())) {
      Lease lease = holding.lease();
      if (lease.slot() == slot.number && lease.generation() == generation) {
        holdings.remove(lease);
        slot.failedReturns++;
        publish(
            new PoolEvent.LeaseEnded(
                worker(slot, generation), lease.sequence(), "its worker is gone"));
        holding.kind().session().flatMap(line::sessionFree).ifPresent(next -> place(next, false));
      }
    }
    for (Waiter waiter : List.copyOf(line.all())) {
      if (waiter.kind().affinity().isPinned() && line.isTurnOf(waiter)) {
        Bindings.Binding bound = waiter.kind().session().map(bindings::get).orElse(null);
        if (bound != null && bound.slot() == slot.number && bound.generation() == generation) {
          drop(waiter, Refusal.sessionLost(slot.number, generation));
        }
      }
    }
  }

  private void account(Slot slot, PoolInput.Gone gone, boolean wasStarting) {
    long rest = 0;
    if (wasStarting && gone.fault() == Fault.POOL) {
      restarts.onStartStopped();
    } else if (wasStarting) {
      rest = restarts.onStartFailed(slot, gone.failure(), gone.tail(), now);
    } else if (gone.fault() == Fault.WORKER) {
      rest = restarts.onCrash(slot, gone.tail(), now);
    }
    if (rest > 0 && (slot.quarantined || slot.isFailing(Restarts.PATIENCE))) {
      publish(
          new PoolEvent.SlotQuarantined(
              settings.name(),
              slot.number,
              rest / 1_000_000,
              gone.failure() == null ? "it keeps crashing" : gone.failure().kind().toString()));
    }
  }

  private void openCircuitIfNoneServes() {
    if (circuitOpen || mode != Mode.RUNNING || occupied() == 0) {
      return;
    }
    boolean hopeless = true;
    for (Slot slot : slots) {
      for (Member member : slot.members()) {
        if (member.phase.isServing()) {
          return;
        }
      }
      boolean sure = slot.lastFailure != null && slot.lastFailure.kind().permanent();
      if (sure) {
        hopeless = true;
        break;
      }
      hopeless &=
          !slot.isOccupied()
              || slot.isFailing(Restarts.PATIENCE)
              || (slot.failures > 0 && restarts.failuresInARow() >= Restarts.PATIENCE);
    }
    if (hopeless) {
      circuitOpen = true;
      PythonFailure failure = circuitFailure();
      effects.add(new PoolEffect.Break(failure));
      publish(new PoolEvent.CircuitOpened(settings.name(), String.valueOf(failure.getMessage())));
      for (Waiter waiter : List.copyOf(line.all())) {
        drop(waiter, noCapacity());
      }
    }
  }

  /** What callers are told while the circuit is open. */
  private PythonFailure circuitFailure() {
    for (Slot slot : slots) {
      if (slot.lastFailure != null && slot.lastFailure.kind().permanent()) {
        return slot.lastFailure;
      }
    }
    for (Slot slot : slots) {
      if (slot.lastFailure != null) {
        return new PythonFailure.NoCapacity(
            settings.name(),
            "every worker fails to start; the last: " + slot.lastFailure.getMessage(),
            slot.lastTail);
      }
    }
    List<String> tail = slots.stream().map(slot -> slot.lastTail).findFirst().orElse(List.of());
    return new PythonFailure.NoCapacity(settings.name(), "every worker keeps crashing", tail);
  }

  private Refusal noCapacity() {
    return Refusal.of(Reason.NO_CAPACITY, String.valueOf(circuitFailure().getMessage()));
  }

  // ---- size

  private void fill(int wanted) {
    for (int number = 0; number < max && occupied() < wanted; number++) {
      hireInto(number, false);
    }
  }

  private void hireInto(int number, boolean growth) {
    while (slots.size() <= number) {
      slots.add(new Slot(slots.size()));
    }
    Slot slot = slots.get(number);
    if (!slot.isOccupied() && slot.next == null) {
      slot.current = hire(slot, growth);
    }
  }

  private Member hire(Slot slot, boolean growth) {
    effects.add(new Hire(slot.number, ++lineages));
    return new Member(lineages, growth);
  }

  private void onPressed(PoolInput.Pressed pressed) {
    pressedAt = now;
    grow(pressed.since());
  }

  private void grow(long since) {
    if (mode != Mode.RUNNING || circuitOpen) {
      return;
    }
    if (occupied() == 0) {
      fill(Math.max(1, min));
    } else if (now - since >= settings.growAfter().toNanos()
        && occupied() < max
        && slots.stream().allMatch(slot -> slot.current == null || isServing(slot.current))) {
      for (int number = 0; number < max; number++) {
        if (number >= slots.size() || !slots.get(number).isOccupied()) {
          pressedAt = now;
          hireInto(number, true);
          return;
        }
      }
    }
  }

  private static boolean isServing(Member member) {
    return member.phase.isServing() || member.phase == Phase.STOPPING;
  }

  private void onIdled(PoolInput.Idled idled) {
    Slot slot = slot(idled.slot());
    Member member = slot == null ? null : slot.byGeneration(idled.generation());
    if (slot == null || member == null || member.phase != Phase.IN_LANE || member.claimed) {
      return;
    }
    if (idled.step() == PoolInput.IdleStep.CHECK) {
      member.checkWanted = true;
      claim(slot, member);
    } else if (occupied() > min && slot.next == null) {
      publish(new PoolEvent.WorkerRetiring(worker(slot, member.generation), "IDLE"));
      leave(slot, member, "idle");
    }
  }

  private void onResized(PoolInput.Resized resized) {
    min = resized.min();
    max = resized.max();
    publish(new PoolEvent.PoolResized(settings.name(), min, max));
    for (int number = slots.size() - 1; number >= 0 && occupied() > max; number--) {
      Slot slot = slots.get(number);
      for (Member member : slot.members()) {
        if (member.leaving == null) {
          leave(slot, member, "resized");
        }
      }
    }
    if (mode == Mode.RUNNING && (settings.eager() || occupied() > 0)) {
      fill(min);
    }
    startWhatMay();
  }

  private void onRetireDue(PoolInput.RetireDue due) {
    Slot slot = slot(due.slot());
    if (slot == null
        || mode != Mode.RUNNING
        || slot.current == null
        || slot.current.generation != due.generation()
        || slot.next != null
        || !(slot.current.phase.isServing() || slot.current.phase == Phase.STARTING)) {
      return;
    }
    publish(new PoolEvent.WorkerRetiring(worker(slot, due.generation()), due.reason().toString()));
    slot.next = hire(slot, false);
  }

  private void onResetWanted() {
    resets.clear();
    for (Slot slot : slots) {
      if (slot.current != null && slot.current.phase.isServing()) {
        resets.add(worker(slot, slot.current.generation));
      } else if (slot.current != null && slot.current.phase == Phase.STARTING) {
        resets.add(worker(slot, slot.current.generation));
      }
      if (slot.next != null && slot.next.generation > 0) {
        // A successor that has started already may have seen what was there before.
        resets.add(worker(slot, slot.next.generation));
      }
    }
    nextReset();
  }

  /** One at a time, each replaced by a ready one, so that no capacity is missing. */
  private void nextReset() {
    boolean underWay = slots.stream().anyMatch(slot -> slot.next != null);
    while (!underWay && !resets.isEmpty()) {
      WorkerId worker = resets.poll();
      Slot slot = slots.get(worker.slot());
      onRetireDue(
          new PoolInput.RetireDue(worker.slot(), worker.generation(), Retirement.Reason.RESET));
      underWay = slot.next != null;
    }
  }

  // ---- time

  private void onTicked() {
    for (Waiter waiter : line.overdue(now)) {
      drop(waiter, tooLate());
    }
    for (Holding holding : List.copyOf(holdings.values())) {
      if (now - holding.until() >= 0) {
        if (holding.acknowledged()) {
          effects.add(new PoolEffect.Abandon(holding.lease(), "its lease expired"));
        }
        effects.add(new Reclaim(holding.lease()));
      }
    }
    line.all().stream()
        .filter(this::anyWorkerWouldDo)
        .findFirst()
        .ifPresent(waiter -> grow(waiter.since()));
    bindings.sweep(now, key -> line.isSessionBusy(key) || line.turnOf(key).isPresent());
    retireAged();
    if (mode == Mode.DRAINING && !drainCutShort && now - drainUntil >= 0) {
      drainCutShort = true;
      stopAll();
    } else if (mode == Mode.RUNNING) {
      startWhatMay();
    }
  }

  /** Not for one who waits for its session's process, or for its session's turn. */
  private boolean anyWorkerWouldDo(Waiter waiter) {
    boolean hasItsOwn =
        waiter.kind().affinity().isPinned()
            && waiter.kind().session().map(bindings::get).isPresent();
    return !hasItsOwn && line.isTurnOf(waiter);
  }

  private Refusal tooLate() {
    return Refusal.of(Reason.DEADLINE, "no worker became free in time; " + figures());
  }

  private void retireAged() {
    if (settings.maxAge().isZero()) {
      return;
    }
    for (Slot slot : slots) {
      Member member = slot.current;
      if (member != null
          && member.phase.isServing()
          && now - member.readyAt >= settings.maxAge().toNanos()) {
        onRetireDue(new PoolInput.RetireDue(slot.number, member.generation, Retirement.Reason.AGE));
      }
    }
  }

  // ---- the end

  private void onDrainWanted(PoolInput.DrainWanted wanted) {
    if (mode != Mode.RUNNING) {
      drainUntil = Math.min(drainUntil, wanted.deadline());
      return;
    }
    mode = Mode.DRAINING;
    drainUntil = wanted.deadline();
    publish(new PoolEvent.PoolDraining(settings.name()));
    effects.add(new PoolEffect.CloseLane());
    for (Waiter waiter : List.copyOf(line.all())) {
      drop(waiter, draining());
    }
    for (Slot slot : slots) {
      for (Member member : slot.members()) {
        leave(slot, member, "drained");
      }
    }
    finishIfEmpty();
  }

  private void stopAll() {
    for (Slot slot : slots) {
      for (Member member : slot.members()) {
        if (member.phase != Phase.HIRED) {
          stop(member, "the drain's time was up", false, false);
        }
      }
    }
  }

  private void finishIfEmpty() {
    if (mode == Mode.DRAINING && slots.stream().allMatch(slot -> slot.members().isEmpty())) {
      mode = Mode.STOPPED;
      effects.add(new PoolEffect.Finish());
    }
  }

  private Refusal draining() {
    return mode == Mode.STOPPED
        ? Refusal.of(Reason.STOPPED, "it has stopped")
        : Refusal.of(Reason.DRAINING, "it takes nothing new");
  }

  // ---- looking

  private int occupied() {
    int count = 0;
    for (Slot slot : slots) {
      if (slot.isOccupied()) {
        count++;
      }
    }
    return count;
  }

  private @Nullable Slot slot(int number) {
    return number >= 0 && number < slots.size() ? slots.get(number) : null;
  }

  private WorkerId worker(Slot slot, long generation) {
    return new WorkerId(settings.name(), slot.number, generation);
  }

  private void publish(PoolEvent event) {
    effects.add(new Publish(event));
  }

  /** Workers by what they do, for messages. */
  String figures() {
    int serving = 0;
    int leased = 0;
    int starting = 0;
    for (Slot slot : slots) {
      for (Member member : slot.members()) {
        serving += member.phase.isServing() ? 1 : 0;
        leased += member.phase == Phase.LEASED ? 1 : 0;
        starting += member.phase == Phase.STARTING ? 1 : 0;
      }
    }
    return serving
        + " workers ready ("
        + leased
        + " leased), "
        + starting
        + " starting, at most "
        + max;
  }

  List<Slot> slots() {
    return slots;
  }

  Collection<Holding> holdings() {
    return holdings.values();
  }

  WaitingLine line() {
    return line;
  }

  Bindings bindings() {
    return bindings;
  }

  /** Processes that are starting, as the bound on starts counts them. */
  int starting() {
    return restarts.starting();
  }

  boolean isCircuitOpen() {
    return circuitOpen;
  }

  boolean isDraining() {
    return mode == Mode.DRAINING;
  }

  boolean isRunning() {
    return mode == Mode.RUNNING;
  }

  int min() {
    return min;
  }

  int max() {
    return max;
  }

  /** Messages that came too late, or were about nobody. */
  long staleMessages() {
    return staleMessages;
  }

  /** The same for two states that decide alike from now on; times count from now. */
  String fingerprint() {
    var text = new StringBuilder(200);
    text.append(mode.name(), 0, 2).append(circuitOpen ? '!' : '.').append(min).append(max);
    text.append(mode == Mode.DRAINING && !drainCutShort ? drainUntil - now : 0).append(resets);
    text.append(restarts.fingerprint(now));
    slots.forEach(slot -> slot.describe(text, now));
    line.describe(text, now);
    bindings.describe(text);
    for (Holding holding : holdings.values()) {
      text.append('|').append(holding.lease()).append('=').append(holding.waiter().request());
      text.append(holding.acknowledged()).append(holding.until() - now);
    }
    return text.toString();
  }

  /** An independent copy, for trying what would follow. */
  PoolState copy() {
    var copy = new PoolState(settings, line.copy(), bindings.copy(), restarts.copy());
    slots.forEach(slot -> copy.slots.add(slot.copy()));
    copy.holdings.putAll(holdings);
    copy.resets.addAll(resets);
    copy.mode = mode;
    copy.circuitOpen = circuitOpen;
    copy.min = min;
    copy.max = max;
    copy.now = now;
    copy.drainUntil = drainUntil;
    copy.drainCutShort = drainCutShort;
    copy.pressedAt = pressedAt;
    copy.lineages = lineages;
    copy.leases = leases;
    copy.staleMessages = staleMessages;
    return copy;
  }
}
