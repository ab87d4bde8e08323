package io.gorgon.session.durable;

import com.typesafe.config.ConfigFactory;
import io.gorgon.session.durable.Gate.Visit;
import io.gorgon.session.durable.StoreFailures.NothingChanged;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.apache.pekko.Done;
import org.apache.pekko.actor.Cancellable;
import org.apache.pekko.actor.CoordinatedShutdown;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Extension;
import org.apache.pekko.actor.typed.ExtensionId;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.persistence.jdbc.config.DurableStateTableConfiguration;
import org.apache.pekko.persistence.jdbc.state.javadsl.JdbcDurableStateStore;
import org.apache.pekko.persistence.state.javadsl.DurableStateUpdateStore;
import org.apache.pekko.serialization.SerializationExtension;
import scala.Option;
import slick.jdbc.H2Profile$;
import slick.jdbc.JdbcBackend;
import slick.jdbc.JdbcBackend$;
import slick.jdbc.JdbcProfile;
import slick.jdbc.PostgresProfile$;
import slick.util.AsyncExecutor$;

/**
 * This is one actor system's way to the database of its sessions: connections, as many at a time as
 * are allowed, and an end to every question. It is apart from what {@code jdbc-durable-state-store}
 * says, which belongs to the entities of the application. Closed when the system ends; thread-safe.
 */
final class StateDatabase implements Extension {

  /** Makes the extension; needed by Pekko alone. */
  static final class Id extends ExtensionId<StateDatabase> {
    private static final Id INSTANCE = new Id();

    @Override
    public StateDatabase createExtension(ActorSystem<?> system) {
      return new StateDatabase(system, StoreSettings.from(system.settings().config()));
    }
  }

  private static final String NAME = "gorgon-sessions";

  private final ActorSystem<?> system;
  private final StoreSettings settings;
  private final Connections connections;
  private final JdbcBackend.JdbcDatabaseDef slick;
  private final DurableStateUpdateStore<byte[]> states;
  private final Gate gate;
  private final ThreadPoolExecutor blocking;
  private final Schema schema;

  private StateDatabase(ActorSystem<?> system, StoreSettings settings) {
    this.system = system;
    this.settings = settings;
    this.gate = new Gate(settings.connections(), settings.queueCapacity());
    this.blocking = threads(settings.connections());
    this.connections = new Connections(NAME, settings);
    this.schema =
        settings.createSchema()
            ? Schema.of(connections, settings.isH2(), blocking)
            : Schema.given();
    int most = settings.connections();
    this.slick =
        JdbcBackend$.MODULE$
            .Database()
            .forDataSource(
                connections,
                Option.apply(most),
                AsyncExecutor$.MODULE$.apply(NAME, most, most, 1_000, most, false),
                false);
    this.states = states(system, slick, settings.isH2());
    CoordinatedShutdown.get(system)
        .addTask(
            CoordinatedShutdown.PhaseBeforeActorSystemTerminate(),
            "gorgon-close-sessions",
            () ->
                CompletableFuture.runAsync(this::close, blocking)
                    .thenApply(v -> Done.getInstance()));
    system.getWhenTerminated().whenComplete((ended, failure) -> close());
  }

  static StateDatabase get(ActorSystem<?> system) {
    return Id.INSTANCE.apply(system);
  }

  /**
   * Of our own: a database that does not answer keeps as many threads as there are connections, and
   * those of the workers' I/O must not be among them.
   */
  private static ThreadPoolExecutor threads(int most) {
    var number = new AtomicInteger();
    var threads =
        new ThreadPoolExecutor(
            most,
            most,
            10,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(), // holds those whom the gate has let in, and a schema
            task -> {
              var thread = new Thread(task, NAME + "-sql-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    threads.allowCoreThreadTimeOut(true);
    return threads;
  }

  private static DurableStateUpdateStore<byte[]> states(
      ActorSystem<?> system, JdbcBackend.JdbcDatabaseDef slick, boolean h2) {
    JdbcProfile profile = h2 ? H2Profile$.MODULE$ : PostgresProfile$.MODULE$;
    var tables =
        new DurableStateTableConfiguration(
            ConfigFactory.defaultReference().getConfig("jdbc-durable-state-store"));
    var classic = (ExtendedActorSystem) Adapter.toClassic(system);
    var store =
        new org.apache.pekko.persistence.jdbc.state.scaladsl.JdbcDurableStateStore<byte[]>(
            slick, profile, tables, SerializationExtension.get(classic), classic);
    return new JdbcDurableStateStore<>(profile, tables, store, system.executionContext());
  }

  // ---- questions

  /** The plugin's store; ask it through {@link #run} only. */
  DurableStateUpdateStore<byte[]> states() {
    return states;
  }

  /** A question in SQL, asked on a thread that may block. */
  <T> CompletionStage<T> query(SqlQuestion<T> question) {
    return run(() -> blocking(question));
  }

  /**
   * Asks the database when it is this one's turn.
   *
   * @return ends within the timeout; fails with {@link NothingChanged} if surely nothing was
   */
  <T> CompletionStage<T> run(Supplier<CompletionStage<T>> asking) {
    var question = new Question<>(asking);
    Visit visit = gate.enter(() -> begin(question));
    if (visit == null) {
      question.giveUp(
          settings.queueCapacity()
              + " questions wait already (gorgon.session-store.queue-capacity)");
    } else {
      watch(question, visit);
    }
    return question.answer();
  }

  private <T> void begin(Question<T> question) {
    schema
        .ready()
        .thenCompose(there -> question.ask())
        .whenComplete(
            (value, failure) -> {
              try {
                question.end(value, failure);
              } finally {
                gate.leave();
              }
            });
  }

  private <T> CompletionStage<T> blocking(SqlQuestion<T> question) {
    var answer = new CompletableFuture<T>();
    blocking.execute(
        () -> {
          try (var connection = connections.getConnection()) {
            answer.complete(question.ask(connection));
          } catch (Exception failed) {
            answer.completeExceptionally(failed);
          }
        });
    return answer;
  }

  private void close() {
    slick.close();
    connections.close();
    blocking.shutdown();
  }

  // ---- time

  private void watch(Question<?> question, Visit visit) {
    Duration patience = settings.patience();
    Cancellable turn =
        later(
            patience,
            () -> {
              if (gate.callOff(visit)) {
                question.giveUp(
                    "none of "
                        + settings.connections()
                        + " connections came free within "
                        + patience.toMillis()
                        + "ms");
              } else if (!question.answer().isDone()) {
                Cancellable end =
                    later(settings.timeout().minus(patience), () -> question.giveUp(silence()));
                question.answer().whenComplete((value, failure) -> end.cancel());
              }
            });
    question.answer().whenComplete((value, failure) -> turn.cancel());
  }

  private String silence() {
    return "the database has not answered within " + settings.timeout().toMillis() + "ms";
  }

  private Cancellable later(Duration delay, Runnable task) {
    return system.scheduler().scheduleOnce(delay, task, system.executionContext());
  }
}
