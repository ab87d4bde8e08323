package io.gorgon.pool;

import io.gorgon.message.PythonFailure;
import io.gorgon.worker.Runner;
import io.gorgon.worker.Worker;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** This feeds {@link PoolState} for a {@link Pool}, and carries out what that decides. */
final class Decisions {

  private final Entrance entrance;
  private final PoolState state;
  private final Lane lane;
  private final Hands hands;
  private final Askers askers;
  private final Subscribers subscribers;
  private final Consumer<PoolInput> later;
  private final Runnable finish;
  private final Deque<PoolInput> followUps = new ArrayDeque<>();

  /**
   * Nothing has been decided yet.
   *
   * @param later takes what is to be fed when the messages that are there have been dealt with
   * @param finish closes what the pool needs no more, as nothing is left to wait for
   */
  Decisions(
      Entrance entrance,
      PoolState state,
      Lane lane,
      Hands hands,
      Askers askers,
      Subscribers subscribers,
      Consumer<PoolInput> later,
      Runnable finish) {
    this.entrance = entrance;
    this.state = state;
    this.lane = lane;
    this.hands = hands;
    this.askers = askers;
    this.subscribers = subscribers;
    this.later = later;
    this.finish = finish;
  }

  /** What follows from an effect at once is fed before any other message can come between. */
  void feed(PoolInput input) {
    for (PoolInput next = input; next != null; next = followUps.poll()) {
      for (PoolEffect effect : state.on(next, entrance.clock().getAsLong())) {
        carryOut(effect);
      }
    }
  }

  private void carryOut(PoolEffect effect) {
    if (effect instanceof PoolEffect.Admit admit) {
      Runner runner = hands.runnerOf(admit.slot(), admit.generation());
      if (runner != null) {
        lane.admit(runner);
      }
    } else if (effect instanceof PoolEffect.ClaimAny claim) {
      lane.claimAny(claim.request(), servingRunner(claim.prefer()), claim.first());
    } else if (effect instanceof PoolEffect.Unclaim unclaim) {
      lane.unclaim(unclaim.request());
    } else if (effect instanceof PoolEffect.ClaimSlot claim) {
      Runner runner = hands.runnerOf(claim.slot(), claim.generation());
      if (runner != null) {
        lane.claim(runner);
      }
    } else if (effect instanceof PoolEffect.Grant grant) {
      askers.grant(grant).ifPresent(followUps::add);
    } else if (effect instanceof PoolEffect.Refuse refuse) {
      askers.refuse(refuse);
    } else if (effect instanceof PoolEffect.Settle settle) {
      // Behind what the lane has told meanwhile.
      later.accept(new PoolInput.Unsettled(settle.request(), settle.refusal()));
    } else if (effect instanceof PoolEffect.Reclaim reclaim) {
      followUps.add(new PoolInput.Reclaimed(reclaim.lease(), askers.reclaim(reclaim.lease())));
    } else if (effect instanceof PoolEffect.Abandon abandon) {
      askers.abandon(abandon);
    } else if (effect instanceof PoolEffect.Hire hire) {
      hands.hire(hire);
    } else if (effect instanceof PoolEffect.Start start) {
      hands.tell(start.lineage(), new Worker.Start(start.generation()));
    } else if (effect instanceof PoolEffect.Stop stop) {
      hands.tell(stop.lineage(), new Worker.Stop(stop.cause(), stop.graceful(), stop.replace()));
    } else if (effect instanceof PoolEffect.Check check) {
      hands.tell(check.lineage(), new Worker.Check());
    } else if (effect instanceof PoolEffect.Dismiss dismiss) {
      hands.tell(dismiss.lineage(), new Worker.Stop("not needed", true, false));
    } else if (effect instanceof PoolEffect.Break broken) {
      askers.broken(broken.failure());
      lane.breakWith(broken.failure());
      showStatus();
    } else if (effect instanceof PoolEffect.Mend) {
      lane.mend();
      showStatus();
    } else if (effect instanceof PoolEffect.CloseLane) {
      lane.close(new PythonFailure.Draining(entrance.settings().name(), false));
      showStatus();
    } else if (effect instanceof PoolEffect.Publish publish) {
      subscribers.publish(publish.event());
    } else if (effect instanceof PoolEffect.Finish) {
      finish.run();
    }
  }

  private @Nullable Runner servingRunner(int slot) {
    if (slot < 0 || slot >= state.slots().size()) {
      return null;
    }
    Slot.Member member = state.slots().get(slot).current;
    return member == null ? null : hands.runnerOf(slot, member.generation);
  }

  /** Lets callers see what the pool is doing now. */
  void showStatus() {
    if (state.isCircuitOpen()) {
      entrance.show(PoolStatus.BROKEN);
    } else if (!state.isRunning()) {
      entrance.show(PoolStatus.DRAINING);
    } else if (hands.isAnyReady() || entrance.status() == PoolStatus.RUNNING) {
      entrance.show(PoolStatus.RUNNING);
    } else {
      entrance.show(PoolStatus.STARTING);
    }
  }
}
