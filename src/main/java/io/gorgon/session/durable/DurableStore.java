package io.gorgon.session.durable;

import io.gorgon.message.PythonFailure.InvalidSettings;
import io.gorgon.message.PythonFailure.SessionConflict;
import io.gorgon.message.PythonFailure.StoreUnavailable;
import io.gorgon.pool.CheckoutKind;
import io.gorgon.session.SessionState;
import io.gorgon.session.SessionStore;
import io.gorgon.session.durable.StoreFailures.NothingChanged;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.persistence.state.javadsl.GetObjectResult;

/**
 * This keeps the states of one pool's sessions in a database, as durable state of Pekko
 * Persistence: the version of a state is its revision there, by which the plugin sees that another
 * one has changed it. {@code gorgon.session-store} says which database. Thread-safe; nothing
 * blocks.
 *
 * <p>Sessions are counted, and those found whom nobody uses, by SQL of its own on the plugin's
 * table: the plugin's queries would read every state of the pool to do so, at each sweep. Time is
 * that of the row there, which the JVM writes that keeps a state.
 */
public final class DurableStore implements SessionStore {

  private static final String COUNT = "SELECT COUNT(*) FROM \"durable_state\" WHERE \"tag\" = ?";

  private static final String REMOVE = "DELETE FROM \"durable_state\" WHERE \"persistence_id\" = ?";

  private static final String UNTOUCHED =
      "SELECT \"persistence_id\", CASE WHEN \"persistence_id\" LIKE ?"
          + " THEN SUBSTRING(\"state_payload\" FROM 1 FOR "
          + StoredState.reachOfKey(CheckoutKind.LONGEST_KEY)
          + ") END FROM \"durable_state\" WHERE \"tag\" = ? AND \"state_timestamp\" < ?"
          + " ORDER BY \"state_timestamp\" LIMIT ?";

  private final StateDatabase database;
  private final StoredId ids;

  /**
   * For the pool of that name.
   *
   * @throws InvalidSettings that names the key, or the jars that are missing
   */
  public DurableStore(ActorSystem<?> system, String pool) {
    StoreSettings settings = StoreSettings.from(system.settings().config());
    NeededJars.check(pool, settings.driver());
    settings.checkDriver();
    this.database = StateDatabase.get(system);
    this.ids = new StoredId(pool);
  }

  @Override
  public CompletionStage<Optional<SessionState>> load(String key) {
    String id = ids.of(key);
    return named(key, database.run(() -> database.states().getObject(id)))
        .thenApply(found -> read(key, found));
  }

  private static Optional<SessionState> read(String key, GetObjectResult<byte[]> found) {
    if (found.value().isEmpty() && found.revision() > 0) {
      // The plugin hides that it could not make an object of a row.
      throw new IllegalStateException(
          "what the database has for session '" + key + "' was not written by this library");
    }
    return found.value().map(bytes -> StoredState.read(key, found.revision(), bytes));
  }

  @Override
  public CompletionStage<Done> save(SessionState next) {
    String id = ids.of(next.key());
    byte[] bytes = StoredState.write(next);
    return database
        .run(() -> database.states().upsertObject(id, next.version(), bytes, ids.tag()))
        .exceptionallyCompose(
            failure -> {
              Throwable cause = StoreFailures.unwrapped(failure);
              return CompletableFuture.failedFuture(
                  StoreFailures.isConflict(cause)
                      ? new SessionConflict(next.key(), next.version() - 1)
                      : away(next.key(), cause));
            });
  }

  @Override
  public CompletionStage<Done> remove(String key, long version) {
    if (version == 0) {
      return CompletableFuture.completedFuture(Done.getInstance());
    }
    String id = ids.of(key);
    return database
        .run(() -> database.states().deleteObject(id, version))
        .exceptionallyCompose(
            failure -> {
              Throwable cause = StoreFailures.unwrapped(failure);
              return StoreFailures.isGone(cause)
                  ? CompletableFuture.completedFuture(Done.getInstance())
                  : CompletableFuture.failedFuture(away(key, cause));
            });
  }

  @Override
  public CompletionStage<Done> remove(String key) {
    return named(
        key,
        database.query(
            connection -> {
              try (PreparedStatement statement = connection.prepareStatement(REMOVE)) {
                statement.setString(1, ids.of(key));
                statement.executeUpdate();
                return Done.getInstance();
              }
            }));
  }

  @Override
  public CompletionStage<Long> count() {
    return named(
        ids.tag(),
        database.query(
            connection -> {
              try (PreparedStatement statement = connection.prepareStatement(COUNT)) {
                statement.setString(1, ids.tag());
                try (ResultSet rows = statement.executeQuery()) {
                  rows.next();
                  return rows.getLong(1);
                }
              }
            }));
  }

  @Override
  public CompletionStage<List<String>> untouchedSince(Instant then, int most) {
    return named(
        ids.tag(),
        database.query(
            connection -> {
              try (PreparedStatement statement = connection.prepareStatement(UNTOUCHED)) {
                statement.setString(1, ids.hashedPattern());
                statement.setString(2, ids.tag());
                statement.setLong(3, then.toEpochMilli());
                statement.setInt(4, most);
                try (ResultSet rows = statement.executeQuery()) {
                  List<String> keys = new ArrayList<>();
                  while (rows.next()) {
                    byte[] beginning = rows.getBytes(2);
                    keys.add(
                        ids.key(rows.getString(1)).orElseGet(() -> StoredState.key(beginning)));
                  }
                  return keys;
                }
              }
            }));
  }

  private static <T> CompletionStage<T> named(String key, CompletionStage<T> stage) {
    return stage.exceptionallyCompose(
        failure -> CompletableFuture.failedFuture(away(key, StoreFailures.unwrapped(failure))));
  }

  private static Throwable away(String key, Throwable cause) {
    return cause instanceof NothingChanged nothing
        ? new StoreUnavailable(key, false, String.valueOf(nothing.getMessage()))
        : cause;
  }
}
