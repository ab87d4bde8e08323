package io.gorgon.proving;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.gorgon.PythonPool;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.pool.PoolSettings;
import io.gorgon.pool.PoolStats;
import io.gorgon.testkit.RealPool;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.stream.javadsl.Sink;
import org.jspecify.annotations.Nullable;

/**
 * An isolated pool over real Python, in one line: own name, own actor system or the given one,
 * eager, with the test targets on its path. Closed with everything that it started, and looked at
 * for leaks.
 *
 * <pre>{@code
 * try (var pool = TestPool.start("min-workers = 2")) { pool.awaitReady(2); ... }
 * }</pre>
 */
public final class TestPool implements AutoCloseable {

  private static final AtomicLong COUNT = new AtomicLong();
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  /** Something that a test waits for. */
  private record Watch(Predicate<List<PoolEvent>> condition, CompletableFuture<Void> seen) {}

  private final ActorSystem<?> system;
  private final boolean ownsSystem;
  private final RealPool kit;
  private final PythonPool pool;
  private final List<PoolEvent> events = new ArrayList<>();
  private final List<Watch> watches = new ArrayList<>();

  private @Nullable Bystanders bystanders;

  private TestPool(ActorSystem<?> system, boolean ownsSystem, RealPool kit) {
    this.system = system;
    this.ownsSystem = ownsSystem;
    this.kit = kit;
    this.pool = kit.pool();
    pool.events().runWith(Sink.foreach(this::onEvent), system);
  }

  /** Two workers, no growth; the settings change what they name. */
  public static TestPool start(String... settings) {
    String name = "test" + COUNT.incrementAndGet();
    return start(ActorSystem.create(Behaviors.empty(), name), true, name, settings);
  }

  /** The same in a system that the caller has and keeps. */
  public static TestPool startIn(ActorSystem<?> system, String... settings) {
    return start(system, false, "test" + COUNT.incrementAndGet(), settings);
  }

  private static TestPool start(
      ActorSystem<?> system, boolean ownsSystem, String name, String... settings) {
    return new TestPool(
        system, ownsSystem, RealPool.start(system, settings(system, name, settings)));
  }

  /** The settings that {@link #start} uses. */
  public static PoolSettings settings(ActorSystem<?> system, String name, String... settings) {
    Config basics =
        ConfigFactory.parseString(
            "min-workers = 2, max-workers = 2, call-timeout = 20s, path = [\""
                + Path.of("src/test/python").toAbsolutePath()
                + "\", \""
                + Path.of("python-bridge/testkit").toAbsolutePath()
                + "\"], python = \""
                + TestMachine.CURRENT.python()
                + "\"");
    return PoolSettings.of(
        name,
        ConfigFactory.parseString(String.join("\n", settings)).withFallback(basics),
        system.settings().config());
  }

  /**
   * From now on others call the pool too; {@link #close} fails the test if one of them was told
   * what it should not have been, lost, crossed, or run twice.
   */
  public TestPool withBystanders(Bystanders.Expected expected) {
    bystanders = new Bystanders(pool, expected);
    return this;
  }

  /** The same, where every one of them is to be answered. */
  public TestPool withBystanders() {
    return withBystanders(Bystanders.Expected.ANSWERS);
  }

  /** Lets the others go, for tests that end the pool themselves. */
  public void sendBystandersHome() {
    if (bystanders != null) {
      bystanders.stop();
    }
  }

  public PythonPool pool() {
    return pool;
  }

  public ActorSystem<?> system() {
    return system;
  }

  /** Figures of this moment. */
  public PoolStats stats() {
    return get(pool.stats().toCompletableFuture());
  }

  /**
   * Waits until {@code workers} are ready at once, by events; says what it saw when it gives up.
   */
  public TestPool awaitReady(int workers) {
    return awaitReady(workers, PATIENCE);
  }

  public TestPool awaitReady(int workers, Duration timeout) {
    await(workers + " workers ready", seen -> readyIn(seen) >= workers, timeout);
    return this;
  }

  /** Waits for an event of {@code type}, past or future, that fits. */
  public <E extends PoolEvent> E awaitEvent(Class<E> type, Predicate<E> fits) {
    await(
        type.getSimpleName(),
        seen -> seen.stream().anyMatch(e -> type.isInstance(e) && fits.test(type.cast(e))),
        PATIENCE);
    return eventsOf(type).stream().filter(fits).findFirst().orElseThrow();
  }

  /** Waits until as many events of {@code type} have been seen. */
  public void awaitEvents(Class<? extends PoolEvent> type, int count) {
    await(
        count + " x " + type.getSimpleName(),
        seen -> seen.stream().filter(type::isInstance).count() >= count,
        PATIENCE);
  }

  public synchronized <E extends PoolEvent> List<E> eventsOf(Class<E> type) {
    return events.stream().filter(type::isInstance).map(type::cast).toList();
  }

  /** Waits for a future within the test's patience, unwrapping what it failed with. */
  public static <T> T get(java.util.concurrent.CompletionStage<T> stage) {
    try {
      return stage.toCompletableFuture().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    } catch (java.util.concurrent.ExecutionException failed) {
      if (failed.getCause() instanceof RuntimeException typed) {
        throw typed;
      }
      throw new AssertionError(failed.getCause());
    } catch (TimeoutException | InterruptedException late) {
      throw new AssertionError("nothing came within " + PATIENCE, late);
    }
  }

  /** What the call failed with; fails the test if it succeeded. */
  public static PythonFailure failureOf(java.util.concurrent.CompletionStage<?> stage) {
    try {
      throw new AssertionError("succeeded with " + get(stage));
    } catch (PythonFailure failure) {
      return failure;
    }
  }

  private void await(String what, Predicate<List<PoolEvent>> condition, Duration timeout) {
    var watch = new Watch(condition, new CompletableFuture<>());
    synchronized (this) {
      if (condition.test(events)) {
        return;
      }
      watches.add(watch);
    }
    try {
      watch.seen().get(timeout.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException late) {
      throw new AssertionError(
          "waited " + timeout + " for " + what + " in " + pool + "; seen: " + seen());
    } catch (Exception unexpected) {
      throw new AssertionError(unexpected);
    }
  }

  private synchronized String seen() {
    return events.isEmpty()
        ? "nothing"
        : "\n  " + String.join("\n  ", events.stream().map(Object::toString).toList());
  }

  private synchronized void onEvent(PoolEvent event) {
    events.add(event);
    watches.removeIf(watch -> watch.condition().test(events) && watch.seen().complete(null));
  }

  private static long readyIn(List<PoolEvent> seen) {
    var ready = new java.util.HashSet<Object>();
    for (PoolEvent event : seen) {
      if (event instanceof PoolEvent.WorkerReady up) {
        ready.add(up.worker());
      } else if (event instanceof PoolEvent.WorkerGone gone) {
        ready.remove(gone.worker());
      }
    }
    return ready.size();
  }

  @Override
  public void close() {
    try {
      if (bystanders != null) {
        bystanders.check();
      }
    } finally {
      try {
        kit.close();
      } finally {
        if (ownsSystem) {
          system.terminate();
          get(system.getWhenTerminated());
        }
      }
    }
  }
}
