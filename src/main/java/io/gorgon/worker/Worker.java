package io.gorgon.worker;

import io.gorgon.connection.Connection;
import io.gorgon.connection.Connector;
import io.gorgon.message.Exit;
import io.gorgon.message.PythonFailure.StartFailed;
import io.gorgon.message.WorkerId;
import io.gorgon.wire.Frame;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.LongSupplier;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.PreRestart;
import org.apache.pekko.actor.typed.SupervisorStrategy;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.BehaviorBuilder;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.jspecify.annotations.Nullable;

/**
 * Owns the life of one Python process after another in one place of the pool. Calls do not pass it:
 * they pass the {@link Runner} that it makes for each process.
 *
 * <pre>
 *   waiting --Start--> starting --Ready--> running --Stop--> stopping --Closed--> stopped, or
 *      ^                  |                   |                  |        restarted (replace)
 *      |                Closed              Closed               |
 *      +---- restarted by supervision <-------+------------------+
 * </pre>
 */
public final class Worker {

  /** What a worker can be told. */
  public sealed interface Command {}

  /** Starts a process as {@code generation}; the answer to {@link Wants}. */
  public record Start(long generation) implements Command {}

  /**
   * Ends the process.
   *
   * @param cause said in events and logs
   * @param graceful asks first and insists later; otherwise kills at once
   * @param replace whether another process follows, by supervision
   */
  public record Stop(String cause, boolean graceful, boolean replace) implements Command {}

  /** Asks whether the idle process answers; told by {@link Checked}. */
  public record Check() implements Command {}

  private record BecameReady(long generation, Connection.Ready ready) implements Command {}

  private record Ended(long generation, Connection.Closed closed) implements Command {}

  private record StartTimedOut() implements Command {}

  private record Abandoned(long request, boolean dirty) implements Command {}

  private record InterruptDue(long request, int before) implements Command {}

  private record KillDue(long request) implements Command {}

  private record SilentDue(long request) implements Command {}

  private record DirtyEnded() implements Command {}

  private record Strayed(String answer) implements Command {}

  private record Ponged(long ping) implements Command {}

  private record PingTimedOut(long ping) implements Command {}

  private record TerminateDue() implements Command {}

  private record StopKillDue() implements Command {}

  /** What a worker tells its pool. */
  public sealed interface Event {}

  /** It has no process and asks for leave to start one. */
  public record Wants(int slot, long lineage) implements Event {}

  /** Its process takes calls. */
  public record Ready(long lineage, Runner runner, long pid, String python) implements Event {}

  /**
   * Its process is gone, and its calls are answered.
   *
   * @param fault whose doing it was
   * @param failure why it could not start, or null
   * @param replaced whether it will ask for another process
   * @param unstarted the lease that was taken for a call which it had not started
   */
  public record Gone(
      long lineage,
      WorkerId id,
      Connection.Closed closed,
      Fault fault,
      String cause,
      @Nullable StartFailed failure,
      boolean replaced,
      Optional<Object> unstarted)
      implements Event {}

  /** Whether the idle process answered in time. */
  public record Checked(WorkerId id, boolean answered) implements Event {}

  /** A lease's last call has ended. */
  public record LeaseIdle(WorkerId id, Object lease) implements Event {}

  /** The incarnation should be replaced soon. */
  public record RetireDue(WorkerId id, Retirement.Reason reason) implements Event {}

  /** Something was dropped or escalated that an operator may want to know. */
  public record Noticed(WorkerId id, String what) implements Event {}

  /** Whose doing the end of a process was. */
  public enum Fault {
    /** It never became ready. */
    START,
    /** It died by itself, or broke the protocol. */
    WORKER,
    /** A caller's deadline, cancel or death ended it. */
    CALLER,
    /** The pool asked for it. */
    POOL
  }

  /** Thrown to be restarted by supervision; the process is gone and reported by then. */
  public static final class WorkerCrashed extends RuntimeException {
    WorkerCrashed(String cause) {
      super(cause, null, false, false);
    }
  }

