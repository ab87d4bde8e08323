package io.gorgon.testkit;

import io.gorgon.PythonPool;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.pool.PoolStats;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;

/**
 * A pool for a test, in one line, with its own actor system: over scripted Python or over real
 * Python. What a test does with it reads the same for both.
 *
 * <pre>{@code
 * try (var kit = GorgonTestKit.scripted()) {
 *   kit.answers("shop:price", request -> 42);
 *   assertEquals(42, kit.get(kit.pool().call(Call.of("shop:price", "tea"))).as(Integer.class));
 * }
 * }</pre>
 *
 * <p>{@link #close} ends all of it and throws an AssertionError that names whatever was left over:
 * leases, shared memory, processes, actors, threads, answers of its language model that nobody
 * asked for. To be used by one thread; the pool itself is thread-safe, as ever.
 */
public sealed interface GorgonTestKit extends AutoCloseable permits ScriptedPool, RealPool {

  /**
   * Two workers that are ready, without an interpreter, in virtual time.
   *
   * <p>Pekko's own {@code ManualTime} is not used: it really sleeps 100 ms at each move, and jumps
   * over what falls due between. Here time goes from timer to timer, and each step waits only until
   * all actors have come to rest, so that a minute of a pool passes in milliseconds. One thread
   * runs everything, in an order that {@link ScriptedPool#seed} decides: a run can be repeated.
   *
   * @param settings lines of config, keys of {@code gorgon.pools.NAME}
   * @throws PythonFailure.InvalidSettings if one of them is wrong
   */
  static ScriptedPool scripted(String... settings) {
    return ScriptedPool.checked(Seed.ofThisRun(), settings);
  }

  /**
   * The same, whose threads take turns in the order that {@code seed} gives.
   *
   * @param seed as a failed scenario printed it
   */
  static ScriptedPool scripted(long seed, String... settings) {
    return ScriptedPool.checked(seed, settings);
  }

  /**
   * Two workers that are ready, on the interpreter that the environment variable {@code
   * TEST_PYTHON} names, or else the setting {@code python}. They run the bridge as it is, but for
   * the faults that a scenario asks for.
   *
   * @param settings lines of config, keys of {@code gorgon.pools.NAME}
   * @throws PythonFailure.InvalidSettings if one of them is wrong
   * @throws AssertionError if the workers do not become ready
   */
  static RealPool real(String... settings) {
    return RealPool.checked(settings);
  }

  /** The same in an actor system that the caller has, and keeps. */
  static RealPool realIn(ActorSystem<?> system, String... settings) {
    return RealPool.checkedIn(system, settings);
  }

  /** The pool that is tested. */
  PythonPool pool();

  /** The actor system that it runs in. */
  ActorSystem<?> system();

  /** The kit's own view of the pool's events, from the start on; one for all who ask. */
  EventProbe events();

  /** The pool's figures, and waiting for them. */
  StatsProbe figures();

  /** Figures of this moment. */
  PoolStats stats();

  /** The events of a type so far. */
  <E extends PoolEvent> List<E> eventsOf(Class<E> type);

  /**
   * What a stage comes to, with as much time as it takes: virtual time passes; real time is waited
   * for.
   *
   * @throws AssertionError if it comes to nothing within {@link #patience}
   * @throws RuntimeException what it failed with, as it is
   */
  <T> T get(CompletionStage<T> stage);

  /**
   * What a stage fails with, likewise.
   *
   * @throws AssertionError if it succeeds, or comes to nothing
   */
  default PythonFailure failureOf(CompletionStage<?> stage) {
    return failure(stage).get();
  }

  /**
   * What a stage fails with, likewise, to be looked at.
   *
   * @throws AssertionError if it succeeds, or comes to nothing
   */
  default FailureProbe failure(CompletionStage<?> stage) {
    Object value;
    try {
      value = get(stage);
    } catch (PythonFailure failure) {
      return new FailureProbe(stage, failure);
    }
    throw new AssertionError("expected a failure of " + stage + ", and it succeeded with " + value);
  }

  /** Lets time pass: virtual time at once, real time by waiting. */
  void passes(Duration duration);

  /**
   * Waits, in the kit's time, until something is so.
   *
   * @return false if it is not so when {@code limit} is over
   */
  boolean await(BooleanSupplier condition, Duration limit);

  /** How long the kit waits, in its own time, for what is to come. */
  Duration patience();

  /** Waits until what has happened so far has been told to the kit's probes. */
  void settle();

  /** The kit's time in nanoseconds. */
  long nanoTime();

  /** An actor of the kit's that hands all it is told to {@code what}. */
  <T> ActorRef<T> actor(Consumer<T> what);

  /** An actor of the kit's that can be stopped, to be the owner of something. */
  Mortal mortal();

  /** Where faults are asked for. */
  FaultPlan faults();

  /** The store that the pool's sessions are kept in, which takes faults. */
  FaultyStore store();

  /**
   * A language model of the kit's own, started when it is first asked for and closed with the kit,
   * which names answers that were scripted and never asked for. It refuses what is not scripted.
   */
  FakeLanguageModel languageModel();

  /** A new scenario; see {@link Scenario#on}. */
  Scenario scenario();

  /**
   * Ends the pool, and the actor system if it is the kit's own.
   *
   * @throws AssertionError naming what was left over
   */
  @Override
  void close();
}
