package io.gorgon.testkit;

import io.gorgon.session.SessionStore;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;
import org.apache.pekko.actor.typed.ActorSystem;

/** Where a kit finds the store again that its pool has put faults around. Thread-safe. */
final class KitStore {

  private final CompletableFuture<FaultyStore> store = new CompletableFuture<>();

  FaultyStore around(SessionStore kept, ActorSystem<?> system, InstantSource wall) {
    store.complete(FaultyStore.around(kept, system, wall));
    return store.join();
  }

  FaultyStore get() {
    return store.join();
  }
}
