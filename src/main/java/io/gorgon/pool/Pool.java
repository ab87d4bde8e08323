package io.gorgon.pool;

import io.gorgon.connection.Connector;
import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.CheckoutRefused.Reason;
import io.gorgon.message.Reply;
import io.gorgon.message.WorkerId;
import io.gorgon.worker.PendingCall;
import io.gorgon.worker.Runner;
import io.gorgon.worker.Worker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.PreRestart;
import org.apache.pekko.actor.typed.SupervisorStrategy;
import org.apache.pekko.actor.typed.javadsl.AbstractBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.Receive;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.apache.pekko.actor.typed.receptionist.Receptionist;
import org.apache.pekko.actor.typed.receptionist.ServiceKey;
import org.apache.pekko.pattern.StatusReply;

/**
 * Supervises the workers of one pool: feeds {@link PoolState} with what happens and does what that
 * decides. It never blocks. One-shot calls do not pass it, they take the {@link Lane}; checkouts,
 * sessions and everything about the workers' lives do.
 *
 * <p>This is its protocol; {@link Decisions} does what is decided, {@link Askers} answers those who
 * wait, {@link Hands} has the workers, {@link WorkerNews} hears them, {@link Upkeep} looks after
 * what is due, {@link Peers} and {@link Subscribers} are those outside.
 */
public final class Pool extends AbstractBehavior<Pool.Command> {

  /** What a pool can be told. */
  public sealed interface Command {}

  /** Runs one call; the same as {@code PythonPool.call}, for those who ask. */
  public record Execute(Call call, ActorRef<StatusReply<Reply>> replyTo) implements Command {}

  /**
   * Checks a worker out. The answer is a {@link Granted} or a {@link PythonFailure}, and comes
   * before {@code timeout} is over.
   *
   * @param owner an actor whose death ends the lease
   */
  public record Checkout(
      CheckoutKind kind,
      Optional<ActorRef<?>> owner,
      Duration timeout,
      ActorRef<StatusReply<Granted>> replyTo)
      implements Command {}

  /** Confirms that a lease has arrived; without it the lease is revoked by itself. */
  public record Acknowledge(Lease lease) implements Command {}

  /** Starts the lease's time anew. */
  public record Renew(Lease lease) implements Command {}

  /** Runs one call on a worker that is checked out. */
  public record Run(Lease lease, Call call, ActorRef<StatusReply<Reply>> replyTo)
      implements Command {}

  /** Gives a worker back. Twice, or too late, does no harm. */
  public record Return(Lease lease, Verdict verdict) implements Command {}

  /**
   * Gives up what was checked out with the same {@code replyTo}, waiting or granted, but not
   * acknowledged. It counts for what has arrived before it, and for nothing later: an asker may use
   * one {@code replyTo} for many checkouts, and a cancel that was too late for one must not hit the
   * next. From the asker itself it cannot come too early; where somebody else sends it, and it
   * overtakes the checkout, that ends by its deadline or, granted, by the missing acknowledgement.
   */
  public record Cancel(ActorRef<StatusReply<Granted>> replyTo) implements Command {}

  /** Runs one call of a session, in the session's order. */
  public record Submit(PendingCall call, CheckoutKind kind) implements Command {}

  /** Forgets which worker a session had. */
  public record EndSession(String key) implements Command {}

  /** Sets other limits; workers in use are let finish. */
  public record Resize(int min, int max) implements Command {

    /**
     * Checks.
     *
     * @throws PythonFailure.InvalidSettings unless {@code 1 <= min <= max <= 1024}
     */
    public Resize {
      if (min < 1 || max < min || max > PoolSettings.MOST_WORKERS) {
        throw new PythonFailure.InvalidSettings(
            "resize",
            "to "
                + min
                + ".."
                + max
                + " is not allowed: 1 <= min <= max <= "
                + PoolSettings.MOST_WORKERS);
      }
    }
  }

  /** Replaces every process, one after the other, each by a ready one. */
  public record Reset() implements Command {}

  /** Takes nothing new, answers who waits, lets finish what runs, stops. */
  public record Drain(Duration timeout, ActorRef<Done> replyTo) implements Command {}

  /** Asks for figures. */
  public record GetStats(ActorRef<PoolStats> replyTo) implements Command {}

  /**
   * Sends every event from now on to {@code subscriber}, while that lives; first a {@link
   * PoolEvent.WorkerReady} for each worker that is ready already, and a {@link
   * PoolEvent.CircuitOpened} if the circuit is open.
   */
  public record Subscribe(ActorRef<PoolEvent> subscriber) implements Command {}

