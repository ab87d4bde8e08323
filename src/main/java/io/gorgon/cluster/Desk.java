package io.gorgon.cluster;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonFormat.Feature;
import io.gorgon.message.ClusterMessage;
import io.gorgon.message.FailureForm;
import io.gorgon.message.Payload;
import io.gorgon.message.Reply;
import io.gorgon.message.WorkerId;
import io.gorgon.wire.Frame;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.AbstractBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.Receive;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.apache.pekko.actor.typed.receptionist.Receptionist;
import org.jspecify.annotations.Nullable;

/**
 * Hears what other nodes say of this node's calls, and which nodes there are. One for each pool
 * that this node uses.
 */
final class Desk extends AbstractBehavior<Desk.Command> {

  /** What a desk can be told. */
  sealed interface Command {}

  /**
   * What Python said in a call before its answer; {@code position} counts all that is told. Without
   * a kind if that is not known here.
   */
  record Told(
      long number,
      long position,
      @JsonFormat(with = Feature.READ_UNKNOWN_ENUM_VALUES_AS_NULL) Frame.@Nullable Kind kind,
      Parcel parcel)
      implements Command, ClusterMessage {

    Told {
      parcel = Parcel.orEmpty(parcel);
    }
  }

  /** A call's value. */
  record Answered(
      long number,
      long position,
      WorkerId worker,
      int attempts,
      Duration queued,
      Duration ran,
      Parcel value)
      implements Command, ClusterMessage {

    Answered {
      worker = Objects.requireNonNullElse(worker, NOBODY);
      queued = Objects.requireNonNullElse(queued, Duration.ZERO);
      ran = Objects.requireNonNullElse(ran, Duration.ZERO);
      value = Parcel.orEmpty(value);
    }

    private static final WorkerId NOBODY = new WorkerId("", 0, 0);
  }

  /** Why a call has no value. */
  record Failed(long number, long position, FailureForm failure)
      implements Command, ClusterMessage {

    Failed {
      failure = Objects.requireNonNullElse(failure, UNNAMED);
    }

    private static final FailureForm UNNAMED = new FailureForm("", "", false, new byte[0]);
  }

  /** Who has the session of that call. */
  record Here(long number, ActorRef<SessionEntity.Command> entity, ActorRef<Gate.Command> gate)
      implements Command, ClusterMessage {}

  /**
   * Who had a session has ended: what it has not taken in until now, it never will; {@code taken}
   * is the last call of this node that it has.
   */
  record Left(String key, ActorRef<SessionEntity.Command> entity, long taken)
      implements Command, ClusterMessage {

    Left {
      key = Objects.requireNonNullElse(key, "");
    }
  }

  /** A session's call has been taken in by that node. */
  record Taken(long number, ActorRef<Gate.Command> gate) implements Command, ClusterMessage {}

  /** Which calls of this node a node has, and how much it has told of each. */
  record Called(ActorRef<Gate.Command> gate, Roll roll) implements Command, ClusterMessage {

    Called {
      roll = Objects.requireNonNullElse(roll, NO_ROLL);
    }

    private static final Roll NO_ROLL = new Roll(List.of(), List.of(), false);
  }

  /** How much a node has to do. */
  record Loaded(ActorRef<Gate.Command> gate, Load load, int version)
      implements Command, ClusterMessage {

    Loaded {
      load = Objects.requireNonNullElse(load, Load.NONE);
    }
  }

  private record Listed(Receptionist.Listing listing) implements Command {}

  private record GateGone(ActorRef<Gate.Command> gate) implements Command {}

  private record Tick() implements Command {}

  /** How often deadlines are looked at: a promise of 250 ms needs no finer one. */
  private static final Duration TICK = Duration.ofMillis(20);

  /** How often it is looked whether something was lost. */
  private static final int TICKS_OF_A_SECOND = 50;

  /** What a desk works with: made before it, and told of it. */
  record Parts(
      String pool,
      Router router,
      Parcels parcels,
      Function<ActorRef<Gate.Command>, Station> stations) {}

