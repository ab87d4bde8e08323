package io.gorgon;

import io.gorgon.connection.Connector;
import io.gorgon.connection.SocketConnector;
import io.gorgon.message.Call;
import io.gorgon.message.Chunk;
import io.gorgon.message.Exceptions;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Reply;
import io.gorgon.message.WorkerId;
import io.gorgon.pool.CheckoutKind;
import io.gorgon.pool.Entrance;
import io.gorgon.pool.Granted;
import io.gorgon.pool.Pool;
import io.gorgon.pool.PoolClock;
import io.gorgon.pool.PoolSettings;
import io.gorgon.pool.PoolStats;
import io.gorgon.pool.PoolStatus;
import io.gorgon.process.Keeper;
import io.gorgon.session.SessionHome;
import io.gorgon.session.SessionStore;
import io.gorgon.stream.CallFlow;
import io.gorgon.tool.Tools;
import io.gorgon.worker.PendingCall;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.apache.pekko.Done;
import org.apache.pekko.NotUsed;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.pattern.StatusReply;
import org.apache.pekko.stream.OverflowStrategy;
import org.apache.pekko.stream.javadsl.Flow;
import org.apache.pekko.stream.javadsl.FlowWithContext;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.stream.typed.javadsl.ActorSource;
import org.jspecify.annotations.Nullable;

/**
 * This is a pool of Python workers, as its users hold it. Every method returns at once; every stage
 * completes, with a value or a {@link PythonFailure}. Thread-safe.
 *
 * <pre>{@code
 * PythonPool pool = PythonPools.get(system).pool("default");
 * pool.call(Call.of("math:sqrt", 16)).thenAccept(reply -> use(reply.as(Double.class)));
 * }</pre>
 */
public final class PythonPool {

  /** How much later than a question's own deadline its ask gives up; the pool answers before. */
  private static final Duration ASK_SLACK = Duration.ofSeconds(5);

  private static final int EVENTS_KEPT = 1_024;

  private final ActorSystem<?> system;
  private final Entrance entrance;
  private final ActorRef<Pool.Command> ref;
  private final CallDesk desk;
  private final Executor callbacks;
  private final SessionHome sessions;

  PythonPool(ActorSystem<?> system, Entrance entrance, ActorRef<Pool.Command> ref) {
    this(system, entrance, ref, PythonPools.get(system).sessions(entrance));
  }

  private PythonPool(
      ActorSystem<?> system, Entrance entrance, ActorRef<Pool.Command> ref, SessionHome sessions) {
    this.system = system;
    this.entrance = entrance;
    this.ref = ref;
    this.desk = new CallDesk(system, entrance);
    this.callbacks = desk.callbacks();
    this.sessions = sessions;
  }

  /**
   * Makes the face of a pool whose workers are elsewhere, such as on other nodes of a cluster.
   *
   * @param entrance leads there, see {@link Entrance#to}
   * @param ref speaks the pool's protocol
   * @param sessions where its sessions live
   */
  public static PythonPool elsewhere(
      ActorSystem<?> system, Entrance entrance, ActorRef<Pool.Command> ref, SessionHome sessions) {
    return new PythonPool(system, entrance, ref, sessions);
  }

  /**
   * Starts a pool that the system owns and stops with itself.
   *
   * @throws PythonFailure.NameTaken if a pool of that name runs in this system
   */
  public static PythonPool start(ActorSystem<?> system, PoolSettings settings) {
    return start(system, settings, PoolClock.SYSTEM, connectors(system, settings));
  }

  /**
   * Starts a pool on a clock and connections of the caller's: how tests replace time and Python.
   *
   * @throws PythonFailure.NameTaken if a pool of that name runs in this system
   */
  public static PythonPool start(
      ActorSystem<?> system,
      PoolSettings settings,
      PoolClock clock,
      Supplier<Connector> connectors) {
    return start(system, settings, clock, connectors, UnaryOperator.identity());
  }

  /**
   * The same, with something put around the store that the settings name: how tests have it fail.
   *
   * @throws PythonFailure.NameTaken if a pool of that name runs in this system
   */
  public static PythonPool start(
      ActorSystem<?> system,
      PoolSettings settings,
      PoolClock clock,
      Supplier<Connector> connectors,
      UnaryOperator<SessionStore> stores) {
    return PythonPools.get(system).start(settings, clock, connectors, stores);
  }

  /**
   * Makes a pool for the caller's own actor hierarchy: spawn it, then find it by {@link
   * PythonPools#locate}, or hold it by {@link #of}. It ends with its parent.
   */
  public static Behavior<Pool.Command> behavior(ActorSystem<?> system, PoolSettings settings) {
    return Pool.create(new Entrance(settings, PoolClock.SYSTEM), connectors(system, settings));
  }

  /** Holds a pool that somebody spawned in this JVM. */
  public static CompletionStage<PythonPool> of(ActorSystem<?> system, ActorRef<Pool.Command> ref) {
    return AskPattern.<Pool.Command, Entrance>ask(
            ref, Pool.Introduce::new, ASK_SLACK, system.scheduler())
        .thenApply(entrance -> new PythonPool(system, entrance, ref));
  }

