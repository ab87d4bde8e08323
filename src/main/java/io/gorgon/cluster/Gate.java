package io.gorgon.cluster;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonFormat.Feature;
import io.gorgon.PythonPool;
import io.gorgon.message.ClusterMessage;
import io.gorgon.message.FailureForm;
import io.gorgon.message.Payload;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.WorkerId;
import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.pool.Granted;
import io.gorgon.pool.Lease;
import io.gorgon.pool.Pool;
import io.gorgon.pool.PoolSettings;
import io.gorgon.pool.PoolStats;
import io.gorgon.pool.PoolStatus;
import io.gorgon.pool.Verdict;
import io.gorgon.wire.Frame;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.AbstractBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.Receive;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.apache.pekko.actor.typed.receptionist.Receptionist;
import org.apache.pekko.actor.typed.receptionist.ServiceKey;
import org.jspecify.annotations.Nullable;

/**
 * Lets the calls of other nodes into the pool of this one, and tells those nodes how much there is
 * to do here: when that changes, and every second all the same, since a message may be lost.
 */
final class Gate extends AbstractBehavior<Gate.Command> {

  /** What a gate can be told. */
  sealed interface Command {}

  /** A node wants to send calls; from now on it is told the load. */
  record Join(ActorRef<Desk.Command> desk, int version) implements Command, ClusterMessage {}

  /** Run a call, on the worker of the lease if one is named. */
  record Serve(
      ActorRef<Desk.Command> desk,
      long number,
      Errand errand,
      Parcel request,
      @Nullable Lease lease)
      implements Command, ClusterMessage {

    Serve {
      errand = Errand.orNone(errand);
      request = Parcel.orEmpty(request);
    }
  }

  /** Say something to Python in a call that runs here; without a kind if that is not known here. */
  record Say(
      ActorRef<Desk.Command> desk,
      long number,
      long position,
      @JsonFormat(with = Feature.READ_UNKNOWN_ENUM_VALUES_AS_NULL) Frame.@Nullable Kind kind,
      Parcel parcel)
      implements Command, ClusterMessage {

    Say {
      parcel = Parcel.orEmpty(parcel);
    }
  }

  /** Nobody waits for that call any more. */
  record GiveUp(ActorRef<Desk.Command> desk, long number) implements Command, ClusterMessage {}

  /** Which calls a node has here, and how much it has said in each; the same is told to it. */
  record Called(ActorRef<Desk.Command> desk, Roll roll) implements Command, ClusterMessage {

    Called {
      roll = Objects.requireNonNullElse(roll, NO_ROLL);
    }

    private static final Roll NO_ROLL = new Roll(List.of(), List.of(), false);
  }

  /** Check a worker out, for a session if a key is named. */
  record Lend(
      ActorRef<Borrower.Command> borrower,
      ActorRef<Desk.Command> desk,
      long number,
      @Nullable String session,
      @JsonFormat(with = Feature.READ_UNKNOWN_ENUM_VALUES_AS_NULL) Affinity affinity,
      Duration timeout)
      implements Command, ClusterMessage {

    Lend {
      affinity = Objects.requireNonNullElse(affinity, Affinity.PREFER);
      timeout = Objects.requireNonNullElse(timeout, Duration.ZERO);
    }
  }

  /** The worker of that request is not wanted any more. */
  record Withdraw(ActorRef<Borrower.Command> borrower, long number)
      implements Command, ClusterMessage {}

  /** What the holder of a lease says of it. */
  enum Step {
    /** It has arrived. */
    ACKNOWLEDGE,
    /** Its time begins anew. */
    RENEW,
    /** The worker comes back. */
    RETURN,
    /** Its owner has gone, and left the worker as it is. */
    LEAVE
  }

  /** The holder of a lease says something of it; nothing is done where that is not known here. */
  record Keep(
      Lease lease,
      @JsonFormat(with = Feature.READ_UNKNOWN_ENUM_VALUES_AS_NULL) @Nullable Step step,
      @JsonFormat(with = Feature.READ_UNKNOWN_ENUM_VALUES_AS_NULL) Verdict verdict)
      implements Command, ClusterMessage {

    Keep {
      lease = Objects.requireNonNullElse(lease, NO_LEASE);
      verdict = Objects.requireNonNullElse(verdict, Verdict.SUSPECT);
    }
  }

  /** Tell the figures of this node. */
  record Count(ActorRef<Counted> replyTo) implements Command, ClusterMessage {}

  /** A node's figures, its workers named as the cluster does. */
  record Counted(@Nullable PoolStats stats) implements ClusterMessage {}

  /** Tell everything that happens here from now on. */
  record Follow(ActorRef<Ear.Command> ear) implements Command, ClusterMessage {}

  /** Tell the stacks of one of this node's processes. */
  record Dump(WorkerId worker, ActorRef<Dumped> replyTo) implements Command, ClusterMessage {

    Dump {
      worker = Objects.requireNonNullElse(worker, NOBODY);
    }
  }