  /** How soon at the earliest to look again after a cancelled call that has not begun. */
  private static final Duration LOOK_AGAIN = Duration.ofMillis(20);

  /** How long at least a worker may take to pass over a call that it must not start. */
  private static final Duration SILENCE = Duration.ofMillis(500);

  /**
   * Where a worker stands, and what it has to do with.
   *
   * @param lineage names this actor among those that the slot has and had
   * @param source where its processes get their calls from
   * @param tally counts for the slot
   * @param nanoTime the pool's clock
   */
  public record Place(
      String pool,
      int slot,
      long lineage,
      Connector connector,
      WorkerSettings settings,
      CallSource source,
      Tally tally,
      LongSupplier nanoTime,
      ActorRef<Event> parent) {}

  private final ActorContext<Command> context;
  private final TimerScheduler<Command> timers;
  private final Place place;
  private final WorkerSettings settings;
  private final ActorRef<Event> parent;

  private Worker(ActorContext<Command> context, TimerScheduler<Command> timers, Place place) {
    this.context = context;
    this.timers = timers;
    this.place = place;
    this.settings = place.settings();
    this.parent = place.parent();
  }

  /** Makes a worker, restarted by supervision whenever its process is lost. */
  public static Behavior<Command> create(Place place) {
    Behavior<Command> worker =
        Behaviors.setup(
            context ->
                Behaviors.withTimers(timers -> new Worker(context, timers, place).waiting()));
    // At once: the delays are the pool's, which knows all slots (see Restarts). Pekko's own would
    // be rounded up to its scheduler's next tick of 10 ms, which is more than a fork takes.
    return Behaviors.supervise(worker)
        .onFailure(WorkerCrashed.class, SupervisorStrategy.restart().withLoggingEnabled(false));
  }

  // ---- states

  private Behavior<Command> waiting() {
    parent.tell(new Wants(place.slot(), place.lineage()));
    return table(null)
        .onMessage(Start.class, this::onStart)
        .onMessage(Stop.class, this::onStopWhileWaiting)
        .onAnyMessage(this::onOutOfPlace)
        .build();
  }

  private Behavior<Command> starting(Incarnation mine) {
    return table(mine)
        .onMessage(BecameReady.class, ready -> onBecameReady(ready, mine))
        .onMessage(Ended.class, ended -> onEnded(ended, mine))
        .onMessage(StartTimedOut.class, timeout -> onStartTimedOut(mine))
        .onMessage(Stop.class, stop -> onStopWhileStarting(stop, mine))
        .onAnyMessage(this::onOutOfPlace)
        .build();
  }

  private Behavior<Command> running(Incarnation mine) {
    return table(mine)
        .onMessage(Ended.class, ended -> onEnded(ended, mine))
        .onMessage(Stop.class, stop -> onStop(stop, mine))
        .onMessage(Check.class, check -> onCheck(mine))
        .onMessage(Ponged.class, ponged -> onPonged(ponged, mine))
        .onMessage(PingTimedOut.class, timeout -> onPingTimedOut(timeout, mine))
        .onMessage(Abandoned.class, abandoned -> onAbandoned(abandoned, mine))
        .onMessage(InterruptDue.class, due -> onInterruptDue(due, mine))
        .onMessage(KillDue.class, due -> onKillDue(due, mine))
        .onMessage(SilentDue.class, due -> onSilentDue(due, mine))
        .onMessage(DirtyEnded.class, ended -> onDirtyEnded(mine))
        .onMessage(Strayed.class, strayed -> onStrayed(strayed, mine))
        .onAnyMessage(this::onOutOfPlace)
        .build();
  }

  private Behavior<Command> stopping(Incarnation mine) {
    return table(mine)
        .onMessage(Ended.class, ended -> onEnded(ended, mine))
        .onMessage(Stop.class, stop -> onStop(stop, mine))
        .onMessage(TerminateDue.class, due -> onTerminateDue(mine))
        .onMessage(StopKillDue.class, due -> onStopKillDue(mine))
        .onAnyMessage(this::onOutOfPlace)
        .build();
  }

