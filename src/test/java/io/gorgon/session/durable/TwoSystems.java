package io.gorgon.session.durable;

import static io.gorgon.session.durable.SessionStoreContract.failureOf;
import static io.gorgon.session.durable.SessionStoreContract.get;
import static io.gorgon.session.durable.SessionStoreContract.state;
import static org.assertj.core.api.Assertions.assertThat;

import com.typesafe.config.ConfigFactory;
import io.gorgon.message.PythonFailure.SessionConflict;
import io.gorgon.message.PythonFailure.StateTooNew;
import io.gorgon.session.SessionStore;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.Test;

/** What a store in a database keeps to besides: others use the database too, at other times too. */
interface TwoSystems extends SessionStoreContract {

  ActorSystem<?> one();

  ActorSystem<?> other();

  static ActorSystem<?> system(String settings) {
    return ActorSystem.create(
        Behaviors.empty(),
        "stores",
        ConfigFactory.parseString(settings + "\npekko.actor.allow-java-serialization = off")
            .withFallback(ConfigFactory.load()));
  }

  static void end(ActorSystem<?> system) {
    system.terminate();
    get(system.getWhenTerminated());
  }

  @Override
  default SessionStore store(String pool) {
    return new DurableStore(one(), pool);
  }

  @Test
  default void oneOfTwoSystemsWinsEachVersion() {
    var stores = List.of(new DurableStore(one(), "race"), new DurableStore(other(), "race"));
    for (long version = 1; version <= 200; version++) {
      List<CompletableFuture<Done>> racers = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        var next = state("k", version, Map.of("winner", new byte[] {(byte) i}));
        racers.add(stores.get(i).save(next).toCompletableFuture());
      }
      List<Throwable> failures = racers.stream().map(SessionStoreContract::failureOf).toList();
      int winner = failures.indexOf(null);
      assertThat(winner).isNotNegative();
      assertThat(failures.get(1 - winner)).isInstanceOf(SessionConflict.class);
      for (SessionStore store : stores) {
        assertThat(get(store.load("k")).orElseThrow().values().get("winner"))
            .containsExactly(winner);
      }
    }
  }

  @Test
  default void whatANewerVersionHasWrittenIsRefusedAndLeftAsItIs() {
    var store = new DurableStore(one(), "newer");
    String id = new StoredId("newer").of("k");
    byte[] newer = StoredState.write(state("k", 1));
    newer[1] = 2;
    var states = StateDatabase.get(one()).states();
    get(states.upsertObject(id, 1, newer, new StoredId("newer").tag()));

    Throwable refused = failureOf(store.load("k"));

    assertThat(refused).isInstanceOf(StateTooNew.class).hasMessageContaining("format 2");
    assertThat(failureOf(store.save(state("k", 1)))).isInstanceOf(SessionConflict.class);
    assertThat(get(states.getObject(id)).value().orElseThrow()).isEqualTo(newer);
    assertThat(get(store.untouchedSince(Instant.now().plusSeconds(60), 1))).containsExactly("k");

    get(store.remove("k"));
    get(store.save(state("k", 1)));
  }

  @Test
  default void whatOthersHaveWrittenIsNotTakenForAState() {
    var store = new DurableStore(one(), "foreign");
    var ids = new StoredId("foreign");
    var states = StateDatabase.get(one()).states();
    get(states.upsertObject(ids.of("cut"), 1, new byte[] {0, 1, 0}, ids.tag()));
    get(states.upsertObject(ids.of("swapped"), 1, StoredState.write(state("k", 1)), ids.tag()));

    for (String key : List.of("cut", "swapped")) {
      assertThat(failureOf(store.load(key)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining(key);
    }
  }
}
