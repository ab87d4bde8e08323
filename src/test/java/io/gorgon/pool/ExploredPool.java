package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.PythonFailure.StartFailed;
import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.pool.Slot.Phase;
import io.gorgon.worker.Retirement;
import io.gorgon.worker.Runner.Leftover;
import io.gorgon.worker.Worker.Fault;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A {@link PoolState} with a model of all that stands around it: the lane's idle workers and
 * claims, worker processes, clients. Effects are carried out at once, facts that they lead to are
 * fed in the order in which the actor's mailbox would have them.
 */
final class ExploredPool {

  /** Something that may happen next. */
  record Step(String name, PoolInput input) {}

  /** Which events are tried. */
  enum Family {
    EVERYTHING,
    LEASES,
    LIVES
  }

  private record Process(int slot, long lineage, long generation) {}

  private static final int CLIENTS = 3;
  private static final long SECOND = 1_000_000_000L;

  private final PoolSettings settings;
  private final PoolState state;
  private final Family family;
  private final List<String> history = new ArrayList<>();
  private final Map<Long, Integer> actors = new TreeMap<>();
  private final Map<Long, Process> starting = new TreeMap<>();
  private final Map<Long, Process> running = new TreeMap<>();
  private final Map<Long, Boolean> stopping = new TreeMap<>();
  private final Set<Long> checking = new TreeSet<>();
  private final Set<String> idle = new TreeSet<>();
  private final List<Long> claims = new ArrayList<>();
  private final Map<Long, CheckoutKind> asked = new LinkedHashMap<>();
  private final Set<Long> answered = new TreeSet<>();
  private final Map<Lease, Boolean> held = new LinkedHashMap<>();
  private final List<Lease> ended = new ArrayList<>();
  private final Set<String> dirty = new HashSet<>();
  private final List<PoolInput> mailbox = new ArrayList<>();
  private long now;
  private long requests;
  private boolean drained;
  private boolean finished;

  ExploredPool(PoolSettings settings, Family family) {
    this(settings, new PoolState(settings), family);
    feed(new PoolInput.Began());
    settle();
    if (family == Family.LEASES) {
      for (Process process : List.copyOf(starting.values())) {
        take(new Step("ready " + process, ready(process)));
      }
    }
  }

  private ExploredPool(PoolSettings settings, PoolState state, Family family) {
    this.settings = settings;
    this.state = state;
    this.family = family;
  }

  int depth() {
    return history.size();
  }

  List<String> history() {
    return history;
  }

  // ---- what may happen

  List<Step> steps() {
    List<Step> steps = new ArrayList<>();
    if (family != Family.LIVES) {
      clientSteps(steps);
    } else if (requests < 2) {
      steps.add(ask(requests + 1, CheckoutKind.session("s", Affinity.PINNED), 0, now + 3 * SECOND));
      steps.add(ask(requests + 1, CheckoutKind.anonymous(), 0, now + 3 * SECOND));
    }
    if (family != Family.LEASES) {
      workerSteps(steps);
    } else {
      running.values().stream()
          .limit(1)
          .forEach(
              process ->
                  steps.add(new Step("crash " + process, gone(process, Fault.WORKER, false))));
    }
    checkSteps(steps);
    steps.add(new Step("tick 1s", new PoolInput.Ticked()));
    steps.add(new Step("drain", new PoolInput.DrainWanted(now + 5 * SECOND)));
    return steps;
  }

  private void clientSteps(List<Step> steps) {
    if (requests < CLIENTS + (family == Family.EVERYTHING ? 3 : 0)
        && asked.size() - answered.size() < CLIENTS) {
      long request = requests + 1;
      long until = now + 3 * SECOND;
      steps.add(ask(request, CheckoutKind.anonymous(), 7, until));
      steps.add(ask(request, CheckoutKind.session("s", Affinity.PREFER), 0, until));
      steps.add(ask(request, CheckoutKind.session("s", Affinity.PINNED), 0, until));
      if (family == Family.EVERYTHING) {
        steps.add(ask(request, CheckoutKind.anonymous(), 0, until));
        steps.add(ask(request, CheckoutKind.session("s", Affinity.PINNED_FAIL_FAST), 0, until));
      }
    }
    held.forEach(
        (lease, used) -> {
          if (!used) {
            steps.add(new Step("acknowledge " + lease, new PoolInput.Acknowledged(lease)));
          }
          steps.add(returned(lease, Verdict.CLEAN, Leftover.USED));
          steps.add(returned(lease, Verdict.SUSPECT, Leftover.USED));
          steps.add(returned(lease, Verdict.BROKEN, Leftover.USED));
        });
    if (!ended.isEmpty()) {
      steps.add(returned(ended.get(ended.size() - 1), Verdict.CLEAN, Leftover.NOT_OWNED));
      steps.add(new Step("late ack", new PoolInput.Acknowledged(ended.get(ended.size() - 1))));
    }
    steps.add(returned(new Lease(0, 99, 99), Verdict.BROKEN, Leftover.NOT_OWNED));
    asked.keySet().stream()
        .filter(request -> !answered.contains(request))
        .forEach(r -> steps.add(new Step("cancel " + r, new PoolInput.Withdrawn(r))));
    steps.add(new Step("owner dies", new PoolInput.OwnerDied(7)));
    steps.add(new Step("tick 61s", new PoolInput.Ticked()));
  }

