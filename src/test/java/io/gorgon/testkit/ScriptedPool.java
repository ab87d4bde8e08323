package io.gorgon.testkit;

import io.gorgon.PythonPool;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.pool.Pool;
import io.gorgon.pool.PoolStats;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/**
 * A pool without Python and in virtual time, in one line: its workers are scripted, its time stands
 * until the test moves it, and whatever is asked of it has settled before a question is answered.
 *
 * <pre>{@code
 * try (var tested = ScriptedPool.start()) {
 *   var call = tested.pool().call(Call.of("m:f", 1));
 *   tested.worker(0).answer(2);
 *   assertThat(tested.now(call).as(Integer.class)).isEqualTo(2);
 * }
 * }</pre>
 */
public final class ScriptedPool implements AutoCloseable {

  private final VirtualTime time = VirtualTime.begin();
  private final ScriptedConnector connector;
  private final PythonPool pool;
  private final List<PoolEvent> events = Collections.synchronizedList(new ArrayList<>());

  private ScriptedPool(Script script, String... settings) {
    this.connector = new ScriptedConnector(time.executor(), script);
    this.pool =
        PythonPool.start(
            time.system(),
            TestPool.settings(time.system(), "scripted", settings),
            time.clock(),
            () -> connector);
    pool.ref().tell(new Pool.Subscribe(actor(events::add)));
    time.settle();
  }

  /** Two obliging workers, which are ready; the settings change what they name. */
  public static ScriptedPool start(String... settings) {
    return new ScriptedPool(Script.obliging(), settings);
  }

  /** The same with workers that play {@code script}. */
  public static ScriptedPool start(Script script, String... settings) {
    return new ScriptedPool(script, settings);
  }

  public PythonPool pool() {
    return pool;
  }

  /** The pool's actor. */
  public ActorRef<Pool.Command> ref() {
    return pool.ref();
  }

  public ScriptedConnector connector() {
    return connector;
  }

  public VirtualTime time() {
    return time;
  }

  /** The process that was started last in that slot. */
  public ScriptedConnection worker(int slot) {
    time.settle();
    return connector.last(slot);
  }

  /** Tells the pool, and waits until all has settled. */
  public void tell(Pool.Command command) {
    pool.ref().tell(command);
    time.settle();
  }

  /** Lets time pass. */
  public void passes(Duration duration) {
    time.passes(duration);
  }

  /** Lets milliseconds pass. */
  public void passes(long millis) {
    time.passes(Duration.ofMillis(millis));
  }

  /** What the stage has come to by now. */
  public <T> T now(CompletionStage<T> stage) {
    return time.now(stage);
  }

  /** What the stage has failed with by now. */
  public PythonFailure failureOf(CompletionStage<?> stage) {
    return time.failureOf(stage);
  }

  /** Whether the stage has come to anything by now. */
  public boolean isDone(CompletionStage<?> stage) {
    return time.isDone(stage);
  }

  /** Figures of this moment. */
  public PoolStats stats() {
    return now(pool.stats());
  }

  /** The events of a type so far. */
  public <E extends PoolEvent> List<E> eventsOf(Class<E> type) {
    time.settle();
    return List.copyOf(events).stream().filter(type::isInstance).map(type::cast).toList();
  }

  /** An actor that hands all it is told to {@code what}. */
  public <T> ActorRef<T> actor(java.util.function.Consumer<T> what) {
    return time.system()
        .systemActorOf(
            Behaviors.<T>receiveMessage(
                message -> {
                  what.accept(message);
                  return Behaviors.same();
                }),
            "told-" + System.nanoTime(),
            Props.empty());
  }

  /** An actor that can be stopped, to be the owner of something. */
  public Mortal mortal() {
    return new Mortal(time);
  }

  /** An actor that lives until it is told to stop. */
  public static final class Mortal {
    private final VirtualTime time;
    private final ActorRef<String> ref;

    private Mortal(VirtualTime time) {
      this.time = time;
      this.ref =
          time.system()
              .systemActorOf(
                  Behaviors.<String>receiveMessage(word -> Behaviors.stopped()),
                  "mortal-" + System.nanoTime(),
                  Props.empty());
    }

    public ActorRef<String> ref() {
      return ref;
    }

    /** Stops it; whoever watches it has been told when this returns. */
    public void dies() {
      ref.tell("die");
      time.settle();
    }
  }

  /** Ends every process and the actor system. */
  @Override
  public void close() {
    connector.plays(Script.obliging());
    connector.throwsOnOpen(() -> null);
    connector.alive().forEach(worker -> worker.dieBy(9));
    pool.drain(Duration.ZERO);
    time.passes(Duration.ofMillis(50));
    time.close();
  }
}
