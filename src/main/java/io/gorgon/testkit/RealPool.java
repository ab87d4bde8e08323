package io.gorgon.testkit;

import io.gorgon.PythonPool;
import io.gorgon.connection.Connector;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PoolEvent.CircuitOpened;
import io.gorgon.message.PoolEvent.PoolResized;
import io.gorgon.pool.Pool;
import io.gorgon.pool.PoolClock;
import io.gorgon.pool.PoolSettings;
import io.gorgon.pool.PoolStats;
import io.gorgon.pool.PoolStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.jspecify.annotations.Nullable;

/**
 * A pool over real Python, for a test: own name, own actor system or the given one. See {@link
 * GorgonTestKit#real}. Faults need {@code concurrency = 1} and the usual {@code entry}.
 */
public final class RealPool implements GorgonTestKit {

  private static final AtomicLong COUNT = new AtomicLong();
  private static final long LOOK_AGAIN = TimeUnit.MILLISECONDS.toNanos(2);

  /** How long what a test held, and its processes, may take to be gone. */
  private static final Duration SOON = Duration.ofSeconds(2);

  private final ActorSystem<?> system;
  private final boolean ownsSystem;
  private final PythonPool pool;
  private final Cast cast;
  private final @Nullable RealFaults faults;
  private final LeakCheck leaks;
  private final EventProbe events = new EventProbe(this);
  private final StatsProbe figures = new StatsProbe(this);
  private final WatchedConnector.Notes notes;
  private final ActorRef<PoolEvent> subscriber;
  private final AtomicInteger asked = new AtomicInteger();
  private final AtomicInteger heard = new AtomicInteger();
  private final KitModel model;
  private final KitStore store = new KitStore();
  private final Scenarios scenarios = new Scenarios(this);
  private boolean closed;

  private RealPool(
      ActorSystem<?> system,
      boolean ownsSystem,
      PoolSettings settings,
      @Nullable RealFaults faults) {
    this.system = system;
    this.ownsSystem = ownsSystem;
    this.faults = faults;
    this.notes = new WatchedConnector.Notes(faults != null);
    Supplier<Connector> connectors = PythonPool.connectors(system, settings);
    this.pool =
        PythonPool.start(
            system,
            settings,
            PoolClock.SYSTEM,
            () -> new WatchedConnector(connectors.get(), notes),
            kept -> store.around(kept, system, PoolClock.SYSTEM.wall()));
    this.model = new KitModel(pool.name());
    this.cast = new Cast(system, pool.name());
    this.subscriber = cast.actor(this::onEvent);
    pool.ref().tell(new Pool.Subscribe(subscriber));
    this.leaks = new LeakCheck(system, pool.name());
  }

  static RealPool checked(String... settings) {
    String name = name();
    return ready(ActorSystem.create(Behaviors.empty(), name), true, name, settings);
  }

  static RealPool checkedIn(ActorSystem<?> system, String... settings) {
    return ready(system, false, name(), settings);
  }

  /**
   * A pool with all settings of your own, in an actor system that you keep; it is not waited for,
   * and its workers are asked for no faults. Replies that borrow are not watched.
   *
   * @throws io.gorgon.message.PythonFailure.NameTaken if a pool of that name runs in this system
   */
  public static RealPool start(ActorSystem<?> system, PoolSettings settings) {
    return new RealPool(system, false, settings, null);
  }

  private static String name() {
    return "testkit" + COUNT.incrementAndGet();
  }

  private static RealPool ready(
      ActorSystem<?> system, boolean ownsSystem, String name, String... settings) {
    RealFaults faults = null;
    try {
      faults = new RealFaults();
      var kit =
          new RealPool(
              system, ownsSystem, KitSettings.real(system, name, faults, settings), faults);
      return kit.awaitStart();
    } catch (RuntimeException refused) {
      if (faults != null) {
        faults.close();
      }
      if (ownsSystem) {
        system.terminate();
      }
      throw refused;
    }
  }

  private RealPool awaitStart() {
    PoolSettings settings = pool.settings();
    if (settings.eager()) {
      await(() -> isReady(settings) || !events.of(CircuitOpened.class).isEmpty(), patience());
      if (!isReady(settings)) {
        var never = new AssertionError("the workers do not start: " + figures + "\n" + events);
        try {
          close();
        } catch (AssertionError alsoLeft) {
          never.addSuppressed(alsoLeft);
        }
        throw never;
      }
    }
    return this;
  }

