package io.gorgon.session.durable;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.PythonFailure.SessionConflict;
import io.gorgon.pool.CheckoutKind;
import io.gorgon.session.SessionState;
import io.gorgon.session.SessionStore;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What every store of sessions keeps to. */
interface SessionStoreContract {

  AtomicLong POOLS = new AtomicLong();

  /** An empty store for the pool of that name. */
  SessionStore store(String pool);

  /** One that no other test uses. */
  default SessionStore fresh() {
    return store("contract-" + POOLS.incrementAndGet());
  }

  static SessionState state(String key, long version, Map<String, byte[]> values) {
    return new SessionState(key, 77, version, values, Instant.now());
  }

  static SessionState state(String key, long version) {
    return state(key, version, Map.of("count", ("" + version).getBytes(UTF_8)));
  }

  static <T> T get(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(30, TimeUnit.SECONDS).join();
  }

  static Throwable failureOf(CompletionStage<?> stage) {
    return stage
        .handle((value, failure) -> failure)
        .thenApply(failure -> failure instanceof CompletionException ? failure.getCause() : failure)
        .toCompletableFuture()
        .orTimeout(30, TimeUnit.SECONDS)
        .join();
  }

  static void assertSame(Optional<SessionState> found, SessionState expected) {
    SessionState state = found.orElseThrow();
    assertThat(state.key()).isEqualTo(expected.key());
    assertThat(state.birth()).isEqualTo(expected.birth());
    assertThat(state.version()).isEqualTo(expected.version());
    assertThat(state.touched()).isEqualTo(expected.touched());
    assertThat(List.copyOf(state.values().keySet()))
        .isEqualTo(List.copyOf(expected.values().keySet()));
    state
        .values()
        .forEach((name, value) -> assertThat(value).isEqualTo(expected.values().get(name)));
  }

  @Test
  default void whatWasNeverKeptIsNotThere() {
    assertThat(get(fresh().load("nobody"))).isEmpty();
  }

  @Test
  default void whatIsKeptComesBackAsItWas() {
    SessionStore store = fresh();
    Map<String, byte[]> values = new LinkedHashMap<>();
    values.put("z", new byte[0]);
    values.put("half \ud83d of a sign, \0, é", new byte[] {0, -1, 127});
    values.put("a", new byte[300_000]);
    SessionState first = state("k", 1, values);
    get(store.save(first));
    assertSame(get(store.load("k")), first);

    SessionState second = state("k", 2, Map.of());
    get(store.save(second));

    assertSame(get(store.load("k")), second);
  }

  @Test
  default void aVersionThatDoesNotFollowIsAConflictAndChangesNothing() {
    SessionStore store = fresh();
    assertThat(failureOf(store.save(state("k", 2)))).isInstanceOf(SessionConflict.class);
    SessionState first = state("k", 1);
    get(store.save(first));

    for (long version : new long[] {1, 3, 4}) {
      assertThat(failureOf(store.save(state("k", version)))).isInstanceOf(SessionConflict.class);
    }

    assertSame(get(store.load("k")), first);
  }

  @Test
  default void whatIsForgottenIsGoneAndMayBeginAgain() {
    SessionStore store = fresh();
    get(store.save(state("k", 1)));
    get(store.save(state("k", 2)));
    get(store.remove("k", 1));
    assertThat(get(store.load("k")).orElseThrow().version()).isEqualTo(2);

    get(store.remove("k", 2));
    get(store.remove("k", 2));
    get(store.remove("nobody", 0));
    get(store.remove("nobody", 3));

    assertThat(get(store.load("k"))).isEmpty();
    assertThat(failureOf(store.save(state("k", 3)))).isInstanceOf(SessionConflict.class);
    get(store.save(state("k", 1)));
  }

  @Test
  default void aStateIsForgottenWhateverItsVersion() {
    SessionStore store = fresh();
    get(store.remove("k"));
    get(store.save(state("k", 1)));
    get(store.save(state("k", 2)));
    get(store.save(state("other", 1)));

    get(store.remove("k"));

    assertThat(get(store.load("k"))).isEmpty();
    assertThat(get(store.count())).isEqualTo(1);
    get(store.save(state("k", 1)));
  }

  @Test
  default void poolsDoNotSeeEachOther() {
    long number = POOLS.incrementAndGet();
    SessionStore one = store("contract-" + number);
    SessionStore other = store("contract-" + number + "1");
    get(one.save(state("k", 1)));

    assertThat(get(other.load("k"))).isEmpty();
    assertThat(get(other.count())).isZero();
    get(other.save(state("k", 1)));
    get(other.remove("k", 1));
    assertThat(get(one.count())).isEqualTo(1);
    assertThat(get(other.untouchedSince(Instant.now().plusSeconds(60), 10))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "#",
        "a|b",
        "a b ",
        "é",
        "\0",
        "half \ud83d",
        "K",
        "%_'\";--",
        "\u001b[31m",
        "\ud83d\ude00"
      })
  default void everyKeyIsItsOwn(String key) {
    SessionStore store = fresh();
    SessionState kept = state(key, 1);
    get(store.save(kept));

    assertSame(get(store.load(key)), kept);
    for (String other : List.of(key + " ", "#" + key, key + "|", "k", "e", "?")) {
      assertThat(get(store.load(other))).isEmpty();
    }
    assertThat(get(store.untouchedSince(Instant.now().plusSeconds(60), 10))).containsExactly(key);
  }

  @Test
  default void theLongestKeysAreToldApart() {
    SessionStore store = fresh();
    String most = "k".repeat(CheckoutKind.LONGEST_KEY - 1);
    get(store.save(state(most + "1", 1)));
    get(store.save(state(most + "2", 1)));
    get(store.save(state(most + "2", 2)));

    assertThat(get(store.load(most + "1")).orElseThrow().version()).isEqualTo(1);
    assertThat(get(store.load(most + "2")).orElseThrow().version()).isEqualTo(2);
    assertThat(get(store.untouchedSince(Instant.now().plusSeconds(60), 10)))
        .containsExactlyInAnyOrder(most + "1", most + "2");
  }

  @Test
  default void sessionsAreCountedAndThoseFoundThatNobodyUses() {
    SessionStore store = fresh();
    for (int i = 0; i < 5; i++) {
      get(store.save(state("k" + i, 1)));
    }

    assertThat(get(store.count())).isEqualTo(5);
    assertThat(get(store.untouchedSince(Instant.now().minusSeconds(60), 10))).isEmpty();
    assertThat(get(store.untouchedSince(Instant.now().plusSeconds(60), 10))).hasSize(5);
    assertThat(get(store.untouchedSince(Instant.now().plusSeconds(60), 3))).hasSize(3);
  }

  @Test
  default void oneOfManyWinsEachVersion() {
    SessionStore store = fresh();
    for (long version = 1; version <= 20; version++) {
      List<CompletableFuture<Throwable>> racers = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        racers.add(
            store
                .save(state("k", version, Map.of("winner", new byte[] {(byte) i})))
                .handle((done, failure) -> failure)
                .toCompletableFuture());
      }
      int winner = -1;
      for (int i = 0; i < racers.size(); i++) {
        Throwable failure = get(racers.get(i));
        if (failure == null) {
          assertThat(winner).isEqualTo(-1);
          winner = i;
        } else {
          assertThat(StoreFailures.unwrapped(failure)).isInstanceOf(SessionConflict.class);
        }
      }
      assertThat(get(store.load("k")).orElseThrow().values().get("winner")).containsExactly(winner);
    }
  }
}
