package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.typesafe.config.ConfigFactory;
import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure.CommitUnknown;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.StoreUnavailable;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import io.gorgon.testkit.StallingRoad;
import io.gorgon.testkit.TestPostgres;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Sessions whose PostgreSQL takes everything and answers nothing, until it does again. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class HungDatabaseTest {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** What a machine that others use may add to a deadline. */
  private static final Duration SLACK = Duration.ofSeconds(4);

  private static final int WAITING = 20;

  private TestPostgres postgres;
  private StallingRoad road;
  private ActorSystem<?> system;
  private TestPool pool;

  @BeforeEach
  void start() {
    postgres = TestPostgres.start();
    road = new StallingRoad(postgres.port());
    system =
        ActorSystem.create(
            Behaviors.empty(),
            "hung",
            ConfigFactory.parseString(
                    "gorgon.session-store { timeout = 6s, connections = 2, queue-capacity = "
                        + WAITING
                        + ", user = postgres, create-schema = on, url ="
                        + " \"jdbc:postgresql://127.0.0.1:"
                        + road.port()
                        + "/postgres\" }")
                .withFallback(ConfigFactory.load()));
    pool =
        TestPool.startIn(
            system, "min-workers = 2, max-workers = 2, session { store = durable, ttl = 1h }");
  }

  @AfterEach
  void stop() {
    road.goOn();
    pool.close();
    system.terminate();
    get(system.getWhenTerminated());
    road.close();
    postgres.close();
  }

  private Session session(String key) {
    return pool.pool().session(key);
  }

  private static Call increment(Duration limit) {
    return Call.of("sessions:increment").withTimeout(limit);
  }

  private int increment(String key) {
    return get(session(key).call(increment(PATIENCE))).as(Integer.class);
  }

  /** The failure, and no later than {@code limit} allows. */
  private static Throwable failureWithin(CompletableFuture<?> call, long began, Duration limit) {
    Throwable failure = failureOf(call);
    assertThat(System.nanoTime() - began).isLessThan(limit.plus(SLACK).toNanos());
    return failure;
  }

  @Test
  void aCallEndsInTimeWhateverItWaitsForAndAllGoesOnAfterwards() {
    for (String key : List.of("commits", "impatient")) {
      assertThat(increment(key)).isEqualTo(1);
    }
    road.stall();
    long began = System.nanoTime();
    var ofStore = Duration.ofSeconds(6);
    var own = Duration.ofMillis(500);

    var commits = session("commits").call(increment(PATIENCE)).toCompletableFuture();
    var impatient = session("impatient").call(increment(own)).toCompletableFuture();
    var behind = session("impatient").call(increment(own)).toCompletableFuture();
    var loads = session("loads").call(increment(PATIENCE)).toCompletableFuture();
    var waits = session("waits").call(increment(own)).toCompletableFuture();
    var state = session("state").state().toCompletableFuture();
    var end = session("end").end().toCompletableFuture();

    assertThat(failureWithin(impatient, began, own)).isInstanceOf(CommitUnknown.class);
    assertThat(failureWithin(behind, began, own)).isInstanceOf(DeadlineExceeded.class);
    assertThat(failureWithin(waits, began, own)).isInstanceOf(DeadlineExceeded.class);
    assertThat(failureWithin(commits, began, ofStore))
        .isInstanceOfAny(CommitUnknown.class, StoreUnavailable.class);
    for (CompletableFuture<?> asked : List.of(loads, state, end)) {
      assertThat(failureWithin(asked, began, ofStore))
          .isInstanceOfSatisfying(
              StoreUnavailable.class, away -> assertThat(away.started()).isFalse());
    }
    // Who uses no session does not notice.
    assertThat(get(pool.pool().call(Call.of("builtins:abs", -1))).as(Integer.class)).isEqualTo(1);

    road.goOn();
    await().atMost(PATIENCE).until(() -> answers(session("commits").call(increment(PATIENCE))));
    for (String key : List.of("commits", "impatient")) {
      int before = (Integer) get(session(key).state()).decoded().get("count");
      assertThat(before).isBetween(1, 3);
      assertThat(increment(key)).isEqualTo(before + 1);
    }
    get(session("end").end());
    assertThat(increment("loads")).isEqualTo(1);
  }

  private static boolean answers(CompletionStage<?> call) {
    return get(call.handle((value, failure) -> failure == null));
  }

  /** More callers than may wait, who all come again and again. */
  @Test
  void callersThatKeepComingAreRefusedAndNothingPilesUp() {
    assertThat(increment("before")).isEqualTo(1);
    road.stall();
    List<CompletableFuture<?>> calls = new ArrayList<>();
    long began = System.nanoTime();
    for (int i = 0; i < 500; i++) {
      calls.add(session("new" + i).call(increment(PATIENCE)).toCompletableFuture());
    }

    long refused = 0;
    for (CompletableFuture<?> call : calls) {
      Throwable failure = failureWithin(call, began, Duration.ofSeconds(6));
      assertThat(failure).isInstanceOf(StoreUnavailable.class);
      refused += failure.getMessage().contains("gorgon.session-store.queue-capacity") ? 1 : 0;
    }
    // Those who found no room any more; on a slow machine a few waited in vain before them.
    assertThat(refused).isBetween(300L, 500L - WAITING - 2);
    // Slick's and ours, one for each connection, and those of the pool of connections.
    assertThat(threads()).isLessThanOrEqualTo(2 + 2 + 3);

    road.goOn();
    await().atMost(PATIENCE).until(() -> answers(session("new1").call(increment(PATIENCE))));
    assertThat(increment("before")).isEqualTo(2);
  }

  private static long threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("gorgon-sessions"))
        .count();
  }
}
