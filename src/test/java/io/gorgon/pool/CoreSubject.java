package io.gorgon.pool;

import io.gorgon.message.Call;
import io.gorgon.message.Payload;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.Overloaded;
import io.gorgon.message.PythonFailure.StartFailed;
import io.gorgon.message.WorkerId;
import io.gorgon.worker.BareWorker;
import io.gorgon.worker.Dialogue;
import io.gorgon.worker.PendingCall;
import io.gorgon.worker.Runner;
import io.gorgon.worker.Runner.Leftover;
import io.gorgon.worker.Worker.Fault;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The pure core, {@link PoolState}, with the real {@link Lane} and real runners, in one thread:
 * this does what {@link Pool} and its worker actors do around them.
 */
final class CoreSubject implements Subject {

  /** What decides: the core, or one that was spoilt on purpose. */
  interface Core {
    List<PoolEffect> on(PoolInput input, long time);
  }

  /** A worker actor, as far as it matters here. */
  private static final class Hand {
    final int slot;
    final long lineage;
    long generation;
    boolean starting;
    boolean stopping;
    BareWorker process;
    final Deque<Runnable> news = new ArrayDeque<>();

    Hand(int slot, long lineage) {
      this.slot = slot;
      this.lineage = lineage;
    }

    int code() {
      return (int) (slot * 1000 + generation);
    }

    boolean isOf(int wantedSlot, long wantedGeneration) {
      return slot == wantedSlot && generation == wantedGeneration && process != null;
    }
  }

  private final PoolState state;
  private final Core core;
  private final Lane lane;
  private final TreeMap<Long, Hand> hands = new TreeMap<>();
  private final Deque<PoolInput> mail = new ArrayDeque<>();
  private final Deque<PoolInput> followUps = new ArrayDeque<>();

  private final TreeMap<Integer, String> requests = new TreeMap<>();
  private final Map<Integer, Lease> leases = new HashMap<>();
  private final Map<Integer, PendingCall> submitted = new HashMap<>();
  private final List<PendingCall> calls = new ArrayList<>();
  private final Map<PendingCall, String> ranOn = new HashMap<>();
  private final Set<Lease> holders = new HashSet<>();
  private final List<String> ended = new ArrayList<>();
  private final int[] owners = {0, 1, 2};
  private int ownersSeen = 2;
  private long now = 1_000_000_000;
  private int startMode;
  private boolean finished;

  CoreSubject(boolean lazy, java.util.function.Function<PoolState, Core> spoilt) {
    this.state = new PoolState(Terms.parsedSettings(lazy));
    this.core = spoilt.apply(state);
    this.lane =
        new Lane(
            Terms.CAPACITY,
            1,
            1,
            new Lane.Supervisor() {
              @Override
              public void onClaimed(Runner runner, long request) {
                mail.add(
                    new PoolInput.Claimed(runner.id().slot(), runner.id().generation(), request));
              }

              @Override
              public void onNobodyThere() {
                mail.add(new PoolInput.Pressed(now));
              }
            },
            () -> new Overloaded("told", Terms.CAPACITY, Terms.CAPACITY, ""));
    feed(new PoolInput.Began());
    comeToRest();
  }

  CoreSubject(boolean lazy) {
    this(lazy, state -> state::on);
  }

  // ---- steps

