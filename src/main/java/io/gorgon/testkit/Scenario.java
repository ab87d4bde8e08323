package io.gorgon.testkit;

import io.gorgon.message.PoolEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A test that reads like what happens. The words are in {@link Phrases}; the same text goes for
 * scripted and for real Python.
 *
 * <pre>{@code
 * Scenario.on(kit)
 *     .given(workers(2))
 *     .when(call("m:f", 1).as("a"))
 *     .and(workerOf("a").isKilledAt(BEFORE_ANSWER))
 *     .then(outcome("a").is(WorkerLost.class))
 *     .and(events().contain(WorkerGone.class))
 *     .and(invariantsHold());
 * }</pre>
 *
 * <p>What is given and what happens is collected, and done in order when the next {@code then}
 * comes: a fault has to be known before the call that meets it is sent. Time passes by itself as
 * far as a check has to wait; beyond that, {@link Phrases#timePasses} says so. A check that fails
 * throws an AssertionError with the whole scenario, what happened, and the seed to replay it with.
 * To be used by one thread.
 */
public final class Scenario {

  private final GorgonTestKit kit;
  private final Play play;
  private final List<String> lines = new ArrayList<>();
  private final List<Step> pending = new ArrayList<>();
  private long seed;

  Scenario(GorgonTestKit kit) {
    this.kit = kit;
    this.play = new Play(kit);
    this.seed = kit instanceof ScriptedPool scripted ? scripted.seed() : Seed.ofThisRun();
  }

  /** A new scenario on a kit, whose pool goes on as it is. */
  public static Scenario on(GorgonTestKit kit) {
    return kit.scenario();
  }

  /** Decides what is left to chance, as {@link WorkerOfPhrase#isKilledSomewhere}. */
  public Scenario withSeed(long other) {
    seed = other;
    return this;
  }

  /** What is the case before anything happens. */
  public Scenario given(Step step) {
    return add("given", step);
  }

  /** What happens. */
  public Scenario when(Step step) {
    return add(" when", step);
  }

  /** What happens besides. */
  public Scenario and(Step step) {
    return add("  and", step);
  }

  /** What must be so, when all that has been said has happened. */
  public Scenario then(Check check) {
    return check(" then", check);
  }

  /** What must be so besides. */
  public Scenario and(Check check) {
    return check("  and", check);
  }

  private Scenario add(String word, Step step) {
    Step certain = step;
    if (step instanceof Step.SpoilSomewhere some) {
      List<Point> points =
          List.of(
              Point.BEFORE_START,
              Point.RUNNING,
              Point.BEFORE_ANSWER,
              Point.AFTER_PATCH,
              Point.AFTER_ANSWER);
      Point point = points.get(new Random(seed + lines.size()).nextInt(points.size()));
      certain = some.worker().isKilledAt(point);
    }
    lines.add(word + " " + certain);
    pending.add(certain);
    return this;
  }

  private Scenario check(String word, Check check) {
    lines.add(word + " " + check);
    try {
      happen();
      check.hold(play);
    } catch (AssertionError failed) {
      throw new AssertionError(failed.getMessage() + "\n\n" + this, failed);
    }
    return this;
  }

  private void happen() {
    List<Step> steps = List.copyOf(pending);
    pending.clear();
    for (Step step : steps) {
      if (step instanceof Step.Spoil spoil) {
        play.plan(spoil.call(), spoil.fault());
      } else if (step instanceof Step.SpoilNext next) {
        kit.faults().atNextCallOf(next.target(), next.fault());
      } else if (step instanceof StoreStep.SpoilCommit commit) {
        kit.store().atNextCommitOf(commit.session(), commit.fault());
      }
    }
    for (Step step : steps) {
      step.play(play);
    }
  }

  /** Whether everything that was said has happened. */
  boolean isDone() {
    return pending.isEmpty();
  }

  /** The scenario, what came of it, and how to replay it. */
  @Override
  public String toString() {
    var text = new StringBuilder("the scenario, on " + kit + ":");
    lines.forEach(line -> text.append("\n  ").append(line));
    text.append("\nwhat came of it:");
    play.all().forEach(happening -> text.append("\n  ").append(happening));
    for (PoolEvent event : play.events()) {
      text.append("\n  ").append(event);
    }
    text.append("\nto replay it: seed ").append(seed).append(", as -D").append(Seed.PROPERTY);
    text.append("=").append(seed);
    if (kit instanceof ScriptedPool) {
      text.append(" or GorgonTestKit.scripted(").append(seed).append("L)");
    }
    return text.toString();
  }
}
