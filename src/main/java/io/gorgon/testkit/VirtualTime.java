package io.gorgon.testkit;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.gorgon.message.PythonFailure;
import io.gorgon.pool.PoolClock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.apache.pekko.actor.BootstrapSetup;
import org.apache.pekko.actor.setup.ActorSystemSetup;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.dispatch.ExecutionContexts;

/**
 * An actor system whose time stands still until a test moves it: the scheduler of its timers and
 * the clock of its pools move together, and each step waits until all actors have come to rest. So
 * a minute passes in milliseconds, and always in the same order. To be used by one thread.
 *
 * <pre>{@code
 * try (var time = VirtualTime.begin()) { ... time.passes(Duration.ofSeconds(5)); ... }
 * }</pre>
 */
public final class VirtualTime implements AutoCloseable {

  /** Real time: how long actors may take to come to rest before that is called a fault. */
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private static final int THREADS = 4;
  private static final Instant BEGINNING = Instant.parse("2000-01-01T00:00:00Z");
  private static final AtomicLong COUNT = new AtomicLong();

  /** Whatever runs, is counted: every dispatcher is the same one. */
  private static final Config CONFIG =
      ConfigFactory.parseString(
              """
                  pekko.scheduler.implementation = "io.gorgon.testkit.HandDrivenScheduler"
                  pekko.actor.internal-dispatcher = "pekko.actor.default-dispatcher"
                  gorgon.callback-dispatcher = "pekko.actor.default-dispatcher"
                  gorgon.blocking-dispatcher = "pekko.actor.default-dispatcher"
                  pekko.coordinated-shutdown.exit-jvm = off
                  pekko.coordinated-shutdown.run-by-jvm-shutdown-hook = off
                  """)
          .withFallback(ConfigFactory.load());

  private final CountedExecutor executor;
  private final ActorSystem<Void> system;
  private final HandDrivenScheduler scheduler;

  private VirtualTime(String name, CountedExecutor executor) {
    this.executor = executor;
    this.system =
        ActorSystem.create(
            Behaviors.empty(),
            name,
            ActorSystemSetup.create(
                BootstrapSetup.create(CONFIG)
                    .withDefaultExecutionContext(ExecutionContexts.fromExecutor(executor))));
    this.scheduler = (HandDrivenScheduler) Adapter.toClassic(system).scheduler();
    settle();
    executor.shuffle();
  }

  /** A new actor system, at rest, on a few threads. */
  public static VirtualTime begin() {
    String name = "virtual" + COUNT.incrementAndGet();
    return new VirtualTime(name, CountedExecutor.onThreads(name, THREADS));
  }

  /** The same on one thread, with actors that take turns as {@code seed} decides: repeatable. */
  public static VirtualTime begin(long seed) {
    String name = "virtual" + COUNT.incrementAndGet();
    return new VirtualTime(name, CountedExecutor.inOrderOf(seed, name));
  }

  /** The system whose time this is. */
  public ActorSystem<Void> system() {
    return system;
  }

  /** For pools and workers; its time of day begins with the year 2000. */
  public PoolClock clock() {
    return new Clock(scheduler);
  }

  private record Clock(HandDrivenScheduler scheduler) implements PoolClock {
    @Override
    public long getAsLong() {
      return scheduler.nanoTime();
    }

    @Override
    public InstantSource wall() {
      return () -> BEGINNING.plusNanos(scheduler.nanoTime());
    }
  }

  /** Where it has come to, in nanoseconds. */
  public long nanoTime() {
    return scheduler.nanoTime();
  }

  /**
   * Does something as an actor would, with nothing beside it, and waits for rest.
   *
   * @throws RuntimeException what it throws
   */
  <T> T turn(Supplier<T> what) {
    settle();
    CompletableFuture<T> done = CompletableFuture.supplyAsync(what, executor);
    settle();
    return Stages.get(done);
  }

  /** Runs something when so much time has passed. */
  void runLater(Duration delay, Runnable what) {
    system.scheduler().scheduleOnce(delay, what, system.executionContext());
  }

  /** For whatever else is to be waited for by {@link #settle}. */
  public Executor executor() {
    return executor;
  }

  /** Waits, in real time, until nothing is under way any more. */
  public void settle() {
    executor.awaitRest(PATIENCE);
  }

  /** Lets time pass, from one timer to the next; what falls due has been dealt with by then. */
  public void passes(Duration duration) {
    settle();
    long until = scheduler.nanoTime() + duration.toNanos();
    for (OptionalLong next = scheduler.next();
        next.isPresent() && next.getAsLong() <= until;
        next = scheduler.next()) {
      scheduler.moveTo(next.getAsLong());
      settle();
    }
    scheduler.moveTo(until);
  }

  /**
   * Lets time pass, from one timer to the next, until something is so.
   *
   * @return false if it is not so when {@code limit} is over
   */
  public boolean passesUntil(BooleanSupplier condition, Duration limit) {
    settle();
    long until = scheduler.nanoTime() + limit.toNanos();
    while (!condition.getAsBoolean()) {
      OptionalLong next = scheduler.next();
      if (next.isEmpty() || next.getAsLong() > until) {
        scheduler.moveTo(until);
        settle();
        return condition.getAsBoolean();
      }
      scheduler.moveTo(next.getAsLong());
      settle();
    }
    return true;
  }

  /**
   * What a stage has come to, once all is at rest.
   *
   * @throws AssertionError if it has not come to anything
   */
  public <T> T now(CompletionStage<T> stage) {
    var future = stage.toCompletableFuture();
    settle();
    if (!future.isDone()) {
      throw new AssertionError("not completed, and nothing moves any more: " + stage);
    }
    return Stages.get(future);
  }

  /**
   * What a stage has failed with, once all is at rest.
   *
   * @throws AssertionError if it has not come to anything, or succeeded
   */
  public PythonFailure failureOf(CompletionStage<?> stage) {
    try {
      throw new AssertionError("succeeded with " + now(stage));
    } catch (PythonFailure failure) {
      return failure;
    }
  }

  /** Whether a stage has come to anything, once all is at rest. */
  public boolean isDone(CompletionStage<?> stage) {
    var future = stage.toCompletableFuture();
    settle();
    return future.isDone();
  }

  @Override
  public void close() {
    system.terminate();
    Stages.get(system.getWhenTerminated());
    executor.close();
  }
}
