package io.gorgon.cli;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigValueFactory;
import io.gorgon.cli.BenchCommand.Figure;
import io.gorgon.session.SessionState;
import io.gorgon.session.SessionStore;
import io.gorgon.session.durable.DurableStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/**
 * Measures a durable commit of 1 KiB against the same statements by plain JDBC: in an H2 file of
 * its own, or in the database that the config names if that is PostgreSQL.
 */
final class CommitBench {

  private static final int COMMITS = 300;
  private static final String ROOT = "gorgon.session-store.";

  private final PoolOptions options;
  private final int rounds;

  CommitBench(PoolOptions options, int rounds) {
    this.options = options;
    this.rounds = rounds;
  }

  List<Figure> run() throws IOException, SQLException {
    Path directory = Files.createTempDirectory("gorgon-bench");
    Config whole = config(directory);
    ActorSystem<?> system = ActorSystem.create(Behaviors.empty(), "bench", whole);
    String url = whole.getString(ROOT + "url");
    try (Connection plain =
        DriverManager.getConnection(
            url.startsWith("jdbc:h2:")
                ? url + ";DATABASE_TO_UPPER=FALSE;DB_CLOSE_ON_EXIT=FALSE"
                : url,
            whole.getString(ROOT + "user"),
            whole.getString(ROOT + "password"))) {
      return measure(new DurableStore(system, "bench" + System.nanoTime()), plain, url);
    } finally {
      system.terminate();
      system.getWhenTerminated().toCompletableFuture().join();
      delete(directory);
    }
  }

  private Config config(Path directory) {
    Config whole =
        options.whole().withValue(ROOT + "create-schema", ConfigValueFactory.fromAnyRef("on"));
    return whole.getString(ROOT + "url").startsWith("jdbc:h2:")
        ? whole.withValue(
            ROOT + "url",
            ConfigValueFactory.fromAnyRef(
                "jdbc:h2:file:" + directory.resolve("sessions") + ";WRITE_DELAY=0"))
        : whole;
  }

  private List<Figure> measure(SessionStore store, Connection plain, String url)
      throws SQLException {
    double[][] p50 = new double[2][rounds];
    var states = new States(store);
    states.next(0);
    try (var statements = new Statements(plain, url.startsWith("jdbc:h2:"))) {
      for (int round = -2; round < rounds; round++) {
        double jdbc = Statistics.percentile(SessionBench.latencies(COMMITS, statements::next), 50);
        double durable = Statistics.percentile(SessionBench.latencies(COMMITS, states::next), 50);
        if (round >= 0) {
          p50[0][round] = jdbc;
          p50[1][round] = durable;
        }
      }
    }
    String name = url.startsWith("jdbc:h2:") ? "H2" : "PostgreSQL";
    return List.of(
        Figure.plain("durable commit, 1 KiB, " + name + ", p50", Statistics.median(p50[1]), "us"),
        new Figure(
            "  against the same statements by plain JDBC",
            Statistics.median(Statistics.ratios(p50[1], p50[0])),
            "x",
            2,
            true));
  }

  private static final class States {
    private final SessionStore store;
    private long version;

    States(SessionStore store) {
      this.store = store;
    }

    void next(int ignored) {
      version++;
      var state =
          new SessionState("bench", 1, version, Map.of("note", new byte[1_024]), Instant.now());
      store.save(state).toCompletableFuture().join();
    }
  }

  /** What the plugin sends for an update: how the table is numbered, then the row. */
  private static final class Statements implements AutoCloseable {
    private static final String ID = "bench-by-jdbc";
    private final PreparedStatement number;
    private final Connection connection;
    private long version = 1;

    Statements(Connection connection, boolean h2) throws SQLException {
      this.connection = connection;
      this.number =
          connection.prepareStatement(
              h2
                  ? "SELECT COLUMN_DEFAULT FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME ="
                      + " 'durable_state' AND COLUMN_NAME = 'global_offset' AND TABLE_SCHEMA ="
                      + " 'PUBLIC'"
                  : "SELECT nextval(pg_get_serial_sequence('durable_state', 'global_offset'))");
      try (var statement = connection.createStatement()) {
        statement.execute("DELETE FROM durable_state WHERE persistence_id = '" + ID + "'");
        statement.execute(
            "INSERT INTO durable_state (persistence_id, revision, state_payload, state_serial_id,"
                + " state_timestamp) VALUES ('"
                + ID
                + "', 1, "
                + (h2 ? "X'00'" : "'\\x00'")
                + ", 4, 0)");
      }
    }

    void next(int ignored) {
      version++;
      try (ResultSet found = number.executeQuery()) {
        found.next();
        // As the plugin does: the next number is a part of the text.
        try (PreparedStatement update =
            connection.prepareStatement(
                "UPDATE durable_state SET global_offset = "
                    + found.getString(1)
                    + ", revision = ?, state_payload = ?, state_serial_id = ?,"
                    + " state_serial_manifest = ?, tag = ?, state_timestamp = ?"
                    + " WHERE persistence_id = ? AND revision = ? - 1")) {
          update.setLong(1, version);
          update.setBytes(2, new byte[1_124]);
          update.setInt(3, 4);
          update.setString(4, "");
          update.setString(5, "bench");
          update.setLong(6, System.currentTimeMillis());
          update.setString(7, ID);
          update.setLong(8, version);
          if (update.executeUpdate() != 1) {
            throw new IllegalStateException("version " + version + " met no row");
          }
        }
      } catch (SQLException failed) {
        throw new IllegalStateException(failed);
      }
    }

    @Override
    public void close() throws SQLException {
      try (var statement = connection.createStatement()) {
        statement.execute("DELETE FROM durable_state WHERE persistence_id = '" + ID + "'");
      }
      number.close();
    }
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