  private void workerSteps(List<Step> steps) {
    starting
        .values()
        .forEach(
            process -> {
              steps.add(new Step("ready " + process, ready(process)));
              steps.add(new Step("start fails " + process, gone(process, Fault.START, false)));
              steps.add(new Step("import fails " + process, gone(process, Fault.START, true)));
            });
    running.forEach(
        (lineage, process) ->
            steps.add(new Step("crash " + process, gone(process, Fault.WORKER, false))));
    running.values().stream()
        .limit(1)
        .forEach(
            process ->
                steps.add(
                    new Step(
                        "retire " + process,
                        new PoolInput.RetireDue(
                            process.slot(), process.generation(), Retirement.Reason.CALLS))));
    steps.add(new Step("reset", new PoolInput.ResetWanted()));
    steps.add(new Step("resize 1", new PoolInput.Resized(1, 1)));
    steps.add(new Step("resize 2", new PoolInput.Resized(2, 2)));
    held.keySet().stream()
        .limit(1)
        .forEach(lease -> steps.add(returned(lease, Verdict.CLEAN, Leftover.BUSY)));
  }

  private void checkSteps(List<Step> steps) {
    stopping
        .keySet()
        .forEach(
            lineage -> {
              Process process = running.getOrDefault(lineage, starting.get(lineage));
              if (process != null) {
                steps.add(new Step("stopped " + process, gone(process, Fault.POOL, false)));
              }
            });
    checking.forEach(
        lineage -> {
          Process process = running.get(lineage);
          if (process != null) {
            steps.add(checked(process, true));
            steps.add(checked(process, false));
          }
        });
  }

  private static Step ask(long request, CheckoutKind kind, long owner, long until) {
    return new Step("ask " + kind, new PoolInput.Asked(request, kind, owner, until, false));
  }

  private static Step returned(Lease lease, Verdict verdict, Leftover leftover) {
    return new Step(
        "return " + lease + " " + verdict + " " + leftover,
        new PoolInput.Returned(lease, verdict, leftover));
  }

  private static Step checked(Process process, boolean well) {
    return new Step(
        "checked " + process + " " + well,
        new PoolInput.Checked(process.slot(), process.generation(), well));
  }

  private static PoolInput ready(Process process) {
    return new PoolInput.BecameReady(process.slot(), process.lineage(), process.generation());
  }

  private PoolInput gone(Process process, Fault fault, boolean permanent) {
    boolean replaced = stopping.getOrDefault(process.lineage(), true);
    StartFailed failure =
        fault == Fault.START
            ? new StartFailed(
                permanent ? StartFailed.Kind.IMPORT : StartFailed.Kind.EXITED, "scripted", "")
            : null;
    return new PoolInput.Gone(
        process.slot(),
        process.lineage(),
        process.generation(),
        fault,
        failure,
        List.of(),
        replaced);
  }

  // ---- taking a step

  void take(Step step) {
    history.add(step.name());
    PoolInput input = step.input();
    if (input instanceof PoolInput.Ticked) {
      now += step.name().equals("tick 1s") ? SECOND : 61 * SECOND;
    } else if (input instanceof PoolInput.Asked ask) {
      requests = ask.request();
      asked.put(ask.request(), ask.kind());
    } else if (input instanceof PoolInput.Returned back && held.containsKey(back.lease())) {
      if (back.verdict() == Verdict.BROKEN || back.leftover() == Leftover.BUSY) {
        dirty.add(back.lease().slot() + "." + back.lease().generation());
      }
      held.remove(back.lease());
      ended.add(back.lease());
    } else if (input instanceof PoolInput.Acknowledged ack && held.containsKey(ack.lease())) {
      held.put(ack.lease(), true);
    } else if (input instanceof PoolInput.BecameReady up) {
      running.put(up.lineage(), starting.remove(up.lineage()));
    } else if (input instanceof PoolInput.Gone gone) {
      onGone(gone);
    } else if (input instanceof PoolInput.Checked check) {
      checking.removeIf(
          lineage ->
              running.get(lineage).generation() == check.generation()
                  && running.get(lineage).slot() == check.slot());
    } else if (input instanceof PoolInput.DrainWanted) {
      drained = true;
    }
    feed(input);
    if (input instanceof PoolInput.Gone gone
        && gone.replaced()
        && actors.containsKey(gone.lineage())) {
      mailbox.add(new PoolInput.Wanted(gone.slot(), gone.lineage()));
    }
    settle();
  }