  @Override
  public void apply(Step step) {
    ended.clear();
    int who = step.who();
    int how = step.how();
    switch (step.what()) {
      case ASK -> ask(Terms.kindOfCheckout(how), owners[who], Terms.patience(how), null);
      case SUBMIT -> {
        PendingCall call = newCall();
        submitted.put(requests.size() + 1, call);
        call.roam();
        ask(Terms.kindOfCall(how), 0, Terms.HOUR, call);
      }
      case CALL -> {
        PendingCall call = newCall();
        calls.add(call);
        lane.offer(call);
      }
      case ACKNOWLEDGE -> feed(new PoolInput.Acknowledged(leases.get(who)));
      case RENEW -> feed(new PoolInput.Renewed(leases.get(who)));
      case USE -> {
        Runner runner = runnerOf(leases.get(who));
        if (runner != null) {
          runner.startLeased(leases.get(who), newCall());
        }
      }
      case RETURN -> giveBack(leases.get(who), how);
      case CANCEL -> {
        if (submitted.containsKey(who)) {
          submitted.get(who).cancel("told to");
        }
        feed(new PoolInput.Withdrawn(who));
      }
      case OWNER_DIES -> {
        if (who > 0) {
          feed(new PoolInput.OwnerDied(owners[who]));
          owners[who] = ++ownersSeen;
        }
      }
      case ANSWER -> hand(who).process.answer();
      case EXIT -> dies(hand(who), Fault.WORKER, null);
      case DIES -> hand(who).process.shut();
      case START -> start(hand(who), how);
      case MODE -> startMode = how;
      case TIME -> {
        for (int tick = 0; tick < how; tick++) {
          tick();
          comeToRest();
        }
      }
      case RESIZE -> feed(new PoolInput.Resized(Terms.min(how), Terms.max(how)));
      case RESET -> feed(new PoolInput.ResetWanted());
      case DRAIN -> feed(new PoolInput.DrainWanted(now + Terms.drainTime(how)));
      case END_SESSION -> feed(new PoolInput.SessionEnded(Terms.session(who)));
    }
    comeToRest();
  }

  private void ask(CheckoutKind kind, int owner, long patience, PendingCall call) {
    int request = requests.size() + 1;
    requests.put(request, "waits");
    feed(new PoolInput.Asked(request, kind, owner, now + patience, call != null));
  }

  private void giveBack(Lease lease, int how) {
    Lease given =
        how < 3 ? lease : new Lease(lease.slot(), lease.generation(), lease.sequence() + 1_000);
    holders.remove(given);
    Runner runner = runnerOf(given);
    Leftover leftover = runner == null ? Leftover.NOT_OWNED : runner.reclaim(given);
    feed(new PoolInput.Returned(given, Verdict.values()[how % 3], leftover));
  }

  private PendingCall newCall() {
    return new PendingCall(
        "", Call.of("m:f"), Payload.plain(new byte[] {'1'}), now, now + Terms.HOUR, Dialogue.NONE);
  }

  private void tick() {
    now += Terms.TICK;
    feed(new PoolInput.Ticked());
    lane.expire(now);
    lane.waitingSince().ifPresent(since -> feed(new PoolInput.Pressed(since)));
  }

  private void comeToRest() {
    while (true) {
      Hand speaker =
          hands.values().stream().filter(hand -> !hand.news.isEmpty()).findFirst().orElse(null);
      Hand starting =
          hands.values().stream()
              .filter(hand -> hand.starting)
              .min(Comparator.comparingInt(Hand::code))
              .orElse(null);
      if (!mail.isEmpty()) {
        feed(mail.removeFirst());
      } else if (speaker != null) {
        speaker.news.removeFirst().run();
      } else if (starting != null && startMode != 1) {
        start(starting, startMode == 0 ? 0 : 1);
      } else {
        return;
      }
    }
  }

  // ---- what the actor does

  private void feed(PoolInput input) {
    for (PoolInput next = input; next != null; next = followUps.poll()) {
      for (PoolEffect effect : core.on(next, now)) {
        carryOut(effect);
      }
    }
  }

