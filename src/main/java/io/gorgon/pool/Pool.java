package io.gorgon.pool;

import io.gorgon.connection.Connector;
import io.gorgon.message.Call;
import io.gorgon.message.Exit;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Reply;
import io.gorgon.message.Values;
import io.gorgon.message.WorkerId;
import io.gorgon.wire.FrameCodec;
import io.gorgon.worker.PendingCall;
import io.gorgon.worker.Retirement;
import io.gorgon.worker.Runner;
import io.gorgon.worker.Tally;
import io.gorgon.worker.Worker;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
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
import org.jspecify.annotations.Nullable;

/**
 * Supervises the workers of one pool: feeds {@link PoolState} with what happens and does what that
 * decides. It never blocks. One-shot calls do not pass it, they take the {@link Lane}; checkouts,
 * sessions and everything about the workers' lives do.
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

  /** Gives up a checkout that was sent with the same {@code replyTo}. */
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
   * PoolEvent.WorkerReady} for each worker that is ready already.
   */
  public record Subscribe(ActorRef<PoolEvent> subscriber) implements Command {}

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

  /** How often deadlines are looked at: a promise of 250 ms needs no finer one. */
  private static final Duration TICK = Duration.ofMillis(20);

  private static final Duration MEMORY_CHECK = Duration.ofSeconds(1);

  /** One who waits for a worker: for a lease, or for its call to be run. */
  private record Asker(
      long request,
      @Nullable ActorRef<StatusReply<Granted>> replyTo,
      @Nullable PendingCall call,
      CheckoutKind kind,
      @Nullable ActorRef<?> owner) {}

  /** A worker actor, and the road to the process that it has. */
  private static final class Hand {
    final ActorRef<Worker.Command> actor;
    final int slot;
    @Nullable Runner runner;
    long pid;
    long generation;

    Hand(ActorRef<Worker.Command> actor, int slot) {
      this.actor = actor;
      this.slot = slot;
    }
  }

  private final PoolSettings settings;
  private final Entrance entrance;
  private final Connector connector;
  private final Lane lane;
  private final PoolState state;
  private final ActorRef<Worker.Event> workerEvents;
  private final Map<Long, Hand> hands = new HashMap<>();
  private final Map<Integer, Tally> tallies = new HashMap<>();
  private final Deque<PoolInput> followUps = new ArrayDeque<>();
  private final Map<Long, Asker> askers = new HashMap<>();
  private final Map<Lease, Asker> holders = new HashMap<>();
  private final Map<ActorRef<?>, Long> owners = new HashMap<>();
  private final Set<ActorRef<?>> watched = new HashSet<>();
  private final Set<ActorRef<PoolEvent>> subscribers = new LinkedHashSet<>();
  private final List<ActorRef<Done>> drainers = new ArrayList<>();
  private PythonFailure lastBreak = new PythonFailure.NoCapacity("", "", List.of());
  private long requests;
  private long ownersSeen;
  private long memoryCheckAt;

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
                Duration.ofMillis(10), Duration.ofSeconds(5), 0.2));
  }

  private Pool(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      Entrance entrance,
      Connector connector) {
    super(context);
    this.settings = entrance.settings();
    this.entrance = entrance;
    this.connector = connector;
    this.state = new PoolState(settings);
    this.workerEvents = context.messageAdapter(Worker.Event.class, WorkerEvent::new);
    this.lane = entrance.begin(context.getSelf(), laneSupervisor(context.getSelf()));
    timers.startTimerWithFixedDelay(new Tick(), TICK);
    context
        .getSystem()
        .receptionist()
        .tell(Receptionist.register(serviceKey(settings.name()), context.getSelf()));
    feed(entrance.isEndWanted() ? new PoolInput.DrainWanted(now()) : new PoolInput.Began());
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
    pending(execute.call(), execute.replyTo()).ifPresent(lane::offer);
    return this;
  }

  private Behavior<Command> onRun(Run run) {
    Runner runner = runnerOf(run.lease());
    pending(run.call(), run.replyTo())
        .filter(call -> runner == null || !runner.startLeased(run.lease(), call))
        .ifPresent(
            call ->
                call.fail(
                    new PythonFailure.CheckoutRefused(
                        settings.name(),
                        PythonFailure.CheckoutRefused.Reason.LEASE_ENDED,
                        run.lease() + " has ended: check out again")));
    return this;
  }

  private Optional<PendingCall> pending(Call call, ActorRef<StatusReply<Reply>> replyTo) {
    try {
      long now = now();
      String id = entrance.nextCallId();
      var pending =
          new PendingCall(
              id,
              call,
              FrameCodec.fitting(
                  "the request to " + call.target(),
                  Values.encodeRequest(call, id),
                  settings.launch().frameLimit()),
              now,
              entrance.clock().after(call.timeout().orElse(settings.callTimeout())));
      pending.answer().whenComplete((reply, failure) -> answer(replyTo, reply, failure));
      return Optional.of(pending);
    } catch (PythonFailure refused) {
      replyTo.tell(StatusReply.error(refused));
      return Optional.empty();
    }
  }

  private static void answer(
      ActorRef<StatusReply<Reply>> replyTo, @Nullable Reply reply, @Nullable Throwable failure) {
    if (reply != null) {
      replyTo.tell(StatusReply.success(reply));
    } else if (failure instanceof CompletionException wrapped && wrapped.getCause() != null) {
      replyTo.tell(StatusReply.error(wrapped.getCause()));
    } else if (failure != null) {
      replyTo.tell(StatusReply.error(failure));
    }
  }

  private Behavior<Command> onSubmit(Submit submit) {
    PendingCall call = submit.call();
    long request = ++requests;
    askers.put(request, new Asker(request, null, call, submit.kind(), null));
    heldByLine(call, request);
    feed(new PoolInput.Asked(request, submit.kind(), 0, call.deadline(), true));
    if (call.isDone()) {
      feed(new PoolInput.Withdrawn(request));
    }
    return this;
  }

  private void heldByLine(PendingCall call, long request) {
    call.heldBy(
        new PendingCall.Holder() {
          private final ActorRef<Command> self = getContext().getSelf();

          @Override
          public void onAbandoned(PendingCall abandoned, boolean dirty) {
            self.tell(new Fed(new PoolInput.Withdrawn(request)));
          }

          @Override
          public boolean hasStarted(PendingCall waiting) {
            return false;
          }

          @Override
          public String toString() {
            return "the session's line";
          }
        });
  }

  private Behavior<Command> onCheckout(Checkout checkout) {
    long request = ++requests;
    long deadline = entrance.clock().after(checkout.timeout());
    ActorRef<?> owner = checkout.owner().orElse(null);
    askers.put(request, new Asker(request, checkout.replyTo(), null, checkout.kind(), owner));
    feed(new PoolInput.Asked(request, checkout.kind(), ownerNumber(owner), deadline, false));
    return this;
  }

  private Behavior<Command> onAcknowledge(Acknowledge acknowledge) {
    feed(new PoolInput.Acknowledged(acknowledge.lease()));
    return this;
  }

  private Behavior<Command> onRenew(Renew renew) {
    feed(new PoolInput.Renewed(renew.lease()));
    return this;
  }

  private Behavior<Command> onReturn(Return back) {
    feed(new PoolInput.Returned(back.lease(), back.verdict(), reclaim(back.lease())));
    return this;
  }

  private Behavior<Command> onCancel(Cancel cancel) {
    List<Asker> all = new ArrayList<>(askers.values());
    all.addAll(holders.values());
    for (Asker asker : all) {
      if (cancel.replyTo().equals(asker.replyTo())) {
        feed(new PoolInput.Withdrawn(asker.request()));
      }
    }
    return this;
  }

  private Behavior<Command> onEndSession(EndSession end) {
    feed(new PoolInput.SessionEnded(end.key()));
    return this;
  }

  // ---- operators

  private Behavior<Command> onResize(Resize resize) {
    feed(new PoolInput.Resized(resize.min(), resize.max()));
    return this;
  }

  private Behavior<Command> onReset(Reset reset) {
    feed(new PoolInput.ResetWanted());
    return this;
  }

  private Behavior<Command> onDrain(Drain drain) {
    drainers.add(drain.replyTo());
    entrance.endWanted();
    feed(new PoolInput.DrainWanted(entrance.clock().after(drain.timeout())));
    return this;
  }

  private Behavior<Command> onGetStats(GetStats ask) {
    ask.replyTo().tell(stats());
    return this;
  }

  private Behavior<Command> onSubscribe(Subscribe subscribe) {
    if (subscribers.add(subscribe.subscriber())) {
      watch(subscribe.subscriber());
      for (Hand hand : hands.values()) {
        if (hand.runner != null) {
          subscribe.subscriber().tell(new PoolEvent.WorkerReady(hand.runner.id(), hand.pid));
        }
      }
    }
    return this;
  }

  private Behavior<Command> onIntroduce(Introduce introduce) {
    introduce.replyTo().tell(entrance);
    return this;
  }

  // ---- time

  private Behavior<Command> onTick(Tick tick) {
    long now = now();
    feed(new PoolInput.Ticked());
    lane.expire(now);
    hands.values().stream().map(hand -> hand.runner).forEach(runner -> expire(runner, now));
    lane.waitingSince().ifPresent(since -> feed(new PoolInput.Pressed(since)));
    lookAtIdle(now);
    measureMemory(now);
    return this;
  }

  private static void expire(@Nullable Runner runner, long now) {
    if (runner != null) {
      runner.expire(now);
    }
  }

  private void lookAtIdle(long now) {
    long check = settings.idleCheck().toNanos();
    long shrink = settings.idleTimeout().toNanos();
    for (Runner runner : lane.idle()) {
      WorkerId id = runner.id();
      if (shrink > 0 && now - runner.idleSince() >= shrink) {
        feed(new PoolInput.Idled(id.slot(), id.generation(), PoolInput.IdleStep.SHRINK));
      }
      if (check > 0 && now - runner.unheardSince() >= check) {
        feed(new PoolInput.Idled(id.slot(), id.generation(), PoolInput.IdleStep.CHECK));
      }
    }
  }

  private void measureMemory(long now) {
    if (settings.maxMemory() > 0 && now - memoryCheckAt >= 0) {
      memoryCheckAt = now + MEMORY_CHECK.toNanos();
      getContext()
          .pipeToSelf(
              connector.memory(),
              (bytes, failure) -> new MemoryMeasured(bytes == null ? Map.of() : bytes));
    }
  }

  private Behavior<Command> onMemoryMeasured(MemoryMeasured measured) {
    measured
        .bytes()
        .forEach(
            (worker, bytes) -> {
              if (bytes > settings.maxMemory()) {
                feed(
                    new PoolInput.RetireDue(
                        worker.slot(), worker.generation(), Retirement.Reason.MEMORY));
              }
            });
    return this;
  }

  // ---- workers

  private Behavior<Command> onLaneClaimed(LaneClaimed claimed) {
    WorkerId id = claimed.runner().id();
    feed(new PoolInput.Claimed(id.slot(), id.generation(), claimed.request()));
    return this;
  }

  private Behavior<Command> onLanePressed(LanePressed pressed) {
    feed(new PoolInput.Pressed(now()));
    return this;
  }

  private Behavior<Command> onWorkerEvent(WorkerEvent wrapped) {
    Worker.Event event = wrapped.event();
    if (event instanceof Worker.Wants wants) {
      feed(new PoolInput.Wanted(wants.slot(), wants.lineage()));
    } else if (event instanceof Worker.Ready ready) {
      onWorkerReady(ready);
    } else if (event instanceof Worker.Gone gone) {
      onWorkerGone(gone);
    } else if (event instanceof Worker.Checked checked) {
      feed(
          new PoolInput.Checked(
              checked.id().slot(), checked.id().generation(), checked.answered()));
    } else if (event instanceof Worker.LeaseIdle idle && idle.lease() instanceof Lease lease) {
      onLeaseIdle(lease);
    } else if (event instanceof Worker.RetireDue due) {
      feed(new PoolInput.RetireDue(due.id().slot(), due.id().generation(), due.reason()));
    } else if (event instanceof Worker.Noticed noticed) {
      getContext().getLog().warn("worker {}: {}", noticed.id(), noticed.what());
      publish(new PoolEvent.WorkerNoticed(noticed.id(), noticed.what()));
    }
    return this;
  }

  private void onWorkerReady(Worker.Ready ready) {
    Hand hand = hands.get(ready.lineage());
    if (hand == null) {
      return;
    }
    hand.runner = ready.runner();
    hand.pid = ready.pid();
    hand.generation = ready.runner().id().generation();
    feed(new PoolInput.BecameReady(hand.slot, ready.lineage(), ready.runner().id().generation()));
    showStatus();
    publish(new PoolEvent.WorkerReady(ready.runner().id(), ready.pid()));
  }

  private void onWorkerGone(Worker.Gone gone) {
    Hand hand = hands.get(gone.lineage());
    if (hand != null) {
      if (hand.runner != null) {
        lane.remove(hand.runner);
      }
      hand.runner = null;
      hand.pid = 0;
    }
    publish(
        new PoolEvent.WorkerGone(
            gone.id(), gone.closed().exit(), gone.cause(), gone.fault() == Worker.Fault.POOL));
    feed(
        new PoolInput.Gone(
            gone.id().slot(),
            gone.lineage(),
            gone.id().generation(),
            gone.fault(),
            gone.failure(),
            gone.closed().tail(),
            gone.replaced()));
    forgetHolders(gone.id());
    showStatus();
  }

  /** A worker actor that stopped without a word failed in a way that was not foreseen. */
  private Behavior<Command> onWorkerStopped(WorkerStopped stopped) {
    Hand hand = hands.remove(stopped.lineage());
    if (hand == null) {
      return this;
    }
    if (hand.runner != null) {
      lane.remove(hand.runner);
      String cause = "its actor stopped unexpectedly";
      publish(new PoolEvent.WorkerGone(hand.runner.id(), Exit.UNKNOWN, cause, false));
      getContext().getLog().error("worker {} is gone: {}", hand.runner.id(), cause);
      forgetHolders(hand.runner.id());
    }
    feed(new PoolInput.Vanished(hand.slot, stopped.lineage()));
    showStatus();
    return this;
  }

  private void forgetHolders(WorkerId id) {
    holders
        .keySet()
        .removeIf(lease -> lease.slot() == id.slot() && lease.generation() == id.generation());
  }

  private void onLeaseIdle(Lease lease) {
    Asker holder = holders.get(lease);
    if (holder != null && holder.call() != null) {
      feed(new PoolInput.Returned(lease, Verdict.CLEAN, reclaim(lease)));
    }
  }

  private Behavior<Command> onPeerStopped(PeerStopped stopped) {
    watched.remove(stopped.peer());
    subscribers.removeIf(stopped.peer()::equals);
    Long owner = owners.remove(stopped.peer());
    if (owner != null) {
      feed(new PoolInput.OwnerDied(owner));
    }
    return this;
  }

  /** The number of an owner, who is watched from now on; 0 for nobody. */
  private long ownerNumber(@Nullable ActorRef<?> owner) {
    if (owner == null) {
      return 0;
    }
    watch(owner);
    return owners.computeIfAbsent(owner, any -> ++ownersSeen);
  }

  /** Once, whatever it is watched for: Pekko refuses a second message for the same actor. */
  private void watch(ActorRef<?> peer) {
    if (watched.add(peer)) {
      getContext().watchWith(peer, new PeerStopped(peer));
    }
  }

  private Behavior<Command> onFed(Fed fed) {
    feed(fed.input());
    return this;
  }

  // ---- what the state decides

  /** What follows from an effect at once is fed before any other message can come between. */
  private void feed(PoolInput input) {
    for (PoolInput next = input; next != null; next = followUps.poll()) {
      for (PoolEffect effect : state.on(next, now())) {
        carryOut(effect);
      }
    }
  }

  private void carryOut(PoolEffect effect) {
    if (effect instanceof PoolEffect.Admit admit) {
      Runner runner = runnerOf(admit.slot(), admit.generation());
      if (runner != null) {
        lane.admit(runner);
      }
    } else if (effect instanceof PoolEffect.ClaimAny claim) {
      lane.claimAny(claim.request(), servingRunner(claim.prefer()), claim.first());
    } else if (effect instanceof PoolEffect.Unclaim unclaim) {
      lane.unclaim(unclaim.request());
    } else if (effect instanceof PoolEffect.ClaimSlot claim) {
      Runner runner = runnerOf(claim.slot(), claim.generation());
      if (runner != null) {
        lane.claim(runner);
      }
    } else if (effect instanceof PoolEffect.Grant grant) {
      onGrant(grant);
    } else if (effect instanceof PoolEffect.Refuse refuse) {
      onRefuse(refuse);
    } else if (effect instanceof PoolEffect.Settle settle) {
      // Behind what the lane has told meanwhile.
      Command unsettled = new Fed(new PoolInput.Unsettled(settle.request(), settle.refusal()));
      getContext().getSelf().tell(unsettled);
    } else if (effect instanceof PoolEffect.Reclaim reclaim) {
      followUps.add(new PoolInput.Reclaimed(reclaim.lease(), reclaim(reclaim.lease())));
    } else if (effect instanceof PoolEffect.Abandon abandon) {
      onAbandon(abandon);
    } else if (effect instanceof PoolEffect.Hire hire) {
      onHire(hire);
    } else if (effect instanceof PoolEffect.Start start) {
      tell(start.lineage(), new Worker.Start(start.generation()));
    } else if (effect instanceof PoolEffect.Stop stop) {
      tell(stop.lineage(), new Worker.Stop(stop.cause(), stop.graceful(), stop.replace()));
    } else if (effect instanceof PoolEffect.Check check) {
      tell(check.lineage(), new Worker.Check());
    } else if (effect instanceof PoolEffect.Dismiss dismiss) {
      tell(dismiss.lineage(), new Worker.Stop("not needed", true, false));
    } else if (effect instanceof PoolEffect.Break broken) {
      lastBreak = broken.failure();
      lane.breakWith(broken.failure());
      showStatus();
    } else if (effect instanceof PoolEffect.Mend) {
      lane.mend();
      showStatus();
    } else if (effect instanceof PoolEffect.CloseLane) {
      lane.close(new PythonFailure.Draining(settings.name(), false));
      showStatus();
    } else if (effect instanceof PoolEffect.Publish publish) {
      publish(publish.event());
    } else if (effect instanceof PoolEffect.Finish) {
      getContext().pipeToSelf(connector.close(), (done, failure) -> new Closed());
    }
  }

  private void onHire(PoolEffect.Hire hire) {
    Tally tally = tallies.computeIfAbsent(hire.slot(), slot -> new Tally());
    Behavior<Worker.Command> worker =
        Worker.create(
            settings.name(),
            hire.slot(),
            hire.lineage(),
            connector,
            settings.worker(),
            lane,
            tally,
            entrance.clock(),
            workerEvents);
    ActorRef<Worker.Command> actor =
        getContext().spawn(worker, "worker-" + hire.slot() + "-" + hire.lineage());
    getContext().watchWith(actor, new WorkerStopped(hire.lineage()));
    hands.put(hire.lineage(), new Hand(actor, hire.slot()));
  }

  private void onGrant(PoolEffect.Grant grant) {
    Asker asker = askers.remove(grant.request());
    Runner runner = runnerOf(grant.lease().slot(), grant.lease().generation());
    if (asker == null) {
      followUps.add(new PoolInput.Reclaimed(grant.lease(), Runner.Leftover.UNUSED));
      return;
    }
    Optional<HandOver.Problem> problem =
        runner == null
            ? Optional.of(HandOver.Problem.PROCESS_DEAD)
            : HandOver.lend(
                runner,
                grant.lease(),
                () -> asker.owner() == null || owners.containsKey(asker.owner()),
                getContext().getLog());
    if (problem.isEmpty() && runner != null && asker.call() != null) {
      if (!runner.startLeased(grant.lease(), asker.call())) {
        problem = Optional.of(HandOver.Problem.CONNECTION_CLOSED);
      }
    }
    if (problem.isPresent() || runner == null) {
      askers.put(grant.request(), asker);
      followUps.add(new PoolInput.HandOverFailed(grant.lease(), problem.orElseThrow()));
      return;
    }
    holders.put(grant.lease(), asker);
    if (asker.replyTo() != null) {
      publish(
          new PoolEvent.LeaseGranted(
              runner.id(), grant.lease().sequence(), asker.kind().session().orElse(null)));
      asker.replyTo().tell(StatusReply.success(new Granted(grant.lease(), runner)));
    }
  }

  private void onRefuse(PoolEffect.Refuse refuse) {
    Asker asker = askers.remove(refuse.request());
    if (asker == null) {
      return;
    }
    PythonFailure failure = Refusals.failure(settings.name(), asker.kind(), refuse.refusal());
    if (asker.replyTo() != null) {
      publish(
          new PoolEvent.CheckoutRefused(
              settings.name(),
              refuse.refusal().reason().toString(),
              String.valueOf(failure.getMessage())));
      asker.replyTo().tell(StatusReply.error(failure));
    } else if (asker.call() != null) {
      asker
          .call()
          .fail(
              Refusals.callFailure(
                  settings,
                  asker.call(),
                  asker.kind(),
                  refuse.refusal(),
                  lastBreak,
                  state.line().size(),
                  state.figures()));
    }
  }

  private void onAbandon(PoolEffect.Abandon abandon) {
    Runner runner = runnerOf(abandon.lease());
    if (runner != null) {
      runner.abandonAll(
          call -> new PythonFailure.Cancelled(call.call().target(), true, abandon.why()));
    }
  }

  private Runner.Leftover reclaim(Lease lease) {
    holders.remove(lease);
    Runner runner = runnerOf(lease);
    return runner == null ? Runner.Leftover.NOT_OWNED : runner.reclaim(lease);
  }

  private void tell(long lineage, Worker.Command command) {
    Hand hand = hands.get(lineage);
    if (hand != null) {
      hand.actor.tell(command);
    }
  }

  private @Nullable Runner runnerOf(Lease lease) {
    return runnerOf(lease.slot(), lease.generation());
  }

  private @Nullable Runner runnerOf(int slot, long generation) {
    for (Hand hand : hands.values()) {
      if (hand.slot == slot && hand.generation == generation && hand.runner != null) {
        return hand.runner;
      }
    }
    return null;
  }

  private @Nullable Runner servingRunner(int slot) {
    if (slot < 0 || slot >= state.slots().size()) {
      return null;
    }
    Slot.Member member = state.slots().get(slot).current;
    return member == null ? null : runnerOf(slot, member.generation);
  }

  // ---- telling

  private void publish(PoolEvent event) {
    getContext().getLog().debug("{}", event);
    if (event instanceof PoolEvent.CircuitOpened opened) {
      getContext().getLog().error("pool '{}' cannot serve: {}", opened.pool(), opened.why());
    }
    subscribers.forEach(subscriber -> subscriber.tell(event));
  }

  private void showStatus() {
    if (state.isCircuitOpen()) {
      entrance.show(PoolStatus.BROKEN);
    } else if (!state.isRunning()) {
      entrance.show(PoolStatus.DRAINING);
    } else if (hands.values().stream().anyMatch(hand -> hand.runner != null)
        || entrance.status() == PoolStatus.RUNNING) {
      entrance.show(PoolStatus.RUNNING);
    } else {
      entrance.show(PoolStatus.STARTING);
    }
  }

  private PoolStats stats() {
    return StatsReport.of(
        settings,
        entrance.status(),
        state,
        lane,
        tallies,
        (slot, generation) ->
            hands.values().stream()
                .filter(hand -> hand.slot == slot && hand.generation == generation)
                .map(
                    hand ->
                        new StatsReport.Seen(
                            hand.pid, hand.runner != null && hand.runner.isRunning()))
                .findFirst()
                .orElse(new StatsReport.Seen(0, false)));
  }

  private long now() {
    return entrance.clock().getAsLong();
  }

  // ---- the end

  private Behavior<Command> onClosed(Closed closed) {
    publish(new PoolEvent.PoolStopped(settings.name()));
    entrance.show(PoolStatus.STOPPED);
    tellDrainers();
    // Who has not seen that yet has sent its message before this one: it gets its answer.
    getContext().getSelf().tell(new Emptied());
    return this;
  }

  private Behavior<Command> onEmptied(Emptied emptied) {
    return Behaviors.stopped();
  }

  private void tellDrainers() {
    drainers.forEach(drainer -> drainer.tell(Done.getInstance()));
    drainers.clear();
  }

  private Behavior<Command> onPostStop() {
    entrance.show(PoolStatus.STOPPED);
    answerAll(
        new PythonFailure.Draining(settings.name(), true),
        PythonFailure.CheckoutRefused.Reason.STOPPED,
        "the pool has stopped");
    connector.close();
    tellDrainers();
    return this;
  }

  private Behavior<Command> onPreRestart() {
    String why = "the pool failed and begins anew";
    entrance.show(PoolStatus.STARTING);
    answerAll(
        new PythonFailure.NoCapacity(settings.name(), why, List.of()),
        PythonFailure.CheckoutRefused.Reason.NO_CAPACITY,
        why);
    connector.close();
    tellDrainers();
    return this;
  }

  private void answerAll(
      PythonFailure failure, PythonFailure.CheckoutRefused.Reason reason, String why) {
    lane.close(failure);
    for (Asker asker : askers.values()) {
      if (asker.replyTo() != null) {
        asker
            .replyTo()
            .tell(
                StatusReply.error(new PythonFailure.CheckoutRefused(settings.name(), reason, why)));
      } else if (asker.call() != null) {
        asker.call().fail(failure);
      }
    }
    askers.clear();
  }
}
