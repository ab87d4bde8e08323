package io.gorgon.cluster;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonFormat.Feature;
import io.gorgon.PythonPool;
import io.gorgon.message.ClusterMessage;
import io.gorgon.message.FailureForm;
import io.gorgon.message.PythonFailure.CheckoutRefused;
import io.gorgon.message.PythonFailure.Draining;
import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.session.SessionState;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletionException;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.javadsl.AbstractBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.Receive;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.apache.pekko.cluster.sharding.typed.javadsl.ClusterSharding;
import org.jspecify.annotations.Nullable;

/**
 * Has one session on behalf of the whole cluster: its calls run in the pool of this node, one after
 * another. It stops when nobody has used it for a while, or when its shard goes to another node,
 * and never while a call or a commit of it is under way: the next owner loads what was kept.
 */
final class SessionEntity extends AbstractBehavior<SessionEntity.Command> {

  /** What a session can be told. */
  sealed interface Command {}

  /** Somebody has a call for the session, wherever that is: who has it? Does no harm twice. */
  record Knock(ActorRef<Desk.Command> desk, long number) implements Command, ClusterMessage {}

  /** Run a call. */
  record Serve(
      ActorRef<Desk.Command> desk,
      long number,
      Errand errand,
      @JsonFormat(with = Feature.READ_UNKNOWN_ENUM_VALUES_AS_NULL) Affinity affinity,
      Parcel request)
      implements Command, ClusterMessage {

    Serve {
      errand = Errand.orNone(errand);
      affinity = Objects.requireNonNullElse(affinity, Affinity.PREFER);
      request = Parcel.orEmpty(request);
    }
  }

  /** Check a worker out for the session. */
  record Lend(
      ActorRef<Borrower.Command> borrower,
      ActorRef<Desk.Command> desk,
      long number,
      @JsonFormat(with = Feature.READ_UNKNOWN_ENUM_VALUES_AS_NULL) Affinity affinity,
      Duration timeout)
      implements Command, ClusterMessage {

    Lend {
      affinity = Objects.requireNonNullElse(affinity, Affinity.PREFER);
      timeout = Objects.requireNonNullElse(timeout, Duration.ZERO);
    }
  }

  /** Nobody waits for that call any more. */
  record GiveUp(ActorRef<Desk.Command> desk, long number) implements Command, ClusterMessage {}

  /** Forget the state, behind the calls that wait. */
  record End(ActorRef<Ended> replyTo) implements Command, ClusterMessage {}

  /** Tell the state. */
  record Look(ActorRef<Seen> replyTo) implements Command, ClusterMessage {}

  /** The session is going to be elsewhere, or nowhere: finish. */
  record HandOff() implements Command {}

  /** The state is gone, or why it is not. */
  record Ended(@Nullable FailureForm failure) implements ClusterMessage {}

  /** The state, or why there is none to be seen. */
  record Seen(@Nullable Parcel state, @Nullable FailureForm failure) implements ClusterMessage {}

  private record Over(Visit.Id visit) implements Command {}

  private record Idle() implements Command {}

  private record Overdue() implements Command {}

  private record TryStop() implements Command {}

  private record StateRead(
      ActorRef<Seen> replyTo, @Nullable SessionState state, @Nullable Throwable failure)
      implements Command {}

  private record StateEnded(ActorRef<Ended> replyTo, @Nullable Throwable failure)
      implements Command {}

  /** How often it is looked whether the last commit has ended. */
  private static final Duration LOOK = Duration.ofMillis(20);

  /** Has the session of that key in the pool of this node. */
  static Behavior<Command> create(
      String key,
      Hosted hosted,
      ClusterSettings settings,
      ActorRef<ClusterSharding.ShardCommand> shard) {
    return Unshaken.of(
        Behaviors.setup(
            context ->
                Behaviors.withTimers(
                    timers -> new SessionEntity(context, timers, key, hosted, settings, shard))));
  }

  private final TimerScheduler<Command> timers;
  private final String key;
  private final PythonPool pool;
  private final Visits visits;
  private final ActorRef<Gate.Command> gate;
  private final ClusterSettings settings;
  private final ActorRef<ClusterSharding.ShardCommand> shard;
  private final Set<Visit.Id> present = new HashSet<>();

  /** Nodes that know of this one, each with the number of the last call that was taken of it. */
  private final Map<ActorRef<Desk.Command>, Long> desks = new HashMap<>();

  private int questions;
  private boolean leaving;

  /** Whether nothing of a former stay here is left, such as a call that was cut off with it. */
  private boolean fresh;

