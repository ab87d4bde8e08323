package io.gorgon.worker;

import io.gorgon.message.Call;
import io.gorgon.message.Values;
import io.gorgon.testkit.Script;
import io.gorgon.testkit.ScriptedConnection;
import io.gorgon.testkit.ScriptedConnector;
import io.gorgon.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/** One worker actor on a scripted connector, its pool played by the test, in virtual time. */
final class ScriptedWorker implements AutoCloseable {

  static final Duration START_TIMEOUT = Duration.ofSeconds(30);
  static final Duration CANCEL_GRACE = Duration.ofMillis(100);
  static final Duration INTERRUPT_GRACE = Duration.ofMillis(500);
  static final Duration STOP_GRACE = Duration.ofSeconds(2);
  static final Duration PING_TIMEOUT = Duration.ofSeconds(1);
  static final int MAX_CALLS = 10;

  private final VirtualTime time = VirtualTime.begin();
  private final ScriptedConnector connector;
  private final List<Worker.Event> events = Collections.synchronizedList(new ArrayList<>());
  private final List<PendingCall> givenBack = Collections.synchronizedList(new ArrayList<>());
  private final CompletableFuture<Void> stopped = new CompletableFuture<>();
  private final ActorRef<Worker.Command> worker;
  private volatile LongSupplier clock = time.clock();
  private int calls;

  ScriptedWorker(Script script) {
    this.connector = new ScriptedConnector(time.executor(), script);
    ActorRef<Worker.Event> pool =
        time.system()
            .systemActorOf(
                Behaviors.<Worker.Event>receiveMessage(
                    event -> {
                      events.add(event);
                      return Behaviors.same();
                    }),
                "pool",
                Props.empty());
    this.worker =
        time.system()
            .systemActorOf(
                Worker.create(
                    new Worker.Place(
                        "test",
                        0,
                        7,
                        connector,
                        new WorkerSettings(
                            START_TIMEOUT,
                            CANCEL_GRACE,
                            INTERRUPT_GRACE,
                            STOP_GRACE,
                            PING_TIMEOUT,
                            MAX_CALLS,
                            0,
                            1),
                        new Source(),
                        new Tally(),
                        () -> clock.getAsLong(),
                        pool)),
                "worker",
                Props.empty());
    time.system().systemActorOf(watchman(), "watchman", Props.empty());
    time.settle();
  }

  private org.apache.pekko.actor.typed.Behavior<Void> watchman() {
    return Behaviors.setup(
        context -> {
          context.watch(worker);
          return Behaviors.receive(Void.class)
              .onSignal(
                  org.apache.pekko.actor.typed.Terminated.class,
                  gone -> {
                    stopped.complete(null);
                    return Behaviors.stopped();
                  })
              .build();
        });
  }

  /** Obliging, and running as generation 1. */
  static ScriptedWorker running() {
    return running(Script.obliging());
  }

  /** Playing {@code script}, and running as generation 1. */
  static ScriptedWorker running(Script script) {
    return new ScriptedWorker(script).tell(new Worker.Start(1));
  }

  ScriptedWorker tell(Worker.Command command) {
    worker.tell(command);
    time.settle();
    return this;
  }

  VirtualTime time() {
    return time;
  }

  ScriptedWorker passes(Duration duration) {
    time.passes(duration);
    return this;
  }

  ScriptedConnector connector() {
    return connector;
  }

  /** The process that was started last. */
  ScriptedConnection process() {
    time.settle();
    return connector.last(0);
  }

  /** The pool's clock throws from now on, or goes on. */
  void breakClock(boolean broken) {
    clock =
        broken
            ? () -> {
              throw new IllegalStateException("scripted");
            }
            : time.clock();
  }

  <E> List<E> told(Class<E> type) {
    time.settle();
    return List.copyOf(events).stream().filter(type::isInstance).map(type::cast).toList();
  }

  <E> E onlyOne(Class<E> type) {
    List<E> all = told(type);
    if (all.size() != 1) {
      throw new AssertionError("not one " + type.getSimpleName() + " in " + events);
    }
    return all.get(0);
  }

  boolean isStopped() {
    return time.isDone(stopped);
  }

  List<PendingCall> givenBack() {
    time.settle();
    return List.copyOf(givenBack);
  }

  Runner runner() {
    List<Worker.Ready> ready = told(Worker.Ready.class);
    return ready.get(ready.size() - 1).runner();
  }

  /** Calls that are written to the process at once, with a minute each. */
  List<PendingCall> started(int count) {
    List<PendingCall> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Call call = Call.of("m:f", i);
      String id = "test-" + ++calls;
      long now = time.clock().getAsLong();
      all.add(
          new PendingCall(
              id,
              call,
              Values.encodeRequest(call, id),
              now,
              now + Duration.ofMinutes(1).toNanos(),
              Dialogue.NONE));
    }
    runner().start(all);
    time.settle();
    return all;
  }

  PendingCall started() {
    return started(1).get(0);
  }

  private final class Source implements CallSource {
    @Override
    public List<PendingCall> next(Runner idle) {
      return List.of();
    }

    @Override
    public List<PendingCall> more(Runner busy, int left) {
      return List.of();
    }

    @Override
    public void giveBack(List<PendingCall> back) {
      givenBack.addAll(back);
    }

    @Override
    public void measured(PendingCall call, long nanos) {
      // Nobody batches here.
    }
  }

  @Override
  public void close() {
    time.close();
  }
}