  private void carryOut(PoolEffect effect) {
    if (effect instanceof PoolEffect.Admit admit) {
      Runner runner = runnerOf(admit.slot(), admit.generation());
      if (runner != null) {
        lane.admit(runner);
      }
    } else if (effect instanceof PoolEffect.ClaimAny claim) {
      Slot.Member current = claim.prefer() < 0 ? null : state.slots().get(claim.prefer()).current;
      Runner preferred = current == null ? null : runnerOf(claim.prefer(), current.generation);
      lane.claimAny(claim.request(), preferred, claim.first());
    } else if (effect instanceof PoolEffect.Unclaim unclaim) {
      lane.unclaim(unclaim.request());
    } else if (effect instanceof PoolEffect.ClaimSlot claim) {
      Runner runner = runnerOf(claim.slot(), claim.generation());
      if (runner != null) {
        lane.claim(runner);
      }
    } else if (effect instanceof PoolEffect.Grant grant) {
      grant((int) grant.request(), grant.lease());
    } else if (effect instanceof PoolEffect.Refuse refuse) {
      answer((int) refuse.request(), "refused " + refuse.refusal().reason());
    } else if (effect instanceof PoolEffect.Settle settle) {
      mail.add(new PoolInput.Unsettled(settle.request(), settle.refusal()));
    } else if (effect instanceof PoolEffect.Reclaim reclaim) {
      holders.remove(reclaim.lease());
      Runner runner = runnerOf(reclaim.lease());
      Leftover leftover = runner == null ? Leftover.NOT_OWNED : runner.reclaim(reclaim.lease());
      followUps.add(new PoolInput.Reclaimed(reclaim.lease(), leftover));
    } else if (effect instanceof PoolEffect.Abandon abandon) {
      Runner runner = runnerOf(abandon.lease());
      if (runner != null) {
        runner.abandonAll(call -> new PythonFailure.Cancelled("m:f", true, abandon.why()));
      }
    } else if (effect instanceof PoolEffect.Hire hire) {
      var hand = new Hand(hire.slot(), hire.lineage());
      hand.news.add(() -> feed(new PoolInput.Wanted(hand.slot, hand.lineage)));
      hands.put(hire.lineage(), hand);
    } else if (effect instanceof PoolEffect.Start start) {
      Hand hand = hands.get(start.lineage());
      hand.generation = start.generation();
      hand.starting = true;
    } else if (effect instanceof PoolEffect.Stop stop) {
      stop(hands.get(stop.lineage()), stop.replace());
    } else if (effect instanceof PoolEffect.Dismiss dismiss) {
      hands.remove(dismiss.lineage());
    } else if (effect instanceof PoolEffect.Check check) {
      Hand hand = hands.get(check.lineage());
      if (!hand.process.runner().isAlive()) {
        return;
      }
      hand.news.add(() -> feed(new PoolInput.Checked(hand.slot, hand.generation, true)));
    } else if (effect instanceof PoolEffect.Break broken) {
      lane.breakWith(broken.failure());
    } else if (effect instanceof PoolEffect.Mend) {
      lane.mend();
    } else if (effect instanceof PoolEffect.CloseLane) {
      lane.close(new PythonFailure.Draining("told", false));
    } else if (effect instanceof PoolEffect.Publish publish) {
      if (publish.event() instanceof PoolEvent.LeaseEnded end) {
        var lease = new Lease(end.worker().slot(), end.worker().generation(), end.lease());
        ended.add(lease + " " + end.how());
      }
    } else if (effect instanceof PoolEffect.Finish) {
      if (finished) {
        throw new AssertionError("finished twice");
      }
      finished = true;
    }
  }

  private void grant(int request, Lease lease) {
    Runner runner = runnerOf(lease);
    if (runner == null || !runner.isOpen() || !runner.lend(lease)) {
      followUps.add(new PoolInput.HandOverFailed(lease, HandOver.Problem.PROCESS_DEAD));
      return;
    }
    PendingCall call = submitted.get(request);
    if (call == null) {
      leases.put(request, lease);
      answer(request, "has " + lease);
    } else if (runner.startLeased(lease, call)) {
      holders.add(lease);
      answer(request, "runs on " + lease.slot() + "." + lease.generation());
    } else {
      throw new AssertionError("not started: " + request);
    }
  }

  private void answer(int request, String outcome) {
    String before = requests.put(request, outcome);
    if (!"waits".equals(before)) {
      throw new AssertionError(request + " was answered twice: " + before + ", " + outcome);
    }
    PendingCall call = submitted.get(request);
    if (call != null && outcome.startsWith("refused")) {
      call.cancel(outcome);
    }
  }

  // ---- what the worker actors do

  private Hand hand(int code) {
    return hands.values().stream()
        .filter(hand -> (hand.starting || hand.process != null) && hand.code() == code)
        .findFirst()
        .orElseThrow();
  }

  private Runner runnerOf(Lease lease) {
    return runnerOf(lease.slot(), lease.generation());
  }

  private Runner runnerOf(int slot, long generation) {
    return hands.values().stream()
        .filter(hand -> hand.isOf(slot, generation))
        .map(hand -> hand.process.runner())
        .findFirst()
        .orElse(null);
  }

