package io.gorgon;

import io.gorgon.message.PythonFailure.InvalidSettings;
import io.gorgon.pool.PoolSettings;
import io.gorgon.session.MemoryStore;
import io.gorgon.session.SessionStore;
import org.apache.pekko.actor.typed.ActorSystem;

/** This makes the store that a pool's settings name. */
final class SessionStores {

  private static final String DURABLE = "io.gorgon.session.durable.DurableStore";

  private SessionStores() {}

  static SessionStore of(ActorSystem<?> system, PoolSettings settings) {
    String name = settings.session().store();
    if (name.equals("memory")) {
      return new MemoryStore();
    }
    String type = name.equals("durable") ? DURABLE : name;
    try {
      return Class.forName(type)
          .asSubclass(SessionStore.class)
          .getConstructor(ActorSystem.class, String.class)
          .newInstance(system, settings.name());
    } catch (ReflectiveOperationException | ClassCastException | NoClassDefFoundError missing) {
      Throwable cause = missing.getCause() == null ? missing : missing.getCause();
      if (cause instanceof InvalidSettings named) {
        throw named;
      }
      throw new InvalidSettings(
          "gorgon.pools." + settings.name() + ".session.store",
          "is '" + name + "', which cannot be used: " + cause);
    }
  }
}