  /**
   * Asks a process for the Python stacks of its threads. The answer is a text or a {@link
   * PythonFailure.NoDump}, and comes within some two seconds.
   */
  public record Dump(WorkerId worker, ActorRef<StatusReply<String>> replyTo) implements Command {}

  /** Asks for the side of the pool that is used without passing this actor. */
  public record Introduce(ActorRef<Entrance> replyTo) implements Command {}

  private record Tick() implements Command {}

  private record LaneClaimed(Runner runner, long request) implements Command {}

  private record LanePressed() implements Command {}

  private record WorkerEvent(Worker.Event event) implements Command {}

  private record WorkerStopped(long lineage) implements Command {}

  private record PeerStopped(ActorRef<?> peer) implements Command {}

  private record Fed(PoolInput input) implements Command {}

  private record MemoryMeasured(Map<WorkerId, Long> bytes) implements Command {}

  private record Closed() implements Command {}

  private record Emptied() implements Command {}

  /** The key under which pools of that name register with the receptionist. */
  public static ServiceKey<Command> serviceKey(String name) {
    return ServiceKey.create(Command.class, "gorgon-pool-" + name);
  }

  /**
   * Makes a pool. Should it ever fail itself, its workers end and it starts anew.
   *
   * @param entrance the side that callers touch; belongs to this pool alone
   * @param connectors makes the connector of each incarnation of the pool
   */
  public static Behavior<Command> create(Entrance entrance, Supplier<Connector> connectors) {
    return Behaviors.supervise(
            Behaviors.<Command>setup(
                context ->
                    Behaviors.withTimers(
                        timers -> new Pool(context, timers, entrance, connectors.get()))))
        .onFailure(
            Exception.class,
            SupervisorStrategy.restartWithBackoff(
                    Duration.ofMillis(10), LONGEST_RESTART, RESTART_JITTER)
                .withStashCapacity(RESTART_STASH));
  }

  /** How often deadlines are looked at: a promise of 250 ms needs no finer one. */
  private static final Duration TICK = Duration.ofMillis(20);

  /** Shorter than the slack of the facade's asks, which are answered by the next life. */
  private static final Duration LONGEST_RESTART = Duration.ofSeconds(3);

  private static final double RESTART_JITTER = 0.2;

  /**
   * Pekko keeps 1000 messages for the next life and drops the others, which nobody would answer.
   */
  private static final int RESTART_STASH = 1_000_000;

  private final Entrance entrance;
  private final Connector connector;
  private final Lane lane;
  private final PoolState state;
  private final Subscribers subscribers;
  private final Peers peers;
  private final Hands hands;
  private final Askers askers;
  private final Decisions decisions;
  private final WorkerNews news;
  private final Upkeep upkeep;
  private final Executor tools;
  private final Consumer<PoolInput> later;
  private final List<ActorRef<Done>> drainers = new ArrayList<>();

  private Pool(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      Entrance entrance,
      Connector connector) {
    super(context);
    // Else the log is named after the first of its parts that writes there.
    context.setLoggerName(Pool.class);
    ActorRef<Command> self = context.getSelf();
    PoolSettings settings = entrance.settings();
    this.entrance = entrance;
    this.connector = connector;
    later = input -> self.tell(new Fed(input));
    state = new PoolState(settings, entrance.counted());
    ActorRef<Worker.Event> workerEvents =
        context.messageAdapter(Worker.Event.class, WorkerEvent::new);
    lane = entrance.begin(self, laneSupervisor(self));
    subscribers = new Subscribers(context);
    peers = new Peers(context, PeerStopped::new);
    hands = new Hands(context, entrance, connector, lane, workerEvents, WorkerStopped::new);
    askers =
        new Askers(
            context,
            settings,
            state,
            entrance.counted().requests(),
            hands,
            peers,
            subscribers,
            later);
    decisions =
        new Decisions(entrance, state, lane, hands, askers, subscribers, later, this::close);
    news = new WorkerNews(context, hands, askers, subscribers, decisions);
    upkeep = new Upkeep(settings, lane, hands, decisions, this::measureMemory, connector::tend);
    tools =
        context
            .getSystem()
            .dispatchers()
            .lookup(DispatcherSelector.fromConfig("gorgon.tool-dispatcher"));
    timers.startTimerWithFixedDelay(new Tick(), TICK);
    context
        .getSystem()
        .receptionist()
        .tell(Receptionist.register(serviceKey(settings.name()), self));
    decisions.feed(
        entrance.isEndWanted()
            ? new PoolInput.DrainWanted(entrance.clock().getAsLong())
            : new PoolInput.Began());
  }

