package io.gorgon.session.durable;

import com.typesafe.config.ConfigFactory;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.gorgon.session.durable.Gate.Visit;
import io.gorgon.session.durable.StoreFailures.NothingChanged;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.apache.pekko.Done;
import org.apache.pekko.actor.Cancellable;
import org.apache.pekko.actor.CoordinatedShutdown;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.DispatcherSelector;
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
  private final HikariDataSource connections;
  private final JdbcBackend.JdbcDatabaseDef slick;
  private final DurableStateUpdateStore<byte[]> states;
  private final Gate gate;
  private final Executor blocking;
  private final Schema schema;

  private StateDatabase(ActorSystem<?> system, StoreSettings settings) {
    this.system = system;
    this.settings = settings;
    this.gate = new Gate(settings.connections());
    this.blocking =
        system.dispatchers().lookup(DispatcherSelector.fromConfig("gorgon.blocking-dispatcher"));
    this.connections = new HikariDataSource(pool(settings));
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

  private static HikariConfig pool(StoreSettings settings) {
    var pool = new HikariConfig();
    pool.setPoolName(NAME);
    pool.setJdbcUrl(settings.url());
    if (!settings.user().isEmpty()) {
      pool.setUsername(settings.user());
    }
    if (!settings.password().isEmpty()) {
      pool.setPassword(settings.password());
    }
    pool.setMaximumPoolSize(settings.connections());
    pool.setMinimumIdle(1);
    pool.setConnectionTimeout(settings.patience().toMillis());
    pool.setValidationTimeout(Math.max(250, settings.patience().toMillis() / 2));
    // The database may come later than this; until then each question is told so.
    pool.setInitializationFailTimeout(-1);
    String url = settings.url().toUpperCase(Locale.ROOT);
    if (!settings.isH2()) {
      // The URL's own parameters go before these.
      pool.addDataSourceProperty("socketTimeout", seconds(settings.timeout()));
      pool.addDataSourceProperty("connectTimeout", seconds(settings.patience()));
      pool.addDataSourceProperty("ApplicationName", NAME);
    } else {
      // The plugin writes its names without quotes, and the script with them.
      addUnlessIn(url, pool, "DATABASE_TO_UPPER");
      if (!url.contains(";AUTO_SERVER=TRUE")) {
        // Else H2 closes when a signal comes, while calls are still drained.
        addUnlessIn(url, pool, "DB_CLOSE_ON_EXIT");
      }
    }
    return pool;
  }

  private static void addUnlessIn(String url, HikariConfig pool, String setting) {
    if (!url.contains(";" + setting + "=")) {
      pool.addDataSourceProperty(setting, "FALSE");
    }
  }

  private static String seconds(Duration duration) {
    return Long.toString(Math.max(1, duration.plusMillis(999).toSeconds()));
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
  <T> CompletionStage<T> run(Supplier<CompletionStage<T>> question) {
    var answer = new CompletableFuture<T>();
    Visit visit = gate.enter(() -> begin(question, answer));
    watch(answer, visit);
    return answer;
  }

  private <T> void begin(Supplier<CompletionStage<T>> question, CompletableFuture<T> answer) {
    CompletionStage<T> asked;
    try {
      asked = schema.ready().thenCompose(there -> question.get());
    } catch (RuntimeException thrown) {
      asked = CompletableFuture.failedFuture(thrown);
    }
    asked.whenComplete(
        (value, failure) -> {
          try {
            if (failure == null) {
              answer.complete(value);
            } else {
              Throwable cause = StoreFailures.unwrapped(failure);
              answer.completeExceptionally(StoreFailures.named(cause));
            }
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
  }

  // ---- time

  private void watch(CompletableFuture<?> answer, Visit visit) {
    Duration patience = settings.patience();
    Duration rest = settings.timeout().minus(patience);
    Cancellable turn =
        later(
            patience,
            () -> {
              if (gate.callOff(visit)) {
                answer.completeExceptionally(
                    new NothingChanged(
                        "none of "
                            + settings.connections()
                            + " connections came free within "
                            + patience.toMillis()
                            + "ms"));
              } else if (!answer.isDone()) {
                Cancellable end = later(rest, () -> giveUp(answer));
                answer.whenComplete((value, failure) -> end.cancel());
              }
            });
    answer.whenComplete((value, failure) -> turn.cancel());
  }

  /** The statement may still come to its end: nothing is known of it. */
  private void giveUp(CompletableFuture<?> answer) {
    answer.completeExceptionally(
        new TimeoutException(
            "the database has not answered within " + settings.timeout().toMillis() + "ms"));
  }

  private Cancellable later(Duration delay, Runnable task) {
    return system.scheduler().scheduleOnce(delay, task, system.executionContext());
  }
}
