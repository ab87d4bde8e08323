package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure.CommitUnknown;
import io.gorgon.message.PythonFailure.InvalidSettings;
import io.gorgon.message.PythonFailure.SessionExpired;
import io.gorgon.message.PythonFailure.SessionQuota;
import io.gorgon.message.PythonFailure.StoreUnavailable;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import io.gorgon.session.SessionState;
import io.gorgon.session.durable.DurableStore;
import io.gorgon.testkit.TestPostgres;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sessions of real Python whose states are in a database. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class DurableSessionsTest {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @TempDir private static Path directory;
  private static TestPostgres postgres;

  @BeforeAll
  static void start() {
    postgres = TestPostgres.start();
  }

  @AfterAll
  static void stop() {
    postgres.close();
  }

  private static ActorSystem<?> system(String... settings) {
    Config own = ConfigFactory.parseString(String.join("\n", settings));
    return ActorSystem.create(Behaviors.empty(), "durable", own.withFallback(ConfigFactory.load()));
  }

  /** On a machine that others use it may take seconds to open a file. */
  private static ActorSystem<?> h2(String name) {
    return system(
        "gorgon.session-store { create-schema = on, timeout = 60s }",
        "gorgon.session-store.url = \"jdbc:h2:file:"
            + directory.resolve(name)
            + ";WRITE_DELAY=0\"");
  }

  private static void end(ActorSystem<?> system) {
    system.terminate();
    get(system.getWhenTerminated());
  }

  private static TestPool pool(ActorSystem<?> system, String settings) {
    return TestPool.startIn(
        system, "min-workers = 2, max-workers = 2, session.store = durable", settings);
  }

  private static Call increment() {
    return Call.of("sessions:increment");
  }

  private static int increment(PythonPool pool, String key) {
    return get(pool.session(key).call(increment())).as(Integer.class);
  }

  @Test
  void quotaTimeToLiveAndEndAreKeptToInADatabase() {
    ActorSystem<?> system = h2("limits");
    String limits = "session { quota = 2, ttl = 2s, sweep = 200ms }";
    try (TestPool pool = pool(system, limits)) {
      assertThat(increment(pool.pool(), "1")).isEqualTo(1);
      assertThat(increment(pool.pool(), "2")).isEqualTo(1);
      assertThat(failureOf(pool.pool().session("3").call(increment())))
          .isInstanceOf(SessionQuota.class);
      get(pool.pool().session("2").end());
      assertThat(get(pool.pool().session("2").state()).values()).isEmpty();
      assertThat(increment(pool.pool(), "3")).isEqualTo(1);

      await()
          .atMost(PATIENCE)
          .until(
              () ->
                  pool.pool()
                      .session("4")
                      .call(increment())
                      .handle((reply, failure) -> failure == null)
                      .toCompletableFuture()
                      .join());
      assertThat(failureOf(pool.pool().session("1").call(increment())))
          .isInstanceOf(SessionExpired.class);
    } finally {
      end(system);
    }
  }

  /** Ten thousand are swept, a hundred at a time, while another session is used. */
  @Test
  void manySessionsAreSweptWhileOthersAreUsed() {
    ActorSystem<?> system = h2("sweep");
    String limits = "session { ttl = 1s, sweep = 100ms }, queue-capacity = 20000";
    try (TestPool pool = pool(system, limits)) {
      var store = new DurableStore(system, pool.pool().name());
      var old = Instant.now().minusSeconds(60);
      var made = new CompletableFuture<?>[10_000];
      for (int i = 0; i < made.length; i++) {
        var state = new SessionState("old" + i, i, 1, Map.of("v", new byte[100]), old);
        made[i] = store.save(state).toCompletableFuture();
        if (i % 500 == 0) {
          made[i].join();
        }
      }
      CompletableFuture.allOf(made).join();

      long slowest = 0;
      int used = 0;
      while (get(store.count()) > 1) {
        long began = System.nanoTime();
        assertThat(increment(pool.pool(), "used")).isEqualTo(++used);
        slowest = Math.max(slowest, System.nanoTime() - began);
      }
      assertThat(slowest).isLessThan(TimeUnit.SECONDS.toNanos(2));
    } finally {
      end(system);
    }
  }

  /** Nothing that was acknowledged is lost while PostgreSQL is stopped and started again. */
  @Test
  void aDatabaseThatIsAwayIsSaidSoAndComesBackByItself() {
    ActorSystem<?> system =
        system(postgres.settings(), "gorgon.session-store { timeout = 1s, connections = 4 }");
    int sessions = 8;
    var counts = new Count[sessions];
    try (TestPool pool = pool(system, "")) {
      var over = new CompletableFuture<Void>();
      var callers = new CompletableFuture<?>[sessions];
      for (int i = 0; i < sessions; i++) {
        counts[i] = new Count();
        callers[i] = counts[i].run(pool.pool().session("away" + i), over);
      }
      await().atMost(PATIENCE).until(() -> counts[0].kept.get() > 5);

      postgres.stop();
      for (Count count : counts) {
        await().atMost(PATIENCE).until(() -> count.away.get() > 0);
      }
      postgres.startAgain();

      for (Count count : counts) {
        int before = count.kept.get();
        await().atMost(PATIENCE).until(() -> count.kept.get() > before + 5);
      }
      over.complete(null);
      CompletableFuture.allOf(callers).orTimeout(30, TimeUnit.SECONDS).join();
      for (int i = 0; i < sessions; i++) {
        int kept = counts[i].kept.get();
        Object state = get(pool.pool().session("away" + i).state()).decoded().get("count");
        assertThat((Integer) state).isBetween(kept, kept + counts[i].unknown.get());
      }
    } finally {
      end(system);
    }
  }

  /** One caller of one session, and what it was told. */
  private static final class Count {
    final AtomicInteger kept = new AtomicInteger();
    final AtomicInteger away = new AtomicInteger();
    final AtomicInteger unknown = new AtomicInteger();

    CompletableFuture<Void> run(Session session, CompletableFuture<Void> over) {
      return session
          .call(increment())
          .handle((reply, failure) -> failure)
          .thenComposeAsync(
              failure -> {
                note(failure);
                return over.isDone() ? over : run(session, over);
              })
          .toCompletableFuture();
    }

    private void note(Throwable failure) {
      Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
      if (cause == null) {
        kept.incrementAndGet();
      } else if (cause instanceof StoreUnavailable) {
        away.incrementAndGet();
      } else if (cause instanceof CommitUnknown) {
        unknown.incrementAndGet();
      } else {
        throw new AssertionError(cause);
      }
    }
  }

  @Test
  void withoutItsTablesTheStoreSaysWhatToDo() {
    ActorSystem<?> system =
        system("gorgon.session-store.url = \"jdbc:h2:mem:empty;DB_CLOSE_DELAY=-1\"");
    try (TestPool pool = pool(system, "")) {
      assertThat(failureOf(pool.pool().session("s").call(increment())))
          .isInstanceOf(StoreUnavailable.class)
          .hasMessageContaining("gorgon.session-store.create-schema");
    } finally {
      end(system);
    }
  }

  @Test
  void aUrlThatLosesCommitsStopsThePoolFromStarting() {
    ActorSystem<?> system = system("gorgon.session-store.url = \"jdbc:h2:file:./x\"");
    try {
      assertThatThrownBy(() -> pool(system, "").close())
          .isInstanceOf(InvalidSettings.class)
          .hasMessageContaining("WRITE_DELAY=0");
    } finally {
      end(system);
    }
  }

  // ---- the examples in config/

  private static Config example(String file, String changes) {
    return ConfigFactory.load(
        ConfigFactory.parseString(changes)
            .withFallback(
                ConfigFactory.parseFile(new File("config", file), ConfigParseOptions.defaults())));
  }

  private static void runExample(Config config) {
    for (int i = 1; i <= 2; i++) {
      ActorSystem<?> system = ActorSystem.create(Behaviors.empty(), "example", config);
      try {
        assertThat(increment(PythonPools.get(system).pool("default"), "s")).isEqualTo(i);
      } finally {
        end(system);
      }
    }
  }

  private static final String PATH = "gorgon.pools.default.path = [src/test/python]\n";

  @Test
  void theExampleForH2Runs() {
    String file = directory.resolve("example").toString();
    Config config = example("sessions-h2.conf", PATH);
    String url = config.getString("gorgon.session-store.url").replace("./gorgon-sessions", file);

    runExample(
        ConfigFactory.parseString("gorgon.session-store.url = \"" + url + "\"")
            .withFallback(config));
  }

  @Test
  void theExampleForPostgresRuns() {
    String url = "jdbc:postgresql://localhost:" + postgres.port() + "/postgres";

    runExample(example("sessions-postgres.conf", PATH + "SESSIONS_URL = \"" + url + "\""));
  }

  // ---- another JVM

  /** A JVM that calls a session once, says what it got, and does not take its leave. */
  static final class Successor {
    public static void main(String[] arguments) {
      ActorSystem<?> system =
          system(
              "gorgon.session-store.create-schema = on",
              "gorgon.session-store.url = \"" + arguments[0] + "\"");
      PythonPool pool = pool(system, "").pool();
      System.out.println("count " + increment(pool, "s"));
      System.out.flush();
      Runtime.getRuntime().halt(0);
    }
  }

  @Test
  void sessionsGoOnInTheNextJvm() throws IOException, InterruptedException {
    String url = "jdbc:h2:file:" + directory.resolve("jvms") + ";WRITE_DELAY=0";
    for (int i = 1; i <= 2; i++) {
      Process jvm =
          new ProcessBuilder(
                  List.of(
                      Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                      "-Xmx256m",
                      "-XX:TieredStopAtLevel=1",
                      "-cp",
                      System.getProperty("java.class.path"),
                      Successor.class.getName(),
                      url))
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      try (var lines =
          new BufferedReader(new InputStreamReader(jvm.getInputStream(), StandardCharsets.UTF_8))) {
        assertThat(lines.lines().filter(line -> line.startsWith("count ")).findFirst())
            .hasValue("count " + i);
      } finally {
        jvm.destroyForcibly().waitFor();
      }
    }
  }
}