  /** What every state shares: the process ends with the actor; what comes too late is let go. */
  private BehaviorBuilder<Command> table(@Nullable Incarnation mine) {
    return Behaviors.receive(Command.class)
        .onSignal(PostStop.class, signal -> onEndOfActor(mine))
        .onSignal(PreRestart.class, signal -> onEndOfActor(mine));
  }

  // ---- handlers

  private Behavior<Command> onStart(Start start) {
    var id = new WorkerId(place.pool(), place.slot(), start.generation());
    var mine = new Incarnation(id);
    try {
      mine.runner = connect(mine);
    } catch (RuntimeException broken) {
      if (mine.connection != null) {
        mine.connection.kill();
      }
      return onNotOpened(broken, id);
    }
    timers.startSingleTimer(new StartTimedOut(), settings.startTimeout());
    return starting(mine);
  }

  /** A process that was to be replaced is gone by itself already; another one was asked for. */
  private Behavior<Command> onStopWhileWaiting(Stop stop) {
    return stop.replace() ? Behaviors.same() : Behaviors.stopped();
  }

  private Behavior<Command> onNotOpened(RuntimeException broken, WorkerId id) {
    context.getLog().error("worker {} could not be opened", id, broken);
    var failure =
        broken instanceof StartFailed typed
            ? typed
            : new StartFailed(
                StartFailed.Kind.EXITED, "worker " + id + " could not be opened: " + broken, "");
    var closed = new Connection.Closed(Exit.UNKNOWN, failure, List.of());
    String cause = "it could not be opened";
    parent.tell(
        new Gone(place.lineage(), id, closed, Fault.START, cause, failure, true, Optional.empty()));
    throw new WorkerCrashed(cause);
  }

  private Behavior<Command> onBecameReady(BecameReady ready, Incarnation mine) {
    if (ready.generation() != mine.id.generation()) {
      return Behaviors.same();
    }
    timers.cancel(new StartTimedOut());
    context
        .getLog()
        .info(
            "worker {} is ready (pid {}, Python {})",
            mine.id,
            ready.ready().pid(),
            ready.ready().python());
    parent.tell(
        new Ready(place.lineage(), mine.runner(), ready.ready().pid(), ready.ready().python()));
    return running(mine);
  }

  private Behavior<Command> onStartTimedOut(Incarnation mine) {
    mine.fault = Fault.START;
    mine.failure =
        new StartFailed(
            StartFailed.Kind.TIMEOUT,
            "worker "
                + mine.id
                + " was not ready within "
                + settings.startTimeout().toMillis()
                + " ms: look for what hangs in 'preload' or 'imports', or raise 'timeouts.start'",
            "");
    mine.connection().kill();
    return Behaviors.same();
  }

  private Behavior<Command> onStopWhileStarting(Stop stop, Incarnation mine) {
    mine.order(stop);
    mine.connection().kill();
    return stopping(mine);
  }

  private Behavior<Command> onStop(Stop stop, Incarnation mine) {
    mine.order(stop);
    if (stop.graceful() && mine.connection().isOpen()) {
      mine.connection().send(List.of(Frame.of(Frame.Kind.SHUTDOWN, 0)));
      timers.startSingleTimer(new TerminateDue(), settings.stopGrace());
    } else {
      mine.connection().kill();
    }
    return stopping(mine);
  }

  private Behavior<Command> onTerminateDue(Incarnation mine) {
    parent.tell(new Noticed(mine.id, "did not exit when asked; sending SIGTERM"));
    mine.connection().terminate();
    timers.startSingleTimer(new StopKillDue(), settings.stopGrace());
    return Behaviors.same();
  }

  private Behavior<Command> onStopKillDue(Incarnation mine) {
    parent.tell(new Noticed(mine.id, "ignored SIGTERM; sending SIGKILL"));
    mine.connection().kill();
    return Behaviors.same();
  }

