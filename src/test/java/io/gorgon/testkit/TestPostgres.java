package io.gorgon.testkit;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.time.Duration;
import javax.sql.DataSource;

/** A real PostgreSQL for one test class, which can be stopped and started again. */
public final class TestPostgres implements AutoCloseable {

  private final File data;
  private final int port;
  private EmbeddedPostgres running;

  private TestPostgres(File data, int port) throws IOException {
    this.data = data;
    this.port = port;
    this.running = begin();
  }

  /** Started, with an empty database. */
  public static TestPostgres start() {
    try {
      return new TestPostgres(Files.createTempDirectory("gorgon-postgres").toFile(), freePort());
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  /** Known before it starts, to be the same when it starts again. */
  private static int freePort() throws IOException {
    try (var free = new ServerSocket(0)) {
      return free.getLocalPort();
    }
  }

  private EmbeddedPostgres begin() throws IOException {
    return EmbeddedPostgres.builder()
        .setDataDirectory(data)
        .setCleanDataDirectory(false)
        .setPort(port)
        .setPGStartupWait(Duration.ofSeconds(30))
        .setServerConfig("max_connections", "100")
        .start();
  }

  /** What {@code gorgon.session-store} has to say for it. */
  public String settings() {
    return "gorgon.session-store { url = \"jdbc:postgresql://127.0.0.1:"
        + port
        + "/postgres\", user = postgres, create-schema = on }";
  }

  public int port() {
    return port;
  }

  /** For SQL of the test's own. */
  public DataSource database() {
    return running.getPostgresDatabase();
  }

  public void stop() {
    try {
      running.close();
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  public void startAgain() {
    try {
      running = begin();
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  /** Ends it and removes what it has written. */
  @Override
  public void close() {
    stop();
    delete(data);
  }

  private static void delete(File file) {
    File[] inside = file.listFiles();
    if (inside != null) {
      for (File each : inside) {
        delete(each);
      }
    }
    file.delete();
  }
}
