package io.gorgon.testkit;

import java.time.Duration;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Something that happens in a {@link Scenario}; {@link Phrases} has the words for them. */
public sealed interface Step
    permits CallStep,
        CheckoutStep,
        StoreStep,
        Step.Workers,
        Step.Answers,
        Step.Spoil,
        ActionStep,
        Step.SpoilNext,
        Step.SpoilSomewhere,
        Step.SpoilStart,
        Step.Kill,
        Step.OwnerDies,
        Step.TimePasses,
        Step.Cancel,
        Step.Return {

  /** Does it. */
  void play(Play play);

  /** So many workers become ready. */
  record Workers(int count) implements Step {
    @Override
    public void play(Play play) {
      play.kit().figures().awaitReady(count);
    }

    @Override
    public String toString() {
      return count + (count == 1 ? " worker is ready" : " workers are ready");
    }
  }

  /** Scripted Python answers a target from now on; real Python does as it does. */
  record Answers(String target, Function<ScriptedRequest, @Nullable Object> answer)
      implements Step {
    @Override
    public void play(Play play) {
      if (play.kit() instanceof ScriptedPool scripted) {
        scripted.answers(target, answer);
      }
    }

    @Override
    public String toString() {
      return target + " has an answer";
    }
  }

  /** The worker of a call suffers a fault when it has that call. */
  record Spoil(String call, Fault fault) implements Step {
    @Override
    public void play(Play play) {
      play.checkSpoilt(this);
    }

    @Override
    public String toString() {
      return "the worker of '" + call + "' suffers " + fault;
    }
  }

  /** The worker of the next call of a target suffers a fault. */
  record SpoilNext(String target, Fault fault) implements Step {
    @Override
    public void play(Play play) {
      // The scenario has planned it before anything happened.
    }

    @Override
    public String toString() {
      return "the worker of the next call of " + target + " suffers " + fault;
    }
  }

  /** The worker of a call is killed at a point that the scenario's seed decides. */
  record SpoilSomewhere(WorkerOfPhrase worker) implements Step {
    @Override
    public void play(Play play) {
      // The scenario has put a certain one in its place.
    }

    @Override
    public String toString() {
      return "a worker is killed somewhere";
    }
  }

  /** The next worker that starts suffers a fault. */
  record SpoilStart(StartFault fault) implements Step {
    @Override
    public void play(Play play) {
      play.kit().faults().atNextStart(fault);
    }

    @Override
    public String toString() {
      return "the next worker that starts suffers " + fault;
    }
  }

  /** The process of a slot is killed, whatever it is doing. */
  record Kill(int slot) implements Step {
    @Override
    public void play(Play play) {
      play.kill(slot);
    }

    @Override
    public String toString() {
      return "worker " + slot + " is killed";
    }
  }

  /** An owner dies. */
  record OwnerDies(String owner) implements Step {
    @Override
    public void play(Play play) {
      play.owner(owner).dies();
    }

    @Override
    public String toString() {
      return "owner '" + owner + "' dies";
    }
  }

  /** Time passes. */
  record TimePasses(Duration duration) implements Step {
    @Override
    public void play(Play play) {
      play.kit().passes(duration);
    }

    @Override
    public String toString() {
      return duration.toMillis() + " ms pass";
    }
  }

  /** A caller gives up. */
  record Cancel(String call) implements Step {
    @Override
    public void play(Play play) {
      play.cancel(call);
    }

    @Override
    public String toString() {
      return "'" + call + "' is cancelled";
    }
  }

  /** A worker that was checked out is given back. */
  record Return(String checkout) implements Step {
    @Override
    public void play(Play play) {
      play.giveBack(checkout);
    }

    @Override
    public String toString() {
      return "'" + checkout + "' is given back";
    }
  }
}