  private void start(Hand hand, int how) {
    hand.starting = false;
    if (how == 0) {
      var id = new WorkerId("told", hand.slot, hand.generation);
      hand.process = new BareWorker(id, lane, () -> now, lease -> idle(hand, (Lease) lease));
      feed(new PoolInput.BecameReady(hand.slot, hand.lineage, hand.generation));
      return;
    }
    StartFailed.Kind kind = how == 1 ? StartFailed.Kind.EXITED : StartFailed.Kind.IMPORT;
    dies(hand, Fault.START, new StartFailed(kind, "it", ""));
  }

  private void idle(Hand hand, Lease lease) {
    if (holders.contains(lease)) {
      hand.news.add(() -> giveBack(lease, 0));
    }
  }

  private void dies(Hand hand, Fault fault, StartFailed failure) {
    hand.starting = false;
    if (hand.process != null) {
      hand.process.shut();
    }
    gone(hand, fault, failure, true);
    hand.news.add(() -> feed(new PoolInput.Wanted(hand.slot, hand.lineage)));
  }

  private void stop(Hand hand, boolean replaced) {
    if (hand.stopping) {
      return;
    }
    hand.starting = false;
    hand.stopping = true;
    if (hand.process != null) {
      hand.process.shut();
    }
    hand.news.add(() -> gone(hand, Fault.POOL, null, replaced));
    hand.news.add(
        () ->
            feed(
                replaced
                    ? new PoolInput.Wanted(hand.slot, hand.lineage)
                    : new PoolInput.Vanished(hand.slot, hand.lineage)));
  }

  private void gone(Hand hand, Fault fault, StartFailed failure, boolean replaced) {
    hand.stopping = false;
    if (hand.process != null) {
      hand.process.close();
      lane.remove(hand.process.runner());
      hand.process = null;
    }
    var gone =
        new PoolInput.Gone(
            hand.slot, hand.lineage, hand.generation, fault, failure, List.of(), replaced);
    feed(gone);
    holders.removeIf(lease -> lease.slot() == hand.slot && lease.generation() == hand.generation);
  }

  // ---- looking

  @Override
  public String seen() {
    var requestsSeen = new TreeMap<>(requests);
    submitted.forEach(
        (request, call) -> {
          if (requests.get(request).startsWith("runs") && call.isDone()) {
            requestsSeen.put(request, Seen.outcome(call.answer()));
          }
        });
    var callsSeen = new TreeMap<Integer, String>();
    for (int i = 0; i < calls.size(); i++) {
      PendingCall call = calls.get(i);
      callsSeen.put(i + 1, call.isDone() ? Seen.outcome(call.answer()) : whereIs(call));
    }
    if (finished) {
      return "STOPPED\n" + requestsSeen + "\n" + callsSeen;
    }
    var text = new StringBuilder();
    text.append(state.isDraining() ? "DRAINING" : state.isCircuitOpen() ? "BROKEN" : "RUNNING");
    int ready = 0;
    int leased = 0;
    for (Slot slot : state.slots()) {
      for (Slot.Member member : slot.members()) {
        ready += member.phase.isServing() ? 1 : 0;
        leased += member.phase == Slot.Phase.LEASED ? 1 : 0;
      }
    }
    text.append(
        Seen.figures(
            state.min(),
            state.max(),
            ready,
            leased,
            state.line().size(),
            lane.waiting(),
            state.staleMessages()));
    for (Slot slot : state.slots()) {
      Slot.Member member = slot.current;
      text.append(
          Seen.slot(
              slot.number,
              member == null ? "0 empty" : member.generation + " " + member.phase,
              slot.restarts,
              slot.checkouts,
              slot.cleanReturns,
              slot.failedReturns));
    }
    text.append(requestsSeen).append('\n').append(callsSeen).append('\n');
    return text.append(ended.stream().sorted().toList()).toString();
  }

  private String whereIs(PendingCall call) {
    return hands.values().stream()
        .filter(hand -> hand.process != null && hand.process.has(call))
        .map(hand -> "runs on " + hand.slot + "." + hand.generation)
        .findFirst()
        .orElse("waits");
  }

  @Override
  public void close() {
    // Nothing runs by itself.
  }
}
