package io.gorgon.testkit;

import io.gorgon.PythonPool;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.pool.Pool;
import io.gorgon.pool.PoolSettings;
import io.gorgon.pool.PoolStats;
import io.gorgon.pool.PoolStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.jspecify.annotations.Nullable;

/**
 * A pool without Python and in virtual time: its workers are scripted, its time stands until the
 * test moves it, and whatever is asked of it has settled before a question is answered. See {@link
 * GorgonTestKit#scripted}.
 *
 * <p>What a target answers is told by {@link #answers} and its like. A call of a target that was
 * told nothing runs until the test answers it by hand:
 *
 * <pre>{@code
 * try (var kit = GorgonTestKit.scripted()) {
 *   var call = kit.pool().call(Call.of("m:f", 1));
 *   kit.worker(0).answer(2);
 *   assertThat(kit.now(call).as(Integer.class)).isEqualTo(2);
 * }
 * }</pre>
 */
public final class ScriptedPool implements GorgonTestKit {

  /** Virtual time: longer than what the default settings take for anything. */
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private final VirtualTime time;
  private final ScriptedConnector connector;
  private final PythonPool pool;
  private final Cast cast;
  private final EventProbe events = new EventProbe(this);
  private final StatsProbe figures = new StatsProbe(this);
  private final @Nullable Long seed;
  private final @Nullable LeakCheck leaks;
  private final KitModel model = new KitModel("scripted");
  private final KitStore store = new KitStore();
  private final Scenarios scenarios = new Scenarios(this);
  private boolean closed;

  private ScriptedPool(VirtualTime time, @Nullable Long seed, Script script, String... settings) {
    this.time = time;
    this.seed = seed;
    this.connector = new ScriptedConnector(time.executor(), script, time::runLater);
    this.cast = new Cast(time.system(), "scripted");
    PoolSettings own = KitSettings.scripted(time.system(), "scripted", settings);
    ActorRef<PoolEvent> subscriber = cast.actor(events::add);
    this.pool =
        time.turn(
            () -> {
              PythonPool started =
                  PythonPool.start(
                      time.system(),
                      own,
                      time.clock(),
                      () -> connector,
                      kept -> store.around(kept, time.system(), time.clock().wall()));
              started.ref().tell(new Pool.Subscribe(subscriber));
              return started;
            });
    time.settle();
    this.leaks = seed == null ? null : new LeakCheck(time.system(), pool.name());
  }

  static ScriptedPool checked(long seed, String... settings) {
    return new ScriptedPool(VirtualTime.begin(seed), seed, Script.likePython(), settings);
  }

  /**
   * Two obliging workers, which are ready, on a few threads, and not looked at for leaks when it
   * closes; the settings change what they name. {@link GorgonTestKit#scripted} is what you want,
   * unless a test is about threads or keeps what it holds.
   */
  public static ScriptedPool start(String... settings) {
    return start(Script.obliging(), settings);
  }

  /** The same with workers that play {@code script}. */
  public static ScriptedPool start(Script script, String... settings) {
    return new ScriptedPool(VirtualTime.begin(), null, script, settings);
  }

  // ---- what Python does

  /** Answers every call of a target from now on; what the function throws is raised in Python. */
  public ScriptedPool answers(String target, Function<ScriptedRequest, @Nullable Object> answer) {
    return answersAfter(Duration.ZERO, target, answer);
  }

  /** The same, when the function has run for so long. */
  public ScriptedPool answersAfter(
      Duration running, String target, Function<ScriptedRequest, @Nullable Object> answer) {
    connector.functions().put(target, request -> running, answer);
    return this;
  }

  /**
   * Raises an exception in every call of a target from now on.
   *
   * @param type with its module, as in {@code shop.OutOfStock}, unless it is one of Python's own
   * @param inherits further classes that it is of, likewise
   */
  public ScriptedPool raises(String target, String type, String message, String... inherits) {
    return answers(
        target,
        request -> {
          throw new ScriptedFunctions.Raised(type, message, inherits);
        });
  }

  /** Lets every call of a target run for ever from now on, until it is cancelled or answered. */
  public ScriptedPool hangs(String target) {
    connector.functions().remove(target);
    return this;
  }