  private SessionEntity(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      String key,
      Hosted hosted,
      ClusterSettings settings,
      ActorRef<ClusterSharding.ShardCommand> shard) {
    super(context);
    this.timers = timers;
    this.key = key;
    this.pool = hosted.pool();
    this.visits = hosted.visits();
    this.gate = hosted.gate();
    this.settings = settings;
    this.shard = shard;
    // Whoever had it since may have changed it.
    fresh = pool.sessions().release(key);
    startIdleTime();
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Knock.class, this::onKnock)
        .onMessage(Serve.class, this::onServe)
        .onMessage(Lend.class, this::onLend)
        .onMessage(GiveUp.class, this::onGiveUp)
        .onMessage(End.class, this::onEnd)
        .onMessage(Look.class, this::onLook)
        .onMessage(HandOff.class, handOff -> onHandOff())
        .onMessage(Over.class, this::onOver)
        .onMessage(Idle.class, idle -> onIdle())
        .onMessage(Overdue.class, overdue -> onOverdue())
        .onMessage(TryStop.class, again -> onTryStop())
        .onMessage(StateRead.class, this::onStateRead)
        .onMessage(StateEnded.class, this::onStateEnded)
        .onSignal(PostStop.class, signal -> onPostStop())
        .build();
  }

  /** One that is about to leave says nothing: who knocks again will find the next owner. */
  private Behavior<Command> onKnock(Knock knock) {
    fresh = fresh || pool.sessions().release(key);
    if (!leaving && fresh && knock.desk() != null) {
      desks.putIfAbsent(knock.desk(), 0L);
      knock.desk().tell(new Desk.Here(knock.number(), getContext().getSelf(), gate));
    }
    return this;
  }

  private Behavior<Command> onServe(Serve serve) {
    if (serve.desk() == null) {
      return this; // of a sender that names nobody who would hear the answer
    }
    if (leaving) {
      visits.parcels().discard(serve.request());
      serve
          .desk()
          .tell(
              new Desk.Failed(serve.number(), 0, FailureForm.of(new Draining(pool.name(), false))));
      return this;
    }
    timers.cancel(Idle.class);
    desks.merge(serve.desk(), serve.number(), Math::max);
    var id = new Visit.Id(serve.desk(), serve.number());
    present.add(id);
    // Before anything else is: what was not taken has not run.
    serve.desk().tell(new Desk.Taken(serve.number(), gate));
    ActorRef<Command> self = getContext().getSelf();
    visits.take(
        id,
        serve.errand(),
        serve.request(),
        new InOrder(), // of one node there is one at a time, and others have no order with it
        pool.session(key).with(serve.affinity())::submit,
        () -> self.tell(new Over(id)));
    return this;
  }

  /** A lease is its holder's, and outlives the session's stay here. */
  private Behavior<Command> onLend(Lend lend) {
    if (leaving) {
      var moving =
          new CheckoutRefused(
              pool.name(), CheckoutRefused.Reason.DRAINING, "the session moves to another node");
      lend.borrower().tell(new Borrower.Refused(lend.number(), FailureForm.of(moving)));
    } else {
      gate.tell(
          new Gate.Lend(
              lend.borrower(), lend.desk(), lend.number(), key, lend.affinity(), lend.timeout()));
    }
    return this;
  }

  private Behavior<Command> onGiveUp(GiveUp giveUp) {
    visits.giveUp(new Visit.Id(giveUp.desk(), giveUp.number()));
    return this;
  }

  private Behavior<Command> onEnd(End end) {
    questions++;
    timers.cancel(Idle.class);
    getContext()
        .pipeToSelf(
            pool.session(key).end(),
            (@Nullable Done done, @Nullable Throwable failure) ->
                new StateEnded(end.replyTo(), failure));
    return this;
  }

  private Behavior<Command> onStateEnded(StateEnded ended) {
    ended.replyTo().tell(new Ended(form(ended.failure())));
    return answered();
  }

  private Behavior<Command> onLook(Look look) {
    questions++;
    timers.cancel(Idle.class);
    getContext()
        .pipeToSelf(
            pool.session(key).state(),
            (@Nullable SessionState state, @Nullable Throwable failure) ->
                new StateRead(look.replyTo(), state, failure));
    return this;
  }

  private Behavior<Command> onStateRead(StateRead read) {
    SessionState state = read.state();
    read.replyTo()
        .tell(
            new Seen(
                state == null ? null : visits.parcels().pack(StateForm.payload(state)),
                form(read.failure())));
    return answered();
  }

  private static @Nullable FailureForm form(@Nullable Throwable failure) {
    return failure == null
        ? null
        : FailureForm.of(
            failure instanceof CompletionException wrapped && wrapped.getCause() != null
                ? wrapped.getCause()
                : failure);
  }

  private Behavior<Command> answered() {
    questions--;
    return onPause();
  }

  private Behavior<Command> onOver(Over over) {
    present.remove(over.visit());
    return onPause();
  }

  private Behavior<Command> onPause() {
    if (isBusy()) {
      return this;
    }
    if (leaving) {
      return onTryStop();
    }
    startIdleTime();
    return this;
  }

  private boolean isBusy() {
    return !present.isEmpty() || questions > 0;
  }

  private void startIdleTime() {
    timers.startSingleTimer(Idle.class, new Idle(), settings.passivateAfter());
  }

  private Behavior<Command> onIdle() {
    if (!isBusy() && !leaving) {
      shard.tell(new ClusterSharding.Passivate<>(getContext().getSelf()));
    }
    return this;
  }

  private Behavior<Command> onHandOff() {
    leaving = true;
    timers.startSingleTimer(Overdue.class, new Overdue(), settings.handOff());
    return onPause();
  }

  /** What still runs is cancelled: sharding waits no longer. */
  private Behavior<Command> onOverdue() {
    present.forEach(id -> visits.giveUp(id, "since its session moves to another node"));
    return this;
  }

  /** A commit whose caller was told already may still be under way. */
  private Behavior<Command> onTryStop() {
    if (isBusy()) {
      return this;
    }
    if (pool.sessions().release(key)) {
      return Behaviors.stopped();
    }
    timers.startSingleTimer(TryStop.class, new TryStop(), LOOK);
    return this;
  }

  /** Nothing that comes now is taken in any more, which is what callers must know. */
  private Behavior<Command> onPostStop() {
    present.forEach(id -> visits.giveUp(id, "since its node has let the session go"));
    desks.forEach((desk, taken) -> desk.tell(new Desk.Left(key, getContext().getSelf(), taken)));
    return this;
  }
}
