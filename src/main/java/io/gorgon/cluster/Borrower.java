package io.gorgon.cluster;

import io.gorgon.message.ClusterMessage;
import io.gorgon.message.FailureForm;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.CheckoutRefused;
import io.gorgon.message.PythonFailure.CheckoutRefused.Reason;
import io.gorgon.message.WorkerId;
import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.pool.Granted;
import io.gorgon.pool.Lease;
import io.gorgon.pool.Pool;
import io.gorgon.pool.Verdict;
import io.gorgon.worker.PendingCall;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.RecipientRef;
import org.apache.pekko.actor.typed.javadsl.AbstractBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.Receive;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.apache.pekko.pattern.StatusReply;
import org.jspecify.annotations.Nullable;

/**
 * Checks workers of any node out for the users of this one: of the least loaded node, or, for a
 * session, of the one that has the session. The lease itself is at that node, with all its limits;
 * here is who holds it, under a number of this node's.
 */
final class Borrower extends AbstractBehavior<Borrower.Command> {

  /** What a borrower can be told. */
  sealed interface Command {}

  /** A node has lent a worker. */
  record Lent(long number, ActorRef<Gate.Command> gate, Lease lease, WorkerId worker)
      implements Command, ClusterMessage {

    Lent {
      lease = Objects.requireNonNullElse(lease, NO_LEASE);
      worker = Objects.requireNonNullElse(worker, NOBODY);
    }
  }

  /** A node lends none. */
  record Refused(long number, FailureForm failure) implements Command, ClusterMessage {

    Refused {
      failure = Objects.requireNonNullElse(failure, UNNAMED);
    }
  }

  /** A lease has ended at its node. */
  record Ended(ActorRef<Gate.Command> gate, Lease lease) implements Command, ClusterMessage {

    Ended {
      lease = Objects.requireNonNullElse(lease, NO_LEASE);
    }
  }

  /** Check a worker out. */
  record Borrow(Pool.Checkout checkout) implements Command {}

  /** The asker has gone. */
  record Cancel(ActorRef<StatusReply<Granted>> replyTo) implements Command {}

  /** What the holder says of a lease. */
  record Keep(Lease lease, Gate.Step step, Verdict verdict) implements Command {}

  /** Run a call on a worker that is checked out. */
  record Run(Lease lease, PendingCall call) implements Command {}

  /** Take nothing new, and answer those who wait. */
  record Close() implements Command {}

  /** Give everything back, whatever runs. */
  record End() implements Command {}

  private record OwnerGone(ActorRef<?> owner) implements Command {}

  private record GateGone(ActorRef<Gate.Command> gate) implements Command {}

  private record Tick() implements Command {}

  private static final Lease NO_LEASE = new Lease(0, 0, 0);
  private static final WorkerId NOBODY = new WorkerId("", 0, 0);
  private static final FailureForm UNNAMED = new FailureForm("", "", false, new byte[0]);

  /** How often it is looked at what waits. */
  private static final Duration TICK = Duration.ofMillis(20);

  private static final Set<Reason> ELSEWHERE =
      Set.of(Reason.DRAINING, Reason.STOPPED, Reason.NO_CAPACITY, Reason.QUEUE_FULL);

  /** Somebody who wants a worker. */
  private static final class Request {
    private final Pool.Checkout checkout;
    private final long deadline;
    private final Set<Station> refusedBy = new HashSet<>();
    private long number;
    private boolean sent;
    private @Nullable Station at;

    Request(Pool.Checkout checkout, long deadline) {
      this.checkout = checkout;
      this.deadline = deadline;
    }
  }

  /** A lease that somebody here holds. */
  private record Holding(
      RemoteLease road, @Nullable Station at, Optional<ActorRef<?>> owner, Lease lease) {}

  private record Known(ActorRef<Gate.Command> gate, Lease lease) {}

  /** Makes one; {@code sessions} finds a session by its key. */
  static Behavior<Command> create(
      String pool,
      RemoteLease.Means means,
      @Nullable Function<String, ? extends RecipientRef<SessionEntity.Command>> sessions) {
    return Unshaken.of(
        Behaviors.setup(
            context ->
                Behaviors.withTimers(
                    timers -> new Borrower(context, timers, pool, means, sessions))));
  }

  private final TimerScheduler<Command> timers;
  private final String pool;
  private final RemoteLease.Means means;
  private final Router router;
  private final @Nullable Function<String, ? extends RecipientRef<SessionEntity.Command>> sessions;
  private final Map<Long, Request> requests = new LinkedHashMap<>();
  private final Map<Lease, Holding> holdings = new HashMap<>();
  private final Map<Known, Lease> known = new HashMap<>();
  private long numbers;
  private boolean closed;