  private Behavior<Command> onCheck(Incarnation mine) {
    mine.ping++;
    mine.runner().ping(mine.ping);
    timers.startSingleTimer("ping", new PingTimedOut(mine.ping), settings.pingTimeout());
    return Behaviors.same();
  }

  private Behavior<Command> onPonged(Ponged ponged, Incarnation mine) {
    if (ponged.ping() == mine.ping && timers.isTimerActive("ping")) {
      timers.cancel("ping");
      parent.tell(new Checked(mine.id, true));
    }
    return Behaviors.same();
  }

  private Behavior<Command> onPingTimedOut(PingTimedOut timeout, Incarnation mine) {
    if (timeout.ping() == mine.ping) {
      context
          .getLog()
          .warn("worker {} answered no ping within {}", mine.id, settings.pingTimeout());
      parent.tell(new Checked(mine.id, false));
    }
    return Behaviors.same();
  }

  private Behavior<Command> onAbandoned(Abandoned abandoned, Incarnation mine) {
    mine.dirty |= abandoned.dirty();
    if (mine.cancelling.add(abandoned.request())) {
      var due = new InterruptDue(abandoned.request(), 0);
      timers.startSingleTimer(due, due, settings.cancelGrace());
    }
    return Behaviors.same();
  }

  private Behavior<Command> onInterruptDue(InterruptDue due, Incarnation mine) {
    if (!mine.runner().isInFlight(due.request())) {
      mine.cancelling.remove(due.request());
    } else if (mine.runner().isNext(due.request())) {
      // Marked, and nothing runs before it: a worker that lives passes over it in a moment.
      var silent = new SilentDue(due.request());
      timers.startSingleTimer(silent, silent, longer(settings.interruptGrace(), SILENCE));
    } else if (!mine.runner().isRunning(due.request())) {
      // Behind another call: the mark on the page keeps it from starting.
      timers.startSingleTimer(due, due, longer(settings.cancelGrace(), LOOK_AGAIN));
    } else {
      context.getLog().debug("worker {}: interrupting request {}", mine.id, due.request());
      mine.connection().interrupt();
      // A first interrupt cancels what awaits; a second one strikes whatever code runs.
      Command next =
          due.before() == 0 ? new InterruptDue(due.request(), 1) : new KillDue(due.request());
      timers.startSingleTimer(next, next, settings.interruptGrace().dividedBy(2));
    }
    return Behaviors.same();
  }

  /** A process that was stopped between two calls, or hangs there, has no call that ends it. */
  private Behavior<Command> onSilentDue(SilentDue due, Incarnation mine) {
    if (mine.runner().isNext(due.request())) {
      mine.cancelling.remove(due.request());
      mine.cause = "it did not come to its next call";
      parent.tell(new Noticed(mine.id, mine.cause + "; killing it"));
      mine.connection().kill();
      return Behaviors.same();
    }
    return onInterruptDue(new InterruptDue(due.request(), 0), mine);
  }

  private static Duration longer(Duration one, Duration other) {
    return one.compareTo(other) > 0 ? one : other;
  }

  private Behavior<Command> onKillDue(KillDue due, Incarnation mine) {
    mine.cancelling.remove(due.request());
    if (mine.runner().isRunning(due.request())) {
      mine.fault = Fault.CALLER;
      mine.cause = "a cancelled call did not end within its grace";
      parent.tell(new Noticed(mine.id, mine.cause + "; killing it"));
      mine.connection().kill();
    }
    return Behaviors.same();
  }

  private Behavior<Command> onDirtyEnded(Incarnation mine) {
    mine.fault = Fault.CALLER;
    mine.cause = "a call of it outlived its deadline or its owner";
    mine.connection().kill();
    return Behaviors.same();
  }

