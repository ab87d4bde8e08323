package io.gorgon.pool;

import io.gorgon.pool.ModelWorker.Life;
import io.gorgon.pool.Slot.Member;
import io.gorgon.pool.Slot.Phase;
import io.gorgon.worker.Runner.Leftover;
import java.util.HashSet;
import java.util.List;

/**
 * What must always hold, after every step: the list is {@link #check()}, one method each.
 *
 * <p>What must hold of one effect or one answer is asserted where it happens, in {@link ModelActor}
 * and {@link ModelClients}: nobody is answered twice, nobody is granted a worker after an answer,
 * no worker is handed on that ended dirty or is not idle, nobody waits while the pool drains,
 * nothing follows the end.
 */
final class ModelInvariants {

  private final PoolModel model;
  private final PoolState state;

  ModelInvariants(PoolModel model) {
    this.model = model;
    this.state = model.state;
  }

  void check() {
    countersAreRight();
    noMoreSlotsAreOccupiedThanThereMayBe();
    atMostOneServesInASlot();
    everyMemberHasAWayOn();
    atMostOneLeaseIsOnAnIncarnation();
    aSessionIsBusyExactlyWhileItHasAWorker();
    whoeverHasNoAnswerStandsInTheLineAndNobodyElse();
    everyWaiterWhoseTurnItIsIsServedBySomebody();
    nobodyWaitsInVain();
    theLaneHoldsNoClaimsOfNobody();
    aDrainedPoolFinishes();
  }

  private void countersAreRight() {
    int starting = 0;
    for (Slot slot : state.slots()) {
      that(slot.checkouts >= 0 && slot.failures >= 0, "a counter is negative");
      for (Member member : slot.members()) {
        starting += member.phase == Phase.STARTING ? 1 : 0;
      }
    }
    that(state.starting() == starting, "starting is counted wrongly: " + state.starting());
  }

  private void noMoreSlotsAreOccupiedThanThereMayBe() {
    int occupied = 0;
    for (Slot slot : state.slots()) {
      occupied += slot.isOccupied() ? 1 : 0;
    }
    that(occupied <= state.max(), "more slots than there may be");
  }

  private void atMostOneServesInASlot() {
    for (Slot slot : state.slots()) {
      int serving = 0;
      for (Member member : slot.members()) {
        serving += member.phase.isServing() && member.leaving == null ? 1 : 0;
      }
      that(serving <= 1, "two serve in slot " + slot.number);
    }
  }

  /** Whatever it waits for, there is something outside that will bring it. */
  private void everyMemberHasAWayOn() {
    for (Slot slot : state.slots()) {
      for (Member member : slot.members()) {
        hasAWayOn(slot, member);
      }
    }
  }

  private void hasAWayOn(Slot slot, Member member) {
    ModelWorker worker = model.workers.get(member.lineage);
    that(worker != null, "a member without an actor: " + member);
    boolean going = worker.isGoing();
    boolean dying = going || !worker.alive && worker.life == Life.RUNNING;
    boolean claimed = isClaimed(slot.number, member.generation);
    switch (member.phase) {
      case IN_LANE -> {
        that(dying || claimed || model.lane.isMember(worker), "it is in no lane: " + member);
        if (member.leaving != null || member.checkWanted) {
          that(dying || claimed || model.lane.isWanted(member.lineage), "nobody claims " + member);
        }
      }
      case LEASED -> that(leasesOf(slot, member) == 1, "it is leased to nobody: " + member);
      case CHECKING ->
          that(
              dying || worker.checking || worker.willSay(PoolInput.Checked.class),
              "nobody checks " + member);
      case HIRED ->
          that(dying || worker.willSay(PoolInput.Wanted.class), "it will never ask: " + member);
      case STARTING ->
          that(
              going || worker.life == Life.STARTING || worker.willSay(PoolInput.BecameReady.class),
              "it will never be ready: " + member + " " + worker.life);
      case STOPPING ->
          that(
              dying || worker.life == Life.STOPPING,
              "it will never be gone: " + member + " " + worker.life);
      case WAITING -> that(member.leaving == null, "it waits to leave: " + member);
    }
  }

  private long leasesOf(Slot slot, Member member) {
    return state.holdings().stream()
        .map(PoolState.Holding::lease)
        .filter(lease -> lease.slot() == slot.number && lease.generation() == member.generation)
        .count();
  }

  private void atMostOneLeaseIsOnAnIncarnation() {
    var lent = new HashSet<String>();
    for (PoolState.Holding holding : state.holdings()) {
      Lease lease = holding.lease();
      that(lent.add(ModelActor.incarnation(lease)), "two leases on " + lease);
      Member member = state.slots().get(lease.slot()).byGeneration(lease.generation());
      that(member != null && member.phase != Phase.HIRED, "a lease on nobody: " + holding);
    }
  }

  private void aSessionIsBusyExactlyWhileItHasAWorker() {
    boolean held = false;
    for (PoolState.Holding holding : state.holdings()) {
      if (holding.kind().session().isPresent()) {
        held = true;
        that(
            state.line().isSessionBusy(holding.kind().session().get()),
            "the session has a worker and is not busy");
      }
    }
    that(
        held || !state.line().isSessionBusy(ModelClients.SESSION),
        "the session is busy, and nobody has it");
  }