  /**
   * Makes connections to real Python, as a pool with these settings does: for tests that put
   * something between the two.
   */
  public static Supplier<Connector> connectors(ActorSystem<?> system, PoolSettings settings) {
    Executor blocking =
        system.dispatchers().lookup(DispatcherSelector.fromConfig("gorgon.blocking-dispatcher"));
    return () ->
        new SocketConnector(
            new Keeper(
                settings.name(),
                settings.python(),
                settings.worker().startTimeout(),
                settings.outputLinesPerSecond()),
            settings.launch(),
            blocking);
  }

  // ---- calls

  /**
   * Runs a Python function on the first worker that is free.
   *
   * @return completes with the reply, or with the {@link PythonFailure} that tells why there is
   *     none
   */
  public RunningCall call(Call call) {
    return call(call, Tools.NONE);
  }

  /**
   * The same, with Java functions for this call besides the pool's; where names are the same, these
   * go before.
   */
  public RunningCall call(Call call, Tools tools) {
    return desk.call(call, tools, entrance::offer);
  }

  /**
   * The calls of one key, one after another, over a state that is kept between them; any worker may
   * serve them, the last one preferred.
   */
  public Session session(String key) {
    return new Session(this, key, CheckoutKind.Affinity.PREFER, Tools.NONE);
  }

  /**
   * Runs a Python generator, plain or async, or any function that returns something to go through,
   * each time that the source is run. The source's demand is what Python may make: a slow consumer
   * stops the generator after {@code stream-window} elements. A cancel closes the generator. It
   * takes a worker as a call does, and materializes to that call, whose reply is what the generator
   * returned.
   *
   * <p>A failure comes behind the elements that were sent before it. The call's deadline is that of
   * the first element; {@link Call#withIdleTimeout} limits what lies between them.
   */
  public Source<Chunk, RunningCall> stream(Call call) {
    return stream(call, Tools.NONE);
  }

  /** The same, with Java functions for this stream besides the pool's. */
  public Source<Chunk, RunningCall> stream(Call call, Tools tools) {
    return desk.stream(call, tools, entrance::offer);
  }

  /**
   * Makes one call of each element, {@code parallelism} at a time, and gives the replies in the
   * order of the elements. A call's failure fails the stream, unless its supervision strategy says
   * otherwise; when the stream ends before them, the calls that run are cancelled.
   */
  public <T> Flow<T, Reply, NotUsed> flow(int parallelism, Function<? super T, Call> call) {
    return CallFlow.ordered(parallelism, element -> call(call.apply(element)));
  }

  /** The same, with the replies as they come. */
  public <T> Flow<T, Reply, NotUsed> flowUnordered(
      int parallelism, Function<? super T, Call> call) {
    return CallFlow.unordered(parallelism, element -> call(call.apply(element)));
  }

  /** The same, in order, for elements that carry something along, such as an offset. */
  public <T, C> FlowWithContext<T, C, Reply, C, NotUsed> flowWithContext(
      int parallelism, Function<? super T, Call> call) {
    return CallFlow.withContext(parallelism, element -> call(call.apply(element)));
  }

  /**
   * Offers Java functions to all calls of this pool, from now on and as long as it runs; those of
   * the same name before go. A session may offer its own: {@link Session#with(Tools)}.
   */
  public void offer(Tools tools) {
    entrance.offer(tools);
  }

  /**
   * Has the calls and streams of this pool that are made from now on fail with exceptions of your
   * own, where Python raises one of these classes. Actors that ask are told {@link
   * PythonFailure.PythonRaised} all the same, and may {@link Exceptions#translate} that themselves.
   */
  public void translate(Exceptions exceptions) {
    entrance.translate(exceptions);
  }

  CallDesk desk() {
    return desk;
  }

  /** Where its sessions live; for those who extend Gorgon. */
  public SessionHome sessions() {
    return sessions;
  }

  /** The side of this pool that is used without passing its actor; for those who extend Gorgon. */
  public Entrance entrance() {
    return entrance;
  }

  void offer(PendingCall call, @Nullable WorkerId preferred) {
    entrance.offer(call, preferred);
  }

  // ---- checkouts

  /** Checks out any worker, with the pool's own limit of waiting. */
  public CompletionStage<Checkout> checkout() {
    return checkout(CheckoutKind.anonymous());
  }

  /** Checks out a worker for {@code kind}, with the pool's own limit of waiting. */
  public CompletionStage<Checkout> checkout(CheckoutKind kind) {
    return checkout(kind, Optional.empty(), entrance.settings().checkoutTimeout());
  }