  private boolean isReady(PoolSettings settings) {
    return stats().ready() >= settings.minWorkers();
  }

  private void onEvent(PoolEvent event) {
    if (event instanceof PoolResized mark && mark.pool().isEmpty()) {
      heard.accumulateAndGet(mark.min(), Math::max);
      return;
    }
    events.add(event);
  }

  /** The process of that slot, 0 if it has none. */
  public long pid(int slot) {
    return stats().workers().stream()
        .filter(worker -> worker.slot() == slot)
        .mapToLong(PoolStats.WorkerStats::pid)
        .findFirst()
        .orElse(0);
  }

  @Override
  public PythonPool pool() {
    return pool;
  }

  @Override
  public ActorSystem<?> system() {
    return system;
  }

  @Override
  public EventProbe events() {
    return events;
  }

  @Override
  public StatsProbe figures() {
    return figures;
  }

  @Override
  public PoolStats stats() {
    return Stages.get(pool.stats());
  }

  @Override
  public <E extends PoolEvent> List<E> eventsOf(Class<E> type) {
    return events.of(type);
  }

  @Override
  public <T> T get(CompletionStage<T> stage) {
    return Stages.get(stage);
  }

  @Override
  public void passes(Duration duration) {
    await(() -> false, duration);
  }

  @Override
  public boolean await(BooleanSupplier condition, Duration limit) {
    long until = System.nanoTime() + limit.toNanos();
    while (!condition.getAsBoolean()) {
      long left = until - System.nanoTime();
      if (left <= 0) {
        return false;
      }
      LockSupport.parkNanos(Math.min(left, LOOK_AGAIN));
    }
    return true;
  }

  @Override
  public Duration patience() {
    return Stages.PATIENCE;
  }

  /** What the pool had told before it answers us is in the subscriber's hands by then. */
  @Override
  public void settle() {
    if (pool.status() != PoolStatus.STOPPED) {
      pool.stats().toCompletableFuture().exceptionally(stopped -> null).join();
    }
    if (closed) {
      return;
    }
    int mark = asked.incrementAndGet();
    subscriber.tell(new PoolResized("", mark, mark));
    if (!await(() -> heard.get() >= mark, Stages.PATIENCE)) {
      throw new AssertionError("the kit's subscriber does not answer");
    }
  }

  @Override
  public long nanoTime() {
    return System.nanoTime();
  }

  @Override
  public <T> ActorRef<T> actor(Consumer<T> what) {
    return cast.actor(what);
  }

  @Override
  public Mortal mortal() {
    return new Mortal(cast.mortal(), () -> {});
  }

  /**
   * Where faults are asked for.
   *
   * @throws IllegalStateException for a pool with all settings of your own
   */
  @Override
  public FaultPlan faults() {
    if (faults == null) {
      throw new IllegalStateException(
          "the workers of " + this + " take no faults: make it by GorgonTestKit.real(settings)");
    }
    return faults;
  }

  @Override
  public FaultyStore store() {
    return store.get();
  }

  @Override
  public FakeLanguageModel languageModel() {
    return model.get();
  }

  @Override
  public Scenario scenario() {
    return scenarios.begin();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    List<Leak> left = new ArrayList<>(scenarios.unfinished());
    if (pool.status() != PoolStatus.STOPPED) {
      await(() -> stats().leased() == 0, SOON);
      left.addAll(LeakCheck.held(stats(), events.all()));
    }
    left.addAll(LeakCheck.lent(notes.lent()));
    left.addAll(model.end());
    closed = true;
    try {
      Stages.get(pool.drain(Duration.ofMillis(200)));
      await(() -> RunProcesses.alive(notes.tokens()).isEmpty(), SOON);
      RunProcesses.alive(notes.tokens())
          .forEach(process -> left.add(new Leak(Leak.Kind.PROCESS, process + " is alive")));
      Stages.get(cast.dismiss());
      left.addAll(leaks.actors(this::await));
    } finally {
      if (ownsSystem) {
        system.terminate();
        Stages.get(system.getWhenTerminated());
      }
      if (faults != null) {
        faults.close();
      }
    }
    left.addAll(leaks.threads(ownsSystem));
    Leak.refuse(toString(), left);
  }

  @Override
  public String toString() {
    return "real pool " + pool.name();
  }
}