  private void onGone(PoolInput.Gone gone) {
    starting.remove(gone.lineage());
    running.remove(gone.lineage());
    stopping.remove(gone.lineage());
    checking.remove(gone.lineage());
    idle.remove(gone.slot() + "." + gone.generation());
    if (!gone.replaced()) {
      actors.remove(gone.lineage());
    }
    held.keySet()
        .removeIf(
            lease -> {
              boolean mine = lease.slot() == gone.slot() && lease.generation() == gone.generation();
              if (mine) {
                ended.add(lease);
              }
              return mine;
            });
  }

  private void settle() {
    while (!mailbox.isEmpty()) {
      feed(mailbox.remove(0));
    }
  }

  private void feed(PoolInput input) {
    for (PoolEffect effect : state.on(input, now)) {
      carryOut(effect);
    }
  }

  private void carryOut(PoolEffect effect) {
    if (effect instanceof PoolEffect.Hire hire) {
      actors.put(hire.lineage(), hire.slot());
      mailbox.add(new PoolInput.Wanted(hire.slot(), hire.lineage()));
    } else if (effect instanceof PoolEffect.Start start) {
      assertThat(actors).containsKey(start.lineage());
      starting.put(start.lineage(), new Process(start.slot(), start.lineage(), start.generation()));
    } else if (effect instanceof PoolEffect.Dismiss dismiss) {
      actors.remove(dismiss.lineage());
    } else if (effect instanceof PoolEffect.Stop stop) {
      stopping.put(stop.lineage(), stop.replace());
      idle.remove(name(running.get(stop.lineage())));
    } else if (effect instanceof PoolEffect.Check check) {
      checking.add(check.lineage());
    } else if (effect instanceof PoolEffect.Admit admit) {
      onAdmit(admit.slot() + "." + admit.generation(), admit.slot(), admit.generation());
    } else if (effect instanceof PoolEffect.ClaimAny claim) {
      onClaimAny(claim);
    } else if (effect instanceof PoolEffect.Unclaim unclaim) {
      claims.remove(unclaim.request());
    } else if (effect instanceof PoolEffect.ClaimSlot claim) {
      if (idle.remove(claim.slot() + "." + claim.generation())) {
        mailbox.add(new PoolInput.Claimed(claim.slot(), claim.generation(), 0));
      }
    } else if (effect instanceof PoolEffect.Grant grant) {
      onGrant(grant);
    } else if (effect instanceof PoolEffect.Refuse refuse) {
      assertThat(answered.add(refuse.request())).as("answered once: %s", refuse).isTrue();
    } else if (effect instanceof PoolEffect.Settle settle) {
      mailbox.add(new PoolInput.Unsettled(settle.request(), settle.refusal()));
    } else if (effect instanceof PoolEffect.Reclaim reclaim) {
      onReclaim(reclaim.lease());
    } else if (effect instanceof PoolEffect.Finish) {
      assertThat(finished).as("finished once").isFalse();
      finished = true;
    }
  }

  private void onAdmit(String worker, int slot, long generation) {
    assertThat(dirty).as("a dirty incarnation is not used again").doesNotContain(worker);
    if (claims.isEmpty()) {
      idle.add(worker);
    } else {
      mailbox.add(new PoolInput.Claimed(slot, generation, claims.remove(0)));
    }
  }

  private void onClaimAny(PoolEffect.ClaimAny claim) {
    String preferred =
        idle.stream()
            .filter(worker -> worker.startsWith(claim.prefer() + "."))
            .findFirst()
            .orElse(idle.stream().findFirst().orElse(null));
    if (preferred == null) {
      claims.add(claim.first() ? 0 : claims.size(), claim.request());
      return;
    }
    idle.remove(preferred);
    String[] parts = preferred.split("\\.");
    mailbox.add(
        new PoolInput.Claimed(
            Integer.parseInt(parts[0]), Long.parseLong(parts[1]), claim.request()));
  }

  private void onGrant(PoolEffect.Grant grant) {
    Lease lease = grant.lease();
    String worker = lease.slot() + "." + lease.generation();
    assertThat(answered.add(grant.request())).as("answered once: %s", grant).isTrue();
    assertThat(dirty).doesNotContain(worker);
    assertThat(held.keySet())
        .as("one lease at a time on %s", worker)
        .noneMatch(
            other -> other.slot() == lease.slot() && other.generation() == lease.generation());
    held.put(lease, false);
  }