  /**
   * Checks out a worker.
   *
   * @param owner an actor whose death ends the lease
   * @param timeout how long to wait for a worker
   * @return completes with {@link PythonFailure.CheckoutRefused} where there is none, or {@link
   *     PythonFailure.SessionLost}
   */
  public CompletionStage<Checkout> checkout(
      CheckoutKind kind, Optional<ActorRef<?>> owner, Duration timeout) {
    if (entrance.status() == PoolStatus.STOPPED) {
      return CompletableFuture.failedFuture(
          new PythonFailure.CheckoutRefused(
              name(), PythonFailure.CheckoutRefused.Reason.STOPPED, "the pool has stopped"));
    }
    CompletionStage<Granted> granted =
        AskPattern.askWithStatus(
            ref,
            (ActorRef<StatusReply<Granted>> replyTo) ->
                new Pool.Checkout(kind, owner, timeout, replyTo),
            timeout.plus(ASK_SLACK),
            system.scheduler());
    return granted.thenApplyAsync(
        grant -> {
          ref.tell(new Pool.Acknowledge(grant.lease()));
          return new Checkout(this, grant);
        },
        callbacks);
  }

  // ---- operators

  public String name() {
    return entrance.settings().name();
  }

  /** What the pool was started with. */
  public PoolSettings settings() {
    return entrance.settings();
  }

  /** What the pool is doing now. */
  public PoolStatus status() {
    return entrance.status();
  }

  /** The actor, for those who speak its protocol. */
  public ActorRef<Pool.Command> ref() {
    return ref;
  }

  /** Figures of this moment. */
  public CompletionStage<PoolStats> stats() {
    return whileRunning(
        () -> AskPattern.ask(ref, Pool.GetStats::new, ASK_SLACK, system.scheduler()));
  }

  /**
   * The Python stacks of a worker's threads, as {@code faulthandler} prints them: of an idle
   * worker, of a busy one, also of one that starts, or is stuck in C code. The worker goes on as it
   * was.
   *
   * @param worker an incarnation, as events and replies name it
   * @return completes within some two seconds, with {@link PythonFailure.NoDump} if the worker is
   *     gone, or stopped by a signal
   */
  public CompletionStage<String> dump(WorkerId worker) {
    return whileRunning(
        () ->
            AskPattern.askWithStatus(
                ref,
                (ActorRef<StatusReply<String>> replyTo) -> new Pool.Dump(worker, replyTo),
                ASK_SLACK,
                system.scheduler()));
  }

  /**
   * What happens to workers, leases and the pool itself: first one {@code WorkerReady} for each
   * worker that is ready already, then everything from now on. A subscriber that falls more than
   * {@value #EVENTS_KEPT} events behind misses the oldest.
   */
  public Source<PoolEvent, NotUsed> events() {
    return ActorSource.<PoolEvent>actorRef(
            PoolEvent.PoolStopped.class::isInstance,
            event -> Optional.empty(),
            EVENTS_KEPT,
            OverflowStrategy.dropHead())
        .mapMaterializedValue(
            subscriber -> {
              ref.tell(new Pool.Subscribe(subscriber));
              return NotUsed.getInstance();
            });
  }

  /**
   * Sets how many workers are kept, and how many there are at most; workers in use are let finish.
   *
   * @throws PythonFailure.InvalidSettings unless {@code 1 <= min <= max <= 1024}
   */
  public void resize(int min, int max) {
    ref.tell(new Pool.Resize(min, max));
  }

  /**
   * Replaces every process by a new one, which reads your modules anew. One after the other, each
   * when its successor is ready: no call fails and no capacity is missing.
   */
  public void reset() {
    ref.tell(new Pool.Reset());
  }

  /**
   * Takes nothing new, answers who waits, lets run what runs for {@code timeout}, then stops.
   *
   * @return completes when no process is left
   */
  public CompletionStage<Done> drain(Duration timeout) {
    if (entrance.status() == PoolStatus.STOPPED) {
      return CompletableFuture.completedFuture(Done.getInstance());
    }
    return onCallbacks(
        AskPattern.ask(
            ref,
            (ActorRef<Done> replyTo) -> new Pool.Drain(timeout, replyTo),
            timeout.plus(settings().worker().stopGrace().multipliedBy(2)).plus(ASK_SLACK),
            system.scheduler()));
  }

  void tell(Pool.Command command) {
    ref.tell(command);
  }

  /** Tells the pool, or fails the call where there is nobody to be told. */
  void tell(Pool.Command command, PendingCall call) {
    if (entrance.status() == PoolStatus.STOPPED) {
      call.fail(new PythonFailure.Draining(name(), true));
    } else {
      ref.tell(command);
      if (entrance.status() == PoolStatus.STOPPED) {
        call.fail(new PythonFailure.Draining(name(), true));
      }
    }
  }

  private <T> CompletionStage<T> whileRunning(Supplier<CompletionStage<T>> question) {
    return entrance.status() == PoolStatus.STOPPED
        ? CompletableFuture.failedFuture(new PythonFailure.Draining(name(), true))
        : onCallbacks(question.get());
  }

  /** An ask's own stage runs what hangs on it on the common pool, or on a new thread each. */
  <T> CompletionStage<T> onCallbacks(CompletionStage<T> asked) {
    return asked.thenApplyAsync(answer -> answer, callbacks);
  }

  @Override
  public String toString() {
    return "PythonPool[" + name() + ", " + status() + "]";
  }
}
