package io.gorgon.testkit;

import io.gorgon.message.Call;
import io.gorgon.pool.CheckoutKind;
import io.gorgon.pool.PoolStats;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The words of a {@link Scenario}, to be imported statically. */
public final class Phrases {

  private Phrases() {}

  // ---- what happens

  /** So many workers are ready; waits for them. */
  public static Step workers(int count) {
    return new Step.Workers(count);
  }

  /** Scripted Python answers a target so; real Python answers by itself. */
  public static Step answer(String target, Function<ScriptedRequest, @Nullable Object> answer) {
    return new Step.Answers(target, answer);
  }

  /**
   * A function is called. On scripted and real Python alike there are {@code gorgon_testkit:echo},
   * which gives back its argument, {@code gorgon_testkit:sleep}, which takes seconds, and for
   * sessions {@code gorgon_testkit:add}, which adds to the number of that name in the state, and
   * {@code add_each}, which adds each of a list and makes a checkpoint each time.
   */
  public static CallStep call(String target, @Nullable Object... arguments) {
    return call(Call.of(target, arguments));
  }

  /** A call is made. Its trace, if it has one, is replaced by one of the kit's. */
  public static CallStep call(Call call) {
    return new CallStep(call.target(), call, Optional.empty(), Optional.empty());
  }

  /**
   * The code that is tested does something, which ends when the stage does.
   *
   * @param text what that is, and its name, until it is told otherwise
   */
  public static ActionStep action(String text, Supplier<? extends CompletionStage<?>> action) {
    return new ActionStep(text, text, action);
  }

  /** The call of that name is cancelled by its caller. */
  public static Step cancelled(String call) {
    return new Step.Cancel(call);
  }

  /** A worker is checked out, and held. */
  public static CheckoutStep checkout() {
    return new CheckoutStep(
        "checkout",
        Optional.empty(),
        CheckoutStep.Manner.HOLDS,
        CheckoutKind.anonymous(),
        Optional.empty());
  }

  /** The checkout of that name is given back. */
  public static Step returned(String checkout) {
    return new Step.Return(checkout);
  }

  /** The owner of that name, an actor, dies. */
  public static Step ownerDies(String owner) {
    return new Step.OwnerDies(owner);
  }

  /** The worker that a call of that name is sent to. */
  public static WorkerOfPhrase workerOf(String call) {
    return new WorkerOfPhrase(call, false);
  }

  /** The worker that the next call of that target is sent to, whoever makes it. */
  public static WorkerOfPhrase workerOfNext(String target) {
    return new WorkerOfPhrase(target, true);
  }

  /** The next worker that starts. */
  public static NextWorkerPhrase nextWorker() {
    return new NextWorkerPhrase();
  }

  /** The store that the pool's sessions are kept in. */
  public static StorePhrase store() {
    return new StorePhrase();
  }

  /** The next commit of that session. */
  public static CommitPhrase nextCommitOf(String session) {
    return new CommitPhrase(session);
  }

  /** The process in that slot is killed now, whatever it is doing. */
  public static Step workerIsKilled(int slot) {
    return new Step.Kill(slot);
  }

  /** Time passes: virtual time at once, real time really. */
  public static Step timePasses(Duration duration) {
    return new Step.TimePasses(duration);
  }

  // ---- what must be so

  /** The session of that key: what it had before, and what is kept of it then. */
  public static SessionPhrase session(String key) {
    return new SessionPhrase(key);
  }

  /** What becomes of the call, checkout or action of that name. */
  public static OutcomePhrase outcome(String name) {
    return new OutcomePhrase(name);
  }

  /** What the pool tells of itself, since the scenario began. */
  public static EventsPhrase events() {
    return new EventsPhrase();
  }

  /** Python has started the call of that name so often. */
  public static Check runs(String call, int times) {
    return new Runs(call, times);
  }

  /** The figures are so, or will be soon. */
  public static Check figures(String what, Predicate<PoolStats> so) {
    return new Figures(what, so);
  }

  /**
   * Every call so far has one typed outcome, by its deadline and 250 ms; none ran more often than
   * it may, or is told as not started though it ran, or got another's answer; all slots have a
   * worker again, and no lease is left.
   */
  public static Check invariantsHold() {
    return new Invariants();
  }

  private record Figures(String what, Predicate<PoolStats> so) implements Check {
    @Override
    public void hold(Play play) {
      play.kit().figures().await(what, so);
    }

    @Override
    public String toString() {
      return "the figures show " + what;
    }
  }

  private record Runs(String call, int times) implements Check {
    @Override
    public void hold(Play play) {
      Call made =
          play.ended(call)
              .call()
              .orElseThrow(() -> new AssertionError("'" + call + "' is no call"));
      long runs = play.kit().faults().notes(made).stream().filter(FaultPlan.Noted::isStart).count();
      if (runs != times) {
        throw new AssertionError("'" + call + "' ran " + runs + " times, not " + times);
      }
    }

    @Override
    public String toString() {
      return "'" + call + "' ran " + (times == 1 ? "once" : times + " times");
    }
  }
}