  private void onReclaim(Lease lease) {
    Boolean used = held.remove(lease);
    if (used == null) {
      mailbox.add(new PoolInput.Reclaimed(lease, Leftover.NOT_OWNED));
      return;
    }
    ended.add(lease);
    if (used) {
      dirty.add(lease.slot() + "." + lease.generation());
    }
    mailbox.add(new PoolInput.Reclaimed(lease, used ? Leftover.BUSY : Leftover.UNUSED));
  }

  private static String name(Process process) {
    return process == null ? "" : process.slot() + "." + process.generation();
  }

  // ---- what must always hold

  void checkInvariants() {
    Set<String> leased = new HashSet<>();
    for (PoolState.Holding holding : state.holdings()) {
      assertThat(leased.add(holding.lease().slot() + "." + holding.lease().generation()))
          .as("one holding on a worker")
          .isTrue();
    }
    assertThat(held.keySet())
        .isEqualTo(
            state.holdings().stream()
                .map(PoolState.Holding::lease)
                .collect(java.util.stream.Collectors.toCollection(java.util.LinkedHashSet::new)));
    int startingMembers = 0;
    int occupied = 0;
    for (Slot slot : state.slots()) {
      occupied += slot.isOccupied() ? 1 : 0;
      for (Slot.Member member : slot.members()) {
        startingMembers += member.phase == Phase.STARTING ? 1 : 0;
        if (member.phase == Phase.LEASED) {
          assertThat(leased).contains(slot.number + "." + member.generation);
        }
        if (member.phase == Phase.IN_LANE && !member.claimed) {
          assertThat(idle).contains(slot.number + "." + member.generation);
        }
      }
    }
    assertThat(occupied).isLessThanOrEqualTo(settings.maxWorkers());
    assertThat(startingMembers).isLessThanOrEqualTo(settings.restart().concurrent());
    assertThat(state.starting()).isEqualTo(startingMembers);
    state
        .line()
        .all()
        .forEach(
            waiter ->
                assertThat(answered).as("no answered one waits").doesNotContain(waiter.request()));
    for (WaitingLine.Waiter waiter : state.line().all()) {
      if (state.line().isTurnOf(waiter) && !waiter.kind().affinity().isPinned()) {
        assertThat(claims).as("%s has a claim", waiter).contains(waiter.request());
      }
    }
    if (drained) {
      assertThat(state.line().size()).isZero();
    }
    assertThat(finished)
        .isEqualTo(drained && state.slots().stream().allMatch(s -> s.members().isEmpty()));
  }

  /** From here on starts succeed, pings are answered, workers end when told, leases come back. */
  void letAllGoWell() {
    for (int round = 0; round < 200; round++) {
      now += SECOND;
      take(new Step("tick 1s", new PoolInput.Ticked()));
      for (Process process : List.copyOf(starting.values())) {
        if (!stopping.containsKey(process.lineage())) {
          take(new Step("ready " + process, ready(process)));
        }
      }
      for (long lineage : List.copyOf(stopping.keySet())) {
        Process process = running.getOrDefault(lineage, starting.get(lineage));
        if (process != null) {
          take(new Step("stopped " + process, gone(process, Fault.POOL, false)));
        }
      }
      for (long lineage : List.copyOf(checking)) {
        Process process = running.get(lineage);
        if (process != null) {
          take(checked(process, true));
        }
      }
      for (Lease lease : List.copyOf(held.keySet())) {
        if (held.containsKey(lease)) {
          take(returned(lease, Verdict.CLEAN, Leftover.USED));
        }
      }
    }
  }

  void checkEndedWell() {
    assertThat(answered).as("everybody was answered").isEqualTo(new TreeSet<>(asked.keySet()));
    assertThat(held).isEmpty();
    if (drained) {
      assertThat(finished).isTrue();
    } else {
      assertThat(state.slots().stream().filter(Slot::isOccupied).count()).isEqualTo(state.min());
      assertThat(idle).hasSize(state.min());
      assertThat(state.isCircuitOpen()).isFalse();
    }
  }

  /** The same for states that differ in nothing that matters for what can follow. */
  String fingerprint() {
    return state.fingerprint()
        + idle
        + claims
        + held
        + answered
        + stopping
        + checking
        + drained
        + actors.keySet()
        + requests;
  }

  ExploredPool copy() {
    var copy = new ExploredPool(settings, state.copy(), family);
    copy.history.addAll(history);
    copy.actors.putAll(actors);
    copy.starting.putAll(starting);
    copy.running.putAll(running);
    copy.stopping.putAll(stopping);
    copy.checking.addAll(checking);
    copy.idle.addAll(idle);
    copy.claims.addAll(claims);
    copy.asked.putAll(asked);
    copy.answered.addAll(answered);
    copy.held.putAll(new HashMap<>(held));
    copy.ended.addAll(ended);
    copy.dirty.addAll(dirty);
    copy.now = now;
    copy.requests = requests;
    copy.drained = drained;
    copy.finished = finished;
    return copy;
  }
}
