package io.gorgon.session.durable;

import io.gorgon.session.durable.StoreFailures.NothingChanged;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;
import javax.sql.DataSource;
import org.apache.pekko.Done;

/**
 * This makes the table of states where there is none: by the plugin's own script, of which it takes
 * what belongs to durable state, and one index more, by which sessions are counted and swept.
 */
final class Schema {

  private static final String LOOK = "SELECT 1 FROM \"durable_state\" WHERE 1 = 0";

  private static final String INDEX =
      "CREATE INDEX IF NOT EXISTS \"gorgon_session_idx\" ON \"durable_state\""
          + " (\"tag\", \"state_timestamp\")";

  /** Somebody else has made it meanwhile: a table or index, an object, a row of the catalog. */
  private static final Set<String> ALREADY =
      Set.of("42P07", "42710", "23505", "42S01", "42S11", "90045");

  private final Attempt attempt;
  private final ReentrantLock lock = new ReentrantLock();
  private CompletableFuture<Done> last;

  private interface Attempt {
    void begin(CompletableFuture<Done> made);
  }

  private Schema(Attempt attempt, CompletableFuture<Done> last) {
    this.attempt = attempt;
    this.last = last;
  }

  /** Others have made it. */
  static Schema given() {
    return new Schema(made -> {}, CompletableFuture.completedFuture(Done.getInstance()));
  }

  /** To be made if it is not there. */
  static Schema of(DataSource database, boolean h2, Executor blocking) {
    return new Schema(
        made -> blocking.execute(() -> attempt(database, h2, made)),
        CompletableFuture.failedFuture(new NothingChanged("nobody has asked yet")));
  }

  /** Looked at with the first question, and again with the next one if that failed. */
  CompletionStage<Done> ready() {
    CompletableFuture<Done> made;
    lock.lock();
    try {
      if (!last.isCompletedExceptionally()) {
        return last;
      }
      made = new CompletableFuture<>();
      last = made;
    } finally {
      lock.unlock();
    }
    attempt.begin(made);
    return made;
  }

  private static void attempt(DataSource database, boolean h2, CompletableFuture<Done> made) {
    try {
      create(database, h2);
      made.complete(Done.getInstance());
    } catch (SQLException | RuntimeException failed) {
      // Whatever became of the tables, no session was touched.
      made.completeExceptionally(
          new NothingChanged("the tables cannot be made: " + failed.getMessage()));
    }
  }

  private static void create(DataSource database, boolean h2) throws SQLException {
    try (Connection connection = database.getConnection();
        Statement statement = connection.createStatement()) {
      if (isThere(statement)) {
        return;
      }
      for (String command : commands(h2 ? "h2" : "postgres")) {
        run(statement, command);
      }
      run(statement, INDEX);
      statement.execute(LOOK);
    }
  }

  private static boolean isThere(Statement statement) throws SQLException {
    try {
      statement.execute(LOOK);
      return true;
    } catch (SQLException missing) {
      String state = String.valueOf(missing.getSQLState());
      if (state.startsWith("42")) {
        return false;
      }
      throw missing;
    }
  }

  private static void run(Statement statement, String command) throws SQLException {
    try {
      statement.execute(command);
    } catch (SQLException refused) {
      if (!ALREADY.contains(String.valueOf(refused.getSQLState()))) {
        throw refused;
      }
    }
  }

  private static List<String> commands(String dialect) {
    String script = "/schema/" + dialect + "/" + dialect + "-create-schema.sql";
    try (InputStream in = Schema.class.getResourceAsStream(script)) {
      if (in == null) {
        throw new NothingChanged("pekko-persistence-jdbc has no script " + script);
      }
      return Arrays.stream(new String(in.readAllBytes(), StandardCharsets.UTF_8).split(";", -1))
          .map(String::strip)
          .filter(
              command -> command.contains("durable_state") || command.contains("global_offset_seq"))
          // The table is new: nobody is kept waiting by its index.
          .map(command -> command.replace(" CONCURRENTLY", ""))
          .toList();
    } catch (IOException unreadable) {
      throw new NothingChanged("the script " + script + " cannot be read: " + unreadable);
    }
  }
}
