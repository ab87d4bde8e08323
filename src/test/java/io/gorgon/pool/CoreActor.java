package io.gorgon.pool;

import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.Overloaded;
import io.gorgon.message.PythonFailure.StartFailed;
import io.gorgon.message.WorkerId;
import io.gorgon.worker.BareWorker;
import io.gorgon.worker.PendingCall;
import io.gorgon.worker.Runner;
import io.gorgon.worker.Runner.Leftover;
import io.gorgon.worker.Worker.Fault;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;

/** What {@link Pool} and its worker actors do around a {@link PoolState}, in one thread. */
abstract class CoreActor {

  /** A worker actor, as far as it matters here. */
  static final class Hand {
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

  final PoolState state;
  final Lane lane;
  final TreeMap<Long, Hand> hands = new TreeMap<>();

  /** What the actor has sent to itself, or the lane to it. */
  final Deque<PoolInput> mail = new ArrayDeque<>();

  final TreeMap<Integer, String> requests = new TreeMap<>();
  final Map<Integer, Lease> leases = new HashMap<>();
  final Map<Integer, PendingCall> submitted = new HashMap<>();
  final List<String> ended = new ArrayList<>();
  long now = 1_000_000_000;
  boolean finished;

  private final CoreSubject.Core core;
  private final Deque<PoolInput> followUps = new ArrayDeque<>();

  /** The leases of session calls, which end with them. */
  private final Set<Lease> holders = new HashSet<>();

  CoreActor(boolean lazy, Function<PoolState, CoreSubject.Core> spoilt) {
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
  }

  // ---- what the actor does

  void feed(PoolInput input) {
    for (PoolInput next = input; next != null; next = followUps.poll()) {
      for (PoolEffect effect : core.on(next, now)) {
        carryOut(effect);
      }
    }
  }

  void carryOut(PoolEffect effect) {
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

  void grant(int request, Lease lease) {
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

  void answer(int request, String outcome) {
    String before = requests.put(request, outcome);
    if (!"waits".equals(before)) {
      throw new AssertionError(request + " was answered twice: " + before + ", " + outcome);
    }
    PendingCall call = submitted.get(request);
    if (call != null && outcome.startsWith("refused")) {
      call.cancel(outcome);
    }
  }

  void giveBack(Lease lease, int how) {
    Lease given =
        how < 3 ? lease : new Lease(lease.slot(), lease.generation(), lease.sequence() + 1_000);
    holders.remove(given);
    Runner runner = runnerOf(given);
    Leftover leftover = runner == null ? Leftover.NOT_OWNED : runner.reclaim(given);
    feed(new PoolInput.Returned(given, Verdict.values()[how % 3], leftover));
  }

  // ---- what the worker actors do

  Hand hand(int code) {
    return hands.values().stream()
        .filter(hand -> (hand.starting || hand.process != null) && hand.code() == code)
        .findFirst()
        .orElseThrow();
  }

  Runner runnerOf(Lease lease) {
    return runnerOf(lease.slot(), lease.generation());
  }

  Runner runnerOf(int slot, long generation) {
    return hands.values().stream()
        .filter(hand -> hand.isOf(slot, generation))
        .map(hand -> hand.process.runner())
        .findFirst()
        .orElse(null);
  }

  void start(Hand hand, int how) {
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

  void idle(Hand hand, Lease lease) {
    if (holders.contains(lease)) {
      hand.news.add(() -> giveBack(lease, 0));
    }
  }

  void dies(Hand hand, Fault fault, StartFailed failure) {
    hand.starting = false;
    if (hand.process != null) {
      hand.process.shut();
    }
    gone(hand, fault, failure, true);
    hand.news.add(() -> feed(new PoolInput.Wanted(hand.slot, hand.lineage)));
  }

  void stop(Hand hand, boolean replaced) {
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

  void gone(Hand hand, Fault fault, StartFailed failure, boolean replaced) {
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
}