  /** Hears for the pool whose router that is. */
  static Behavior<Command> create(Parts parts) {
    return Unshaken.of(
        Behaviors.setup(
            context -> Behaviors.withTimers(timers -> new Desk(context, timers, parts))));
  }

  private final Parts parts;
  private final Router router;
  private final Set<ActorRef<Gate.Command>> known = new HashSet<>();
  private final Set<ActorRef<Gate.Command>> tooOld = new HashSet<>();
  private final Map<ActorRef<Gate.Command>, RollCall> rollCalls = new HashMap<>();
  private long ticks;

  private Desk(ActorContext<Command> context, TimerScheduler<Command> timers, Parts parts) {
    super(context);
    this.parts = parts;
    this.router = parts.router();
    timers.startTimerWithFixedDelay(new Tick(), TICK);
    context
        .getSystem()
        .receptionist()
        .tell(
            Receptionist.subscribe(
                Gate.serviceKey(parts.pool()),
                context.messageAdapter(Receptionist.Listing.class, Listed::new)));
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Answered.class, this::onAnswered)
        .onMessage(Told.class, this::onTold)
        .onMessage(Failed.class, this::onFailed)
        .onMessage(Here.class, this::onHere)
        .onMessage(Left.class, this::onLeft)
        .onMessage(Taken.class, this::onTaken)
        .onMessage(Loaded.class, this::onLoaded)
        .onMessage(Called.class, this::onCalled)
        .onMessage(Tick.class, tick -> onTick())
        .onMessage(Listed.class, this::onListed)
        .onMessage(GateGone.class, this::onGateGone)
        .build();
  }

  private interface Hearing {
    void take(Crossing crossing, Payload value);
  }

  private void hear(long number, long position, Parcel parcel, String what, Hearing hearing) {
    Crossing crossing = router.find(number);
    if (crossing == null) {
      parts.parcels().discard(parcel); // it has its answer
      return;
    }
    boolean inOrder =
        crossing
            .heard()
            .add(
                position,
                parts.parcels().unpack(parcel),
                (payload, failure) -> {
                  if (payload != null) {
                    hearing.take(crossing, payload);
                  } else {
                    broken(crossing, what, failure);
                  }
                });
    if (!inOrder) {
      broken(crossing, what, new IllegalStateException("a message before it was lost"));
    }
  }

  private static void broken(Crossing crossing, String what, @Nullable Throwable failure) {
    crossing.breakOff(Lost.answer(crossing, what, failure));
  }

  private Behavior<Command> onTold(Told told) {
    hear(
        told.number(),
        told.position(),
        told.parcel(),
        "what Python said",
        (crossing, payload) -> {
          Frame.Kind kind = told.kind();
          if (kind != null) {
            crossing.told(Frame.of(kind, 0, payload));
          }
        });
    return this;
  }

  private Behavior<Command> onAnswered(Answered answer) {
    hear(
        answer.number(),
        answer.position(),
        answer.value(),
        "its answer",
        (crossing, payload) ->
            crossing.answered(
                new Reply(
                    crossing.call().id(),
                    answer.worker(),
                    answer.attempts(),
                    answer.queued(),
                    answer.ran(),
                    payload)));
    return this;
  }

  private Behavior<Command> onFailed(Failed failed) {
    Crossing crossing = router.find(failed.number());
    if (crossing != null) {
      // Behind what was told before, whether or not something of that was lost.
      if (!crossing
          .heard()
          .add(
              failed.position(),
              java.util.concurrent.CompletableFuture.completedFuture(Payload.EMPTY),
              (none, never) -> crossing.failed(failed.failure().failure()))) {
        crossing.failed(failed.failure().failure());
      }
    }
    return this;
  }

  private Behavior<Command> onHere(Here here) {
    if (here.entity() != null
        && here.gate() != null
        && router.find(here.number()) instanceof SessionCrossing crossing) {
      crossing.ownedBy(new Owner(here.entity(), here.gate()));
    }
    return this;
  }

  private Behavior<Command> onLeft(Left left) {
    router.left(left.key(), left.entity(), left.taken());
    return this;
  }

  private Behavior<Command> onTaken(Taken taken) {
    if (router.find(taken.number()) instanceof SessionCrossing crossing) {
      crossing.taken(taken.gate());
    }
    return this;
  }

  private Behavior<Command> onLoaded(Loaded loaded) {
    if (loaded.version() >= Protocol.OLDEST) {
      router.loaded(loaded.gate(), loaded.load());
    } else if (tooOld.add(loaded.gate())) {
      Protocol.understands(loaded.version(), loaded.gate(), getContext().getLog());
    }
    return this;
  }

  private Behavior<Command> onTick() {
    router.tick();
    ticks++;
    if (ticks % TICKS_OF_A_SECOND == 0) {
      callTheRoll();
      router.stations().stream()
          .filter(station -> !station.isHeardOf() && !tooOld.contains(station.gate()))
          .forEach(station -> join(station.gate()));
    }
    return this;
  }

  /** Calls whose messages were lost would be waited for on both sides, streams for ever. */
  private void callTheRoll() {
    Map<ActorRef<Gate.Command>, Map<Long, Long>> calls = new HashMap<>();
    for (Crossing crossing : router.all()) {
      if (crossing.away() instanceof RemoteVisit visit) {
        calls
            .computeIfAbsent(visit.gate(), any -> new HashMap<>())
            .put(crossing.number(), visit.said());
      }
    }
    for (ActorRef<Gate.Command> gate : known) {
      gate.tell(
          new Gate.Called(getContext().getSelf(), Roll.of(calls.getOrDefault(gate, Map.of()))));
    }
  }

  private Behavior<Command> onCalled(Called called) {
    ActorRef<Gate.Command> gate = called.gate();
    if (known.contains(gate)) {
      Map<Long, Long> heard = new HashMap<>();
      for (Crossing crossing : router.all()) {
        // One whose answer is still being fetched has ended there.
        if (crossing.away() instanceof RemoteVisit visit
            && visit.gate().equals(gate)
            && !crossing.heard().isBusy()) {
          heard.put(crossing.number(), crossing.heard().nextNumber());
        }
      }
      for (long number :
          rollCalls.computeIfAbsent(gate, any -> new RollCall()).lost(called.roll(), heard)) {
        Crossing crossing = router.find(number);
        if (crossing != null) {
          broken(crossing, "what was said of it", new IllegalStateException("it was lost"));
        }
      }
    }
    return this;
  }

  private void join(ActorRef<Gate.Command> gate) {
    gate.tell(new Gate.Join(getContext().getSelf(), Protocol.VERSION));
  }

  private Behavior<Command> onListed(Listed listed) {
    var key = Gate.serviceKey(parts.pool());
    Set<ActorRef<Gate.Command>> all = listed.listing().getAllServiceInstances(key);
    Set<ActorRef<Gate.Command>> reachable = listed.listing().getServiceInstances(key);
    for (ActorRef<Gate.Command> gate : all) {
      if (known.add(gate)) {
        router.add(parts.stations().apply(gate));
        getContext().watchWith(gate, new GateGone(gate));
        join(gate);
      }
    }
    for (Station station : router.stations()) {
      router.reachable(station, reachable.contains(station.gate()));
    }
    for (ActorRef<Gate.Command> gate : Set.copyOf(known)) {
      if (!all.contains(gate)) {
        gone(gate);
        getContext().unwatch(gate);
      }
    }
    return this;
  }

  private Behavior<Command> onGateGone(GateGone gone) {
    gone(gone.gate());
    return this;
  }

  private void gone(ActorRef<Gate.Command> gate) {
    tooOld.remove(gate);
    rollCalls.remove(gate);
    if (known.remove(gate)) {
      router.gone(gate);
    }
  }
}