  /** The calls of a target that workers have read so far. */
  public List<ScriptedRequest> requests(String target) {
    time.settle();
    return connector.opened().stream()
        .flatMap(worker -> worker.requests().stream())
        .filter(request -> request.target().equals(target))
        .toList();
  }

  // ---- the kit

  @Override
  public PythonPool pool() {
    return pool;
  }

  @Override
  public ActorSystem<?> system() {
    return time.system();
  }

  /** The pool's actor. */
  public ActorRef<Pool.Command> ref() {
    return pool.ref();
  }

  /** Where its workers come from. */
  public ScriptedConnector connector() {
    return connector;
  }

  /** Its time. */
  public VirtualTime time() {
    return time;
  }

  /** What decides the order in which actors take turns; 0 where threads race. */
  public long seed() {
    return seed == null ? 0 : seed;
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

  @Override
  public void passes(Duration duration) {
    time.passes(duration);
  }

  /** Lets milliseconds pass. */
  public void passes(long millis) {
    time.passes(Duration.ofMillis(millis));
  }

  @Override
  public boolean await(BooleanSupplier condition, Duration limit) {
    return time.passesUntil(condition, limit);
  }

  @Override
  public Duration patience() {
    return PATIENCE;
  }

  @Override
  public void settle() {
    time.settle();
  }

  @Override
  public long nanoTime() {
    return time.nanoTime();
  }

  @Override
  public <T> T get(CompletionStage<T> stage) {
    var future = stage.toCompletableFuture();
    if (!time.passesUntil(future::isDone, PATIENCE)) {
      throw new AssertionError("nothing came of " + stage + " in " + PATIENCE + unanswered());
    }
    return Stages.get(future);
  }

  private String unanswered() {
    var text = new StringBuilder();
    for (ScriptedConnection worker : connector.alive()) {
      if (worker.isBusy()) {
        text.append("\n  worker ").append(worker.id()).append(" runs ").append(worker.request());
        text.append(": tell the kit what it answers, or answer by worker(slot)");
      }
    }
    return text.toString();
  }

  /** What the stage has come to by now. */
  public <T> T now(CompletionStage<T> stage) {
    return time.now(stage);
  }

  /** What the stage has failed with by now. */
  public PythonFailure failureNow(CompletionStage<?> stage) {
    return time.failureOf(stage);
  }

  /** Whether the stage has come to anything by now. */
  public boolean isDone(CompletionStage<?> stage) {
    return time.isDone(stage);
  }

  @Override
  public PoolStats stats() {
    return now(pool.stats());
  }

  @Override
  public EventProbe events() {
    return events;
  }

  @Override
  public StatsProbe figures() {
    return figures;
  }

  @Override
  public <E extends PoolEvent> List<E> eventsOf(Class<E> type) {
    return events.of(type);
  }

  @Override
  public <T> ActorRef<T> actor(Consumer<T> what) {
    return cast.actor(what);
  }

  @Override
  public Mortal mortal() {
    return new Mortal(cast.mortal(), time::settle);
  }

  @Override
  public FaultPlan faults() {
    return connector.faults();
  }

  @Override
  public FaultyStore store() {
    return store.get();
  }

  @Override
  public FakeLanguageModel languageModel() {
    return model.get();
  }

  @Override
  public Scenario scenario() {
    return scenarios.begin();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    connector.plays(Script.obliging());
    connector.throwsOnOpen(() -> null);
    List<Leak> left = new ArrayList<>(scenarios.unfinished());
    left.addAll(model.end());
    if (leaks == null) {
      connector.alive().forEach(worker -> worker.dieBy(9));
    } else if (pool.status() != PoolStatus.STOPPED) {
      left.addAll(LeakCheck.held(stats(), events.all()));
    }
    CompletionStage<?> drained = pool.drain(Duration.ZERO);
    time.passesUntil(drained.toCompletableFuture()::isDone, PATIENCE);
    if (leaks != null) {
      connector
          .alive()
          .forEach(worker -> left.add(new Leak(Leak.Kind.PROCESS, worker + " is alive")));
      cast.dismiss();
      left.addAll(leaks.actors(time::passesUntil));
    }
    time.close();
    if (leaks != null) {
      left.addAll(leaks.threads(true));
      Leak.refuse(toString(), left);
    }
  }

  @Override
  public String toString() {
    return "scripted pool" + (seed == null ? "" : " (seed " + seed + ")");
  }
}
