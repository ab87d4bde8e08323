package io.gorgon;

import io.gorgon.connection.Connector;
import io.gorgon.message.PythonFailure;
import io.gorgon.pool.Entrance;
import io.gorgon.pool.Pool;
import io.gorgon.pool.PoolClock;
import io.gorgon.pool.PoolSettings;
import io.gorgon.pool.PoolStatus;
import io.gorgon.session.SessionStore;
import io.gorgon.session.Sessions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.apache.pekko.Done;
import org.apache.pekko.actor.CoordinatedShutdown;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Extension;
import org.apache.pekko.actor.typed.ExtensionId;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.actor.typed.receptionist.Receptionist;

/**
 * These are the pools of one actor system, by name. They drain when the system shuts down.
 * Thread-safe.
 *
 * <pre>{@code
 * PythonPools.get(system).pool("default")
 * }</pre>
 */
public final class PythonPools implements Extension {

  private static final Duration ASK = Duration.ofSeconds(3);

  /** Makes the extension; needed by Pekko alone. */
  public static final class Id extends ExtensionId<PythonPools> {
    private static final Id INSTANCE = new Id();

    @Override
    public PythonPools createExtension(ActorSystem<?> system) {
      return new PythonPools(system);
    }

    public static Id getInstance() {
      return INSTANCE;
    }
  }

  private final ActorSystem<?> system;
  private final Map<String, PythonPool> pools = new ConcurrentHashMap<>();
  private final Map<Entrance, Sessions> sessions = new ConcurrentHashMap<>();
  private final AtomicLong actors = new AtomicLong();

  private PythonPools(ActorSystem<?> system) {
    this.system = system;
    CoordinatedShutdown.get(system)
        .addTask(
            CoordinatedShutdown.PhaseServiceRequestsDone(), "gorgon-drain-pools", this::drainAll);
  }

  /** The pools of {@code system}. */
  public static PythonPools get(ActorSystem<?> system) {
    return Id.INSTANCE.apply(system);
  }

  /**
   * The pool that the config block {@code gorgon.pools.NAME} describes, started if it does not run.
   *
   * @throws PythonFailure.InvalidSettings if there is no such block, or something in it is wrong
   */
  public PythonPool pool(String name) {
    forgetStopped(name);
    return pools.compute(
        name,
        (key, running) ->
            running != null && running.status() != PoolStatus.STOPPED
                ? running
                : spawn(
                    PoolSettings.from(name, system.settings().config()),
                    PoolClock.SYSTEM,
                    Optional.empty(),
                    UnaryOperator.identity()));
  }

  /** For {@link PythonPool#start} and for tests, which bring their own clock and so on. */
  PythonPool start(
      PoolSettings settings,
      PoolClock clock,
      Supplier<Connector> connectors,
      UnaryOperator<SessionStore> stores) {
    forgetStopped(settings.name());
    return pools.compute(
        settings.name(),
        (key, running) -> {
          if (running != null && running.status() != PoolStatus.STOPPED) {
            throw new PythonFailure.NameTaken(settings.name());
          }
          return spawn(settings, clock, Optional.of(connectors), stores);
        });
  }

  private void forgetStopped(String except) {
    pools
        .values()
        .removeIf(pool -> pool.status() == PoolStatus.STOPPED && !pool.name().equals(except));
  }

  private PythonPool spawn(
      PoolSettings settings,
      PoolClock clock,
      Optional<Supplier<Connector>> connectors,
      UnaryOperator<SessionStore> stores) {
    var entrance = new Entrance(settings, clock);
    // First: if the store cannot be used, there must be no pool that nobody holds.
    sessions(entrance, stores);
    ActorRef<Pool.Command> ref =
        system.systemActorOf(
            Pool.create(
                entrance, connectors.orElseGet(() -> PythonPool.connectors(system, settings))),
            "gorgon-" + settings.name() + "-" + actors.incrementAndGet(),
            Props.empty());
    return new PythonPool(system, entrance, ref);
  }

  /** The sessions of a pool, the same for everybody who holds it. */
  Sessions sessions(Entrance entrance) {
    return sessions(entrance, UnaryOperator.identity());
  }

  private Sessions sessions(Entrance entrance, UnaryOperator<SessionStore> stores) {
    sessions.keySet().removeIf(other -> other.status() == PoolStatus.STOPPED);
    return sessions.computeIfAbsent(
        entrance,
        pool -> {
          var made =
              new Sessions(
                  pool.settings().name(),
                  pool.settings().session(),
                  stores.apply(SessionStores.of(system, pool.settings())),
                  pool.clock(),
                  pool.clock().wall(),
                  this::later,
                  pool.settings().queueCapacity());
          pool.tend(made::onTick);
          return made;
        });
  }

  private Runnable later(Duration delay, Runnable task) {
    return system.scheduler().scheduleOnce(delay, task, system.executionContext())::cancel;
  }

  /**
   * Finds the service of that name: first among the pools started here, then by the receptionist.
   *
   * @return completes with {@link PythonFailure.NotRunning} if there is none, or if it has stopped
   */
  public CompletionStage<Located> locate(String name) {
    PythonPool own = pools.get(name);
    if (own != null && own.status() != PoolStatus.STOPPED) {
      return CompletableFuture.completedFuture(Located.of(own, Located.By.REFERENCE));
    }
    return AskPattern.<Receptionist.Command, Receptionist.Listing>ask(
            system.receptionist(),
            replyTo -> Receptionist.find(Pool.serviceKey(name), replyTo),
            ASK,
            system.scheduler())
        .thenCompose(
            listing ->
                listing.getServiceInstances(Pool.serviceKey(name)).stream()
                    .findFirst()
                    .map(ref -> introduced(name, ref))
                    .orElseGet(() -> CompletableFuture.failedFuture(notRunning(name, own != null))))
        .thenApply(pool -> Located.of(pool, Located.By.REGISTRY));
  }

  /** The receptionist may list an actor for a moment longer than it lives. */
  private CompletionStage<PythonPool> introduced(String name, ActorRef<Pool.Command> ref) {
    return PythonPool.of(system, ref)
        .exceptionallyCompose(gone -> CompletableFuture.failedFuture(notRunning(name, true)));
  }

  /** Finds the service named {@code default}. */
  public CompletionStage<Located> locate() {
    return locate("default");
  }

  private static PythonFailure.NotRunning notRunning(String name, boolean stopped) {
    return new PythonFailure.NotRunning(
        name,
        stopped
            ? "it has stopped, and the receptionist knows no other"
            : "none runs here, and the receptionist knows none");
  }

  private CompletionStage<Done> drainAll() {
    List<CompletableFuture<Done>> drained =
        pools.values().stream()
            .map(pool -> pool.drain(pool.settings().drainTimeout()).toCompletableFuture())
            .toList();
    return CompletableFuture.allOf(drained.toArray(CompletableFuture<?>[]::new))
        .handle((done, failure) -> Done.getInstance());
  }
}