  private Behavior<Command> onStrayed(Strayed strayed, Incarnation mine) {
    mine.strays++;
    parent.tell(
        new Noticed(mine.id, "dropped an answer that belongs to no call: " + strayed.answer()));
    if (mine.strays > 1) {
      mine.fault = Fault.WORKER;
      mine.cause = "it kept sending answers that belong to no call";
      mine.connection().kill();
    }
    return Behaviors.same();
  }

  private Behavior<Command> onEnded(Ended ended, Incarnation mine) {
    if (ended.generation() != mine.id.generation()) {
      return Behaviors.same();
    }
    mine.gone = true;
    timers.cancelAll();
    Connection.Closed closed = ended.closed();
    String cause = mine.causeOf(closed);
    Optional<Object> unstarted = mine.runner().close(closed, cause, true);
    StartFailed failure = mine.startFailure(closed);
    boolean replaced = mine.stop == null || mine.stop.replace();
    if (mine.stop != null && mine.stop.graceful()) {
      context.getLog().info("worker {} ended ({}; {})", mine.id, closed.exit(), cause);
    } else {
      context.getLog().warn("worker {} ended ({}; {})", mine.id, closed.exit(), cause);
    }
    parent.tell(
        new Gone(
            place.lineage(), mine.id, closed, mine.faultOf(), cause, failure, replaced, unstarted));
    if (replaced) {
      throw new WorkerCrashed(cause);
    }
    return Behaviors.stopped();
  }

  private Behavior<Command> onOutOfPlace(Command command) {
    context
        .getLog()
        .debug("slot {} lets go of {}", place.slot(), command.getClass().getSimpleName());
    return Behaviors.same();
  }

  private Behavior<Command> onEndOfActor(@Nullable Incarnation mine) {
    if (mine != null && !mine.gone) {
      mine.connection().kill();
      mine.runner()
          .close(
              new Connection.Closed(Exit.UNKNOWN, null, List.of()), "its pool has stopped", false);
    }
    return Behaviors.same();
  }

  // ---- the connection's thread, turned into messages

  private Runner connect(Incarnation mine) {
    ActorRef<Command> self = context.getSelf();
    long generation = mine.id.generation();
    var listener =
        new Connection.Listener() {
          @Override
          public void onReady(Connection.Ready ready) {
            mine.everReady = true;
            self.tell(new BecameReady(generation, ready));
          }

          @Override
          public void onFrame(Frame frame) {
            mine.runner().onFrame(frame);
          }

          @Override
          public long onPause() {
            return mine.runner().onPause();
          }

          @Override
          public void onClosed(Connection.Closed closed) {
            self.tell(new Ended(generation, closed));
          }
        };
    mine.connection = place.connector().open(mine.id, listener);
    return new Runner(
        mine.id,
        mine.connection,
        settings.concurrency(),
        place.source(),
        new Reports(self, parent, mine.id),
        new Retirement(jittered()),
        place.tally(),
        place.nanoTime());
  }

  private int jittered() {
    int limit = settings.maxCalls();
    int spread = (int) (limit * settings.callsJitter());
    return spread == 0 ? limit : Math.max(1, limit - new Random().nextInt(spread + 1));
  }

  /** Carries a runner's news to the actors. */
  private record Reports(ActorRef<Command> self, ActorRef<Event> parent, WorkerId id)
      implements Runner.Supervisor {

    @Override
    public void onAbandoned(long request, boolean dirty) {
      self.tell(new Abandoned(request, dirty));
    }

    @Override
    public void onDirtyEnd() {
      self.tell(new DirtyEnded());
    }

    @Override
    public void onStrayAnswer(Frame frame) {
      self.tell(new Strayed(frame.toString()));
    }

    @Override
    public void onPong(long ping) {
      self.tell(new Ponged(ping));
    }

    @Override
    public void onLeaseIdle(Object lease) {
      parent.tell(new LeaseIdle(id, lease));
    }

    @Override
    public void onRetireDue(Retirement.Reason reason) {
      parent.tell(new RetireDue(id, reason));
    }
  }
}