  /** The stacks, or why there are none. */
  record Dumped(@Nullable Parcel stacks, @Nullable FailureForm failure) implements ClusterMessage {}

  /** Set other limits for this node. */
  record Resize(int min, int max) implements Command, ClusterMessage {}

  /** Replace every process of this node. */
  record Reset() implements Command, ClusterMessage {}

  /** The pool has answered a {@link Lend}. */
  record Settled(Lend lend, @Nullable Granted granted, @Nullable Throwable failure)
      implements Command {}

  private static final Lease NO_LEASE = new Lease(0, 0, 0);
  private static final WorkerId NOBODY = new WorkerId("", 0, 0);

  /** This node is going to leave: tell everybody to send no more. */
  record Close() implements Command {}

  private record Happened(PoolEvent event) implements Command {}

  private record DeskGone(ActorRef<Desk.Command> desk) implements Command {}

  private record Tick() implements Command {}

  /** The key under which the gates to pools of that name register with the receptionist. */
  static ServiceKey<Command> serviceKey(String pool) {
    return ServiceKey.create(Command.class, "gorgon-gate-" + pool);
  }

  /** Calls that a worker has in its hands while those take less than {@code short-call}. */
  private static final int AHEAD_IF_SHORT = 4;

  private static final Duration REPEAT = Duration.ofSeconds(1);

  /** Makes the gate to a pool of this node. */
  static Behavior<Command> create(PythonPool pool, Visits visits, ClusterSettings settings) {
    return Unshaken.of(
        Behaviors.setup(
            context ->
                Behaviors.withTimers(timers -> new Gate(context, timers, pool, visits, settings))));
  }

  private final PythonPool pool;
  private final Visits visits;
  private final Lender lender;
  private final Map<ActorRef<Desk.Command>, Load> desks = new HashMap<>();
  private final Map<ActorRef<Desk.Command>, RollCall> rollCalls = new HashMap<>();
  private final Set<WorkerId> ready = new HashSet<>();
  private final long ticksToRepeat;
  private int mostWorkers;
  private boolean closed;
  private long ticks;