  private void whoeverHasNoAnswerStandsInTheLineAndNobodyElse() {
    for (long request : model.clients.open()) {
      that(state.line().get(request) != null, "request " + request + " was forgotten");
    }
    for (WaitingLine.Waiter waiter : state.line().all()) {
      that(model.clients.waits(waiter.request()), "waits and was answered: " + waiter);
    }
  }

  private void everyWaiterWhoseTurnItIsIsServedBySomebody() {
    for (WaitingLine.Waiter waiter : state.line().all()) {
      if (state.line().isTurnOf(waiter)) {
        isServedBySomebody(waiter);
      }
    }
  }

  private void isServedBySomebody(WaitingLine.Waiter waiter) {
    if (model.lane.hasEntryOf(waiter.request()) || isClaimedFor(waiter.request())) {
      return;
    }
    Bindings.Binding bound = waiter.kind().session().map(state.bindings()::get).orElse(null);
    that(waiter.kind().affinity().isPinned() && bound != null, "nobody serves " + waiter);
    Slot slot = state.slots().get(bound.slot());
    Member member = slot.byGeneration(bound.generation());
    that(member != null, "pinned to nobody: " + waiter);
    ModelWorker worker = model.workers.get(member.lineage);
    switch (member.phase) {
      case IN_LANE ->
          that(
              !worker.alive
                  || worker.isGoing()
                  || model.lane.isWanted(member.lineage)
                  || isClaimed(slot.number, member.generation),
              "nobody claims the worker of " + waiter);
      case LEASED, CHECKING, STOPPING -> {}
      default -> throw new AssertionError("pinned to one that is " + member + ": " + waiter);
    }
  }

  private void nobodyWaitsInVain() {
    if (state.line().size() == 0) {
      return;
    }
    that(state.isRunning(), "waits while it drains");
    that(!state.isCircuitOpen(), "waits while the circuit is open");
    that(
        state.slots().stream()
            .flatMap(slot -> slot.members().stream())
            .anyMatch(member -> member.leaving == null),
        "waits, and there is nobody to wait for");
  }

  private void theLaneHoldsNoClaimsOfNobody() {
    that(model.lane.entries() <= model.clients.open().size(), "claims of nobody wait in the lane");
    that(model.lane.isEveryIdleOneAMember(), "idle and no member");
  }

  private void aDrainedPoolFinishes() {
    if (model.actor.isDrained()
        && state.slots().stream().allMatch(slot -> slot.members().isEmpty())) {
      that(model.actor.isFinished(), "all are gone and it has not finished");
    }
  }

  private boolean isClaimed(int slot, long generation) {
    return model.mailbox.stream()
        .anyMatch(
            input ->
                input instanceof PoolInput.Claimed claimed
                    && claimed.slot() == slot
                    && claimed.generation() == generation);
  }

  private boolean isClaimedFor(long request) {
    return model.mailbox.stream()
        .anyMatch(
            input -> input instanceof PoolInput.Claimed claimed && claimed.request() == request);
  }

  // ---- and in the end

  /** After all went well: everybody has an answer, and every slot that should serve does, idle. */
  void checkAllWell() {
    that(model.clients.open().isEmpty(), "still waiting: " + model.clients.open());
    that(state.holdings().isEmpty(), "still lent");
    if (model.actor.isDrained()) {
      that(model.actor.isFinished(), "it does not finish");
      return;
    }
    that(!state.isCircuitOpen(), "the circuit stays open");
    int serving = 0;
    for (Slot slot : state.slots()) {
      that(slot.next == null && slot.leaving.isEmpty(), "not all that should go have gone");
      if (slot.current != null) {
        serving++;
        ModelWorker worker = model.workers.get(slot.current.lineage);
        that(slot.current.phase == Phase.IN_LANE, "it does not serve: " + slot.current);
        that(model.lane.isIdle(worker), "it is not idle: " + slot.current);
        that(!slot.current.claimed, "it is claimed by nobody: " + slot.current);
      }
    }
    that(serving >= state.min() && serving <= state.max(), "serving: " + serving);
    that(!model.lane.hasClaims(), "claims are left in the lane");
  }

  /** A duplicate, a stale and a forged return, and a stranger's acknowledgement, change nothing. */
  void checkStrangersAreHarmless() {
    var strangers = new HashSet<Lease>(model.clients.ended());
    strangers.add(new Lease(0, 1, 4711));
    strangers.add(new Lease(7, 1, 1));
    for (Lease lease : strangers) {
      ModelWorker worker = model.workers.of(lease);
      boolean lent = worker != null && lease.equals(worker.lent);
      boolean holds = state.holdings().stream().anyMatch(one -> one.lease().equals(lease));
      if (!lent && !holds) {
        changesNothing(new PoolInput.Returned(lease, Verdict.BROKEN, Leftover.NOT_OWNED));
        changesNothing(new PoolInput.Acknowledged(lease));
        changesNothing(new PoolInput.Renewed(lease));
      }
    }
  }

  private void changesNothing(PoolInput input) {
    PoolState tried = state.copy();
    long stale = tried.staleMessages();
    List<PoolEffect> effects = tried.on(input, model.actor.now());
    that(effects.isEmpty(), "a stranger had an effect: " + input);
    that(tried.fingerprint().equals(state.fingerprint()), "a stranger changed something: " + input);
    that(tried.staleMessages() == stale + 1, "a stranger was not counted: " + input);
  }

  static void that(boolean good, String otherwise) {
    if (!good) {
      throw new AssertionError(otherwise);
    }
  }
}