  private Borrower(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      String pool,
      RemoteLease.Means means,
      @Nullable Function<String, ? extends RecipientRef<SessionEntity.Command>> sessions) {
    super(context);
    this.timers = timers;
    this.pool = pool;
    this.means = means;
    this.router = means.router();
    this.sessions = sessions;
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Lent.class, this::onLent)
        .onMessage(Refused.class, this::onRefused)
        .onMessage(Ended.class, this::onEnded)
        .onMessage(Borrow.class, this::onBorrow)
        .onMessage(Cancel.class, this::onCancel)
        .onMessage(Keep.class, this::onKeep)
        .onMessage(Run.class, this::onRun)
        .onMessage(Close.class, close -> onClose())
        .onMessage(End.class, end -> onEnd())
        .onMessage(OwnerGone.class, this::onOwnerGone)
        .onMessage(GateGone.class, this::onGateGone)
        .onMessage(Tick.class, tick -> onTick())
        .build();
  }

  // ---- those who want a worker

  private Behavior<Command> onBorrow(Borrow borrow) {
    Pool.Checkout checkout = borrow.checkout();
    var request = new Request(checkout, means.clock().after(checkout.timeout()));
    String problem = checkout.kind().problem();
    if (problem != null) {
      refuse(request, Reason.INVALID_KIND, problem);
    } else if (closed) {
      refuse(request, Reason.DRAINING, "this node takes nothing new");
    } else if (checkout.kind().session().isPresent() && sessions == null) {
      refuse(request, Reason.INVALID_KIND, "sessions need a store that all nodes share");
    } else {
      checkout.owner().ifPresent(owner -> getContext().watchWith(owner, new OwnerGone(owner)));
      place(request);
      if (!timers.isTimerActive(Tick.class)) {
        timers.startTimerWithFixedDelay(Tick.class, new Tick(), TICK);
      }
    }
    return this;
  }

  private void refuse(Request request, Reason reason, String details) {
    fail(request, new CheckoutRefused(pool, reason, details));
  }

  private void fail(Request request, PythonFailure failure) {
    requests.remove(request.number);
    request.checkout.replyTo().tell(StatusReply.error(failure));
  }

  /** Sends it to a node; with none there, it waits for one. */
  private void place(Request request) {
    requests.remove(request.number);
    request.number = ++numbers;
    requests.put(request.number, request);
    Duration left = Duration.ofNanos(Math.max(1, request.deadline - means.clock().getAsLong()));
    String key = request.checkout.kind().session().orElse(null);
    Affinity affinity = request.checkout.kind().affinity();
    if (key != null && sessions != null) {
      request.sent = true;
      sessions
          .apply(key)
          .tell(
              new SessionEntity.Lend(
                  getContext().getSelf(), means.desk(), request.number, affinity, left));
      return;
    }
    Station to = router.borrowFrom(request.refusedBy);
    request.at = to;
    request.sent = to != null;
    if (to != null) {
      getContext().watchWith(to.gate(), new GateGone(to.gate()));
      to.gate()
          .tell(
              new Gate.Lend(
                  getContext().getSelf(), means.desk(), request.number, null, affinity, left));
    }
  }

  private void leaves(Request request) {
    request.sent = false;
    Station at = request.at;
    request.at = null;
    if (at != null) {
      router.borrowed(at, -1);
    }
  }

  private Behavior<Command> onLent(Lent lent) {
    Request request = requests.remove(lent.number());
    if (request == null) {
      lent.gate().tell(new Gate.Keep(lent.lease(), Gate.Step.RETURN, Verdict.CLEAN));
      return this;
    }
    Station at = request.at;
    if (at == null) {
      at = router.station(lent.gate());
      if (at != null) {
        router.borrowed(at, 1);
      }
    }
    var lease = new Lease(lent.lease().slot(), lent.lease().generation(), ++numbers);
    var road = new RemoteLease(means, lent.gate(), lent.lease(), lent.worker());
    holdings.put(lease, new Holding(road, at, request.checkout.owner(), lease));
    known.put(new Known(lent.gate(), lent.lease()), lease);
    router.lent(1);
    getContext().watchWith(lent.gate(), new GateGone(lent.gate()));
    request.checkout.replyTo().tell(StatusReply.success(new Granted(lease, road)));
    return this;
  }

  private Behavior<Command> onRefused(Refused refused) {
    Request request = requests.get(refused.number());
    if (request == null) {
      return this;
    }
    PythonFailure failure = refused.failure().failure();
    boolean elsewhere =
        failure instanceof CheckoutRefused why && ELSEWHERE.contains(why.reason()) && !closed;
    Station by = request.at;
    leaves(request);
    if (elsewhere && request.checkout.kind().session().isPresent()) {
      // Its session is on its way to another node, if it is that: it is asked again at the next
      // tick, until its time is up.
      if (isMoving(failure)) {
        return this;
      }
    } else if (elsewhere && by != null) {
      request.refusedBy.add(by);
      if (router.hasOthers(request.refusedBy)) {
        place(request);
        return this;
      }
    }
    fail(request, failure);
    return this;
  }

  private static boolean isMoving(PythonFailure failure) {
    return failure instanceof CheckoutRefused why
        && (why.reason() == Reason.DRAINING || why.reason() == Reason.STOPPED);
  }

  private Behavior<Command> onTick() {
    long now = means.clock().getAsLong();
    for (Request request : List.copyOf(requests.values())) {
      if (now - request.deadline >= (request.sent ? Crossing.WORD_NANOS : 0)) {
        drop(request, Reason.DEADLINE, "no worker came free in time");
      } else if (!request.sent) {
        place(request);
      }
    }
    if (requests.isEmpty()) {
      timers.cancel(Tick.class);
    }
    return this;
  }

  /** Gives a request up that a node may have. */
  private void drop(Request request, Reason reason, String details) {
    withdraw(request);
    leaves(request);
    refuse(request, reason, details);
  }

  /** What a session's node has needs no word: what comes from there is given back. */
  private void withdraw(Request request) {
    Station at = request.at;
    if (at != null) {
      at.gate().tell(new Gate.Withdraw(getContext().getSelf(), request.number));
    }
  }

  private void dropAll(Predicate<Request> which, Reason reason, String details) {
    for (Request request : List.copyOf(requests.values())) {
      if (which.test(request)) {
        drop(request, reason, details);
      }
    }
  }

  private Behavior<Command> onCancel(Cancel cancel) {
    dropAll(
        request -> request.checkout.replyTo().equals(cancel.replyTo()),
        Reason.CANCELLED,
        "it was withdrawn");
    return this;
  }

  // ---- those who have one

  private Behavior<Command> onKeep(Keep keep) {
    Holding holding = holdings.get(keep.lease());
    if (holding != null) {
      RemoteLease road = holding.road();
      road.gate().tell(new Gate.Keep(road.lease(), keep.step(), keep.verdict()));
      if (keep.step() == Gate.Step.RETURN || keep.step() == Gate.Step.LEAVE) {
        forget(holding);
      }
    }
    return this;
  }

  private Behavior<Command> onRun(Run run) {
    Holding holding = holdings.get(run.lease());
    if (holding == null || !holding.road().start(run.call())) {
      run.call()
          .fail(
              new CheckoutRefused(
                  pool, Reason.LEASE_ENDED, run.lease() + " has ended: check out again"));
    }
    return this;
  }

  private Behavior<Command> onEnded(Ended ended) {
    Lease lease = known.get(new Known(ended.gate(), ended.lease()));
    Holding holding = lease == null ? null : holdings.get(lease);
    if (holding != null) {
      forget(holding);
    }
    return this;
  }

  private void forget(Holding holding) {
    holding.road().end();
    if (holdings.remove(holding.lease()) != null) {
      known.remove(new Known(holding.road().gate(), holding.road().lease()));
      Station at = holding.at();
      if (at != null) {
        router.borrowed(at, -1);
      }
      router.lent(-1);
    }
  }

  private void leave(Holding holding) {
    RemoteLease road = holding.road();
    road.gate().tell(new Gate.Keep(road.lease(), Gate.Step.LEAVE, Verdict.BROKEN));
    forget(holding);
  }

  // ---- ends

  private Behavior<Command> onOwnerGone(OwnerGone gone) {
    var owner = Optional.of(gone.owner());
    dropAll(
        request -> request.checkout.owner().equals(owner), Reason.OWNER_DEAD, "its owner stopped");
    List.copyOf(holdings.values()).stream()
        .filter(holding -> holding.owner().equals(owner))
        .forEach(this::leave);
    return this;
  }

  private Behavior<Command> onGateGone(GateGone gone) {
    for (Holding holding : List.copyOf(holdings.values())) {
      if (holding.road().gate().equals(gone.gate())) {
        forget(holding);
      }
    }
    for (Request request : List.copyOf(requests.values())) {
      Station at = request.at;
      if (at != null && at.gate().equals(gone.gate())) {
        leaves(request); // the next tick finds it another node
      }
    }
    return this;
  }

  private Behavior<Command> onClose() {
    closed = true;
    dropAll(request -> true, Reason.DRAINING, "this node takes nothing new");
    return this;
  }

  private Behavior<Command> onEnd() {
    List.copyOf(holdings.values()).forEach(this::leave);
    return this;
  }
}