  private static Lane.Supervisor laneSupervisor(ActorRef<Command> self) {
    return new Lane.Supervisor() {
      @Override
      public void onClaimed(Runner runner, long request) {
        self.tell(new LaneClaimed(runner, request));
      }

      @Override
      public void onNobodyThere() {
        self.tell(new LanePressed());
      }
    };
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Execute.class, this::onExecute)
        .onMessage(Checkout.class, this::onCheckout)
        .onMessage(Acknowledge.class, this::onAcknowledge)
        .onMessage(Renew.class, this::onRenew)
        .onMessage(Run.class, this::onRun)
        .onMessage(Return.class, this::onReturn)
        .onMessage(Cancel.class, this::onCancel)
        .onMessage(Submit.class, this::onSubmit)
        .onMessage(EndSession.class, this::onEndSession)
        .onMessage(Resize.class, this::onResize)
        .onMessage(Reset.class, this::onReset)
        .onMessage(Drain.class, this::onDrain)
        .onMessage(GetStats.class, this::onGetStats)
        .onMessage(Subscribe.class, this::onSubscribe)
        .onMessage(Dump.class, this::onDump)
        .onMessage(Introduce.class, this::onIntroduce)
        .onMessage(Tick.class, this::onTick)
        .onMessage(LaneClaimed.class, this::onLaneClaimed)
        .onMessage(LanePressed.class, this::onLanePressed)
        .onMessage(WorkerEvent.class, this::onWorkerEvent)
        .onMessage(WorkerStopped.class, this::onWorkerStopped)
        .onMessage(PeerStopped.class, this::onPeerStopped)
        .onMessage(Fed.class, this::onFed)
        .onMessage(MemoryMeasured.class, this::onMemoryMeasured)
        .onMessage(Closed.class, this::onClosed)
        .onMessage(Emptied.class, this::onEmptied)
        .onSignal(PostStop.class, signal -> onPostStop())
        .onSignal(PreRestart.class, signal -> onPreRestart())
        .build();
  }

  // ---- calls and checkouts

  private Behavior<Command> onExecute(Execute execute) {
    AskedCall.of(entrance, execute.call(), execute.replyTo(), tools).ifPresent(lane::offer);
    return this;
  }

  private Behavior<Command> onCheckout(Checkout checkout) {
    long request = askers.add(checkout);
    long deadline = entrance.clock().after(checkout.timeout());
    long owner = peers.ownerNumber(checkout.owner().orElse(null));
    return feed(new PoolInput.Asked(request, checkout.kind(), owner, deadline, false));
  }

  private Behavior<Command> onAcknowledge(Acknowledge acknowledge) {
    return feed(new PoolInput.Acknowledged(acknowledge.lease()));
  }

  private Behavior<Command> onRenew(Renew renew) {
    return feed(new PoolInput.Renewed(renew.lease()));
  }

  private Behavior<Command> onRun(Run run) {
    AskedCall.of(entrance, run.call(), run.replyTo(), tools)
        .ifPresent(call -> askers.run(run.lease(), call));
    return this;
  }

  private Behavior<Command> onReturn(Return back) {
    Runner.Leftover leftover = askers.reclaim(back.lease());
    return feed(new PoolInput.Returned(back.lease(), back.verdict(), leftover));
  }

  private Behavior<Command> onCancel(Cancel cancel) {
    askers
        .requestsOf(cancel.replyTo())
        .forEach(request -> decisions.feed(new PoolInput.Withdrawn(request)));
    return this;
  }

  private Behavior<Command> onSubmit(Submit submit) {
    PendingCall call = submit.call();
    long request = askers.add(submit);
    call.roam();
    decisions.feed(new PoolInput.Asked(request, submit.kind(), 0, call.deadline(), true));
    return call.isDone() ? feed(new PoolInput.Withdrawn(request)) : this;
  }

  private Behavior<Command> onEndSession(EndSession end) {
    return feed(new PoolInput.SessionEnded(end.key()));
  }

  // ---- operators

  private Behavior<Command> onResize(Resize resize) {
    return feed(new PoolInput.Resized(resize.min(), resize.max()));
  }

  private Behavior<Command> onReset(Reset reset) {
    connector.renew(); // first: what is started by the next line must find it done
    return feed(new PoolInput.ResetWanted());
  }

  private Behavior<Command> onDrain(Drain drain) {
    drainers.add(drain.replyTo());
    entrance.endWanted();
    return feed(new PoolInput.DrainWanted(entrance.clock().after(drain.timeout())));
  }

  private Behavior<Command> onGetStats(GetStats ask) {
    ask.replyTo().tell(StatsReport.of(entrance, state, lane, hands, connector.shared()));
    return this;
  }

  private Behavior<Command> onSubscribe(Subscribe subscribe) {
    if (subscribers.add(subscribe.subscriber())) {
      peers.watch(subscribe.subscriber());
      hands.allReady().forEach(subscribe.subscriber()::tell);
      subscribers.openCircuit().ifPresent(subscribe.subscriber()::tell);
    }
    return this;
  }

  private Behavior<Command> onDump(Dump dump) {
    connector
        .dump(dump.worker())
        .whenComplete(
            (stacks, failure) ->
                dump.replyTo()
                    .tell(
                        failure == null
                            ? StatusReply.success(stacks)
                            : StatusReply.error(failure)));
    return this;
  }

  private Behavior<Command> onIntroduce(Introduce introduce) {
    introduce.replyTo().tell(entrance);
    return this;
  }

  // ---- what happens by itself

  private Behavior<Command> onTick(Tick tick) {
    upkeep.onTick(entrance.clock().getAsLong());
    return this;
  }

  private Behavior<Command> onLaneClaimed(LaneClaimed claimed) {
    WorkerId id = claimed.runner().id();
    return feed(new PoolInput.Claimed(id.slot(), id.generation(), claimed.request()));
  }

  private Behavior<Command> onLanePressed(LanePressed pressed) {
    return feed(new PoolInput.Pressed(entrance.clock().getAsLong()));
  }

  private Behavior<Command> onWorkerEvent(WorkerEvent wrapped) {
    news.on(wrapped.event());
    return this;
  }

  private Behavior<Command> onWorkerStopped(WorkerStopped stopped) {
    news.onStopped(stopped.lineage());
    return this;
  }

  private Behavior<Command> onPeerStopped(PeerStopped stopped) {
    subscribers.remove(stopped.peer());
    peers.remove(stopped.peer()).ifPresent(owner -> decisions.feed(new PoolInput.OwnerDied(owner)));
    return this;
  }

  private Behavior<Command> onFed(Fed fed) {
    return feed(fed.input());
  }

  private Behavior<Command> onMemoryMeasured(MemoryMeasured measured) {
    upkeep.onMemoryMeasured(measured.bytes());
    return this;
  }

  // ---- the end

  private Behavior<Command> onClosed(Closed closed) {
    subscribers.publish(new PoolEvent.PoolStopped(entrance.settings().name()));
    entrance.show(PoolStatus.STOPPED);
    tellDrainers();
    // Who has not seen that yet has sent its message before this one: it gets its answer.
    getContext().getSelf().tell(new Emptied());
    return this;
  }

  private Behavior<Command> onEmptied(Emptied emptied) {
    return Behaviors.stopped();
  }

  private Behavior<Command> onPostStop() {
    var failure = new PythonFailure.Draining(entrance.settings().name(), true);
    return end(PoolStatus.STOPPED, failure, Refusal.of(Reason.STOPPED, "the pool has stopped"));
  }

  private Behavior<Command> onPreRestart() {
    String why = "the pool failed and begins anew";
    entrance.count(state.numbers(askers.requests()));
    subscribers.all().forEach(subscriber -> getContext().getSelf().tell(new Subscribe(subscriber)));
    var failure = new PythonFailure.NoCapacity(entrance.settings().name(), why, List.of());
    return end(PoolStatus.STARTING, failure, Refusal.of(Reason.NO_CAPACITY, why));
  }

  /** Leaves nobody waiting, and no process running. */
  private Behavior<Command> end(PoolStatus status, PythonFailure failure, Refusal refusal) {
    entrance.show(status);
    lane.close(failure);
    askers.refuseAll(failure, refusal);
    connector.close();
    tellDrainers();
    return this;
  }

  private void tellDrainers() {
    drainers.forEach(drainer -> drainer.tell(Done.getInstance()));
    drainers.clear();
  }

  // ---- verbs

  private Behavior<Command> feed(PoolInput input) {
    decisions.feed(input);
    return this;
  }

  private void measureMemory() {
    getContext()
        .pipeToSelf(
            connector.memory(),
            (bytes, failure) -> new MemoryMeasured(bytes == null ? Map.of() : bytes));
  }

  private void close() {
    getContext().pipeToSelf(connector.close(), (done, failure) -> new Closed());
  }
}