  private Gate(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      PythonPool pool,
      Visits visits,
      ClusterSettings settings) {
    super(context);
    this.pool = pool;
    this.visits = visits;
    this.lender = new Lender(context, pool.ref(), visits.site());
    this.mostWorkers = pool.settings().maxWorkers();
    this.ticksToRepeat = Math.max(1, REPEAT.dividedBy(settings.loadInterval()));
    pool.ref().tell(new Pool.Subscribe(context.messageAdapter(PoolEvent.class, Happened::new)));
    timers.startTimerWithFixedDelay(new Tick(), settings.loadInterval());
    context
        .getSystem()
        .receptionist()
        .tell(Receptionist.register(serviceKey(pool.name()), context.getSelf()));
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Serve.class, this::onServe)
        .onMessage(Say.class, this::onSay)
        .onMessage(GiveUp.class, this::onGiveUp)
        .onMessage(Called.class, this::onCalled)
        .onMessage(Lend.class, this::onLend)
        .onMessage(Settled.class, this::onSettled)
        .onMessage(Withdraw.class, this::onWithdraw)
        .onMessage(Keep.class, this::onKeep)
        .onMessage(Count.class, this::onCount)
        .onMessage(Follow.class, this::onFollow)
        .onMessage(Dump.class, this::onDump)
        .onMessage(Resize.class, this::onResize)
        .onMessage(Reset.class, reset -> onReset())
        .onMessage(Join.class, this::onJoin)
        .onMessage(Close.class, close -> onClose())
        .onMessage(Happened.class, this::onHappened)
        .onMessage(DeskGone.class, this::onDeskGone)
        .onMessage(Tick.class, tick -> onTick())
        .build();
  }

  private Behavior<Command> onServe(Serve serve) {
    if (serve.desk() == null) {
      return this; // of a sender that names nobody who would hear the answer
    }
    Lease lease = serve.lease();
    Lender.Held lent = lease == null ? null : lender.find(lease);
    visits.take(
        new Visit.Id(serve.desk(), serve.number()),
        serve.errand(),
        serve.request(),
        lent == null ? new InOrder() : lent.line(),
        lease == null ? pool.entrance()::offer : call -> lender.run(lent, lease, call),
        () -> {});
    return this;
  }

  private Behavior<Command> onSay(Say say) {
    visits.say(new Visit.Id(say.desk(), say.number()), say.position(), say.kind(), say.parcel());
    return this;
  }

  private Behavior<Command> onGiveUp(GiveUp giveUp) {
    visits.giveUp(new Visit.Id(giveUp.desk(), giveUp.number()));
    return this;
  }

  private Behavior<Command> onCalled(Called called) {
    ActorRef<Desk.Command> desk = called.desk();
    if (desks.containsKey(desk)) {
      RollCall call = rollCalls.computeIfAbsent(desk, any -> new RollCall());
      desk.tell(new Desk.Called(getContext().getSelf(), visits.answer(desk, called.roll(), call)));
    }
    return this;
  }

  // ---- checkouts

  private Behavior<Command> onLend(Lend lend) {
    if (lend.borrower() == null || lend.desk() == null) {
      return this;
    }
    lender.lend(lend);
    return this;
  }

  private Behavior<Command> onSettled(Settled settled) {
    lender.settled(settled);
    return this;
  }

  private Behavior<Command> onWithdraw(Withdraw withdraw) {
    lender.withdraw(withdraw);
    return this;
  }

  private Behavior<Command> onKeep(Keep keep) {
    lender.keep(keep);
    return this;
  }

  // ---- operators

  private Behavior<Command> onCount(Count count) {
    pool.stats()
        .thenAccept(stats -> count.replyTo().tell(new Counted(stats.named(visits.site().name()))));
    return this;
  }

  private Behavior<Command> onFollow(Follow follow) {
    getContext().spawnAnonymous(Relay.create(pool.ref(), visits.site(), follow.ear()));
    return this;
  }

  private Behavior<Command> onDump(Dump dump) {
    pool.dump(dump.worker())
        .whenComplete((stacks, failure) -> dump.replyTo().tell(dumped(stacks, failure)));
    return this;
  }

  private Dumped dumped(@Nullable String stacks, @Nullable Throwable failure) {
    if (failure != null || stacks == null) {
      Throwable why = failure == null ? new IllegalStateException("no stacks") : failure;
      return new Dumped(null, FailureForm.of(why, visits.site()::outside));
    }
    var text = new Payload(stacks.getBytes(UTF_8), false, List.of());
    return new Dumped(visits.parcels().pack(text), null);
  }

  private Behavior<Command> onResize(Resize resize) {
    pool.resize(resize.min(), resize.max());
    return this;
  }

  private Behavior<Command> onReset() {
    pool.reset();
    return this;
  }

  // ---- what others know of this node

  private Behavior<Command> onJoin(Join join) {
    if (!Protocol.understands(join.version(), join.desk(), getContext().getLog())) {
      return this; // it is told no load, so it sends no calls
    }
    if (!desks.containsKey(join.desk())) {
      getContext().watchWith(join.desk(), new DeskGone(join.desk()));
    }
    tell(join.desk());
    return this;
  }

  private Behavior<Command> onDeskGone(DeskGone gone) {
    desks.remove(gone.desk());
    rollCalls.remove(gone.desk());
    visits.giveUpAll(gone.desk());
    return this;
  }

  private Behavior<Command> onClose() {
    closed = true;
    tellAll();
    return this;
  }

  private Behavior<Command> onHappened(Happened happened) {
    PoolEvent event = happened.event();
    if (event instanceof PoolEvent.LeaseEnded ended) {
      lender.on(ended);
      tellAll();
      return this;
    }
    if (event instanceof PoolEvent.WorkerReady one) {
      ready.add(one.worker());
    } else if (event instanceof PoolEvent.WorkerGone one) {
      ready.remove(one.worker());
    } else if (event instanceof PoolEvent.PoolResized resized) {
      mostWorkers = resized.max();
    } else if (!(event instanceof PoolEvent.PoolDraining
        || event instanceof PoolEvent.PoolStopped
        || event instanceof PoolEvent.CircuitOpened
        || event instanceof PoolEvent.CircuitClosed)) {
      return this;
    }
    tellAll();
    return this;
  }

  private Behavior<Command> onTick() {
    ticks++;
    if (ticks % ticksToRepeat == 0) {
      desks.keySet().forEach(this::tell);
    } else {
      tellAll();
    }
    return this;
  }

  /** Those for whom something has changed. */
  private void tellAll() {
    desks.replaceAll(
        (desk, before) -> {
          Load now = load(desk);
          if (!now.equals(before)) {
            desk.tell(new Desk.Loaded(getContext().getSelf(), now, Protocol.VERSION));
          }
          return now;
        });
  }

  private void tell(ActorRef<Desk.Command> desk) {
    Load now = load(desk);
    desks.put(desk, now);
    desk.tell(new Desk.Loaded(getContext().getSelf(), now, Protocol.VERSION));
  }

  private Load load(ActorRef<Desk.Command> desk) {
    PoolStatus status = closed ? PoolStatus.DRAINING : pool.status();
    return new Load(status, ready.size(), rooms(), visits.others(desk) + lender.others(desk));
  }

  /**
   * As many calls as its workers can have at once, a few more if they are so short that a worker
   * would wait for the network between them. Those that it has no worker for yet count too: a pool
   * grows when calls wait for it. What a node has in its hands may be lost with it, so no more.
   */
  private int rooms() {
    PoolSettings settings = pool.settings();
    boolean brief = visits.usualNanos() < settings.shortCall().toNanos();
    int each = Math.max(settings.worker().concurrency(), brief ? AHEAD_IF_SHORT : 1);
    return Math.max(mostWorkers, ready.size()) * each;
  }
}
