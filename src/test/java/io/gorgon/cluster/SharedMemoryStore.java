package io.gorgon.cluster;

import io.gorgon.session.MemoryStore;
import io.gorgon.session.SessionState;
import io.gorgon.session.SessionStore;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorSystem;

/** A store that all actor systems of this JVM share, as all nodes of a cluster share a database. */
public final class SharedMemoryStore implements SessionStore {

  private static final Map<String, MemoryStore> STORES = new ConcurrentHashMap<>();

  private final MemoryStore store;

  public SharedMemoryStore(ActorSystem<?> system, String pool) {
    this.store = STORES.computeIfAbsent(system.name() + "/" + pool, name -> new MemoryStore());
  }

  @Override
  public CompletionStage<Optional<SessionState>> load(String key) {
    return store.load(key);
  }

  @Override
  public CompletionStage<Done> save(SessionState next) {
    return store.save(next);
  }

  @Override
  public CompletionStage<Done> remove(String key, long version) {
    return store.remove(key, version);
  }

  @Override
  public CompletionStage<Done> remove(String key) {
    return store.remove(key);
  }

  @Override
  public CompletionStage<Long> count() {
    return store.count();
  }

  @Override
  public CompletionStage<List<String>> untouchedSince(Instant then, int most) {
    return store.untouchedSince(then, most);
  }
}
