package io.gorgon.cluster;

import com.typesafe.config.Config;
import io.gorgon.message.PythonFailure.InvalidSettings;
import io.gorgon.pool.PoolSettings;
import java.util.Optional;

/** This tells whether the store of a pool's sessions is one that all nodes share. */
public final class SharedStore {

  private static final String URL = "gorgon.session-store.url";

  private SharedStore() {}

  /**
   * Refuses a database that one JVM has for itself.
   *
   * @throws InvalidSettings that names the key
   */
  public static void check(PoolSettings settings, Config config) {
    if (settings.session().store().equals("durable")
        && config.getString(URL).startsWith("jdbc:h2:")) {
      throw new InvalidSettings(
          URL,
          "is an H2 database, which one JVM has for itself: sessions of a cluster need one that all"
              + " nodes share, such as jdbc:postgresql://HOST/DATABASE");
    }
  }

  /** Why the pool can have no sessions in a cluster; empty if it can. */
  public static Optional<InvalidSettings> problem(PoolSettings settings) {
    return settings.session().store().equals("memory")
        ? Optional.of(
            new InvalidSettings(
                "gorgon.pools." + settings.name() + ".session.store",
                "is 'memory', which each node has for itself: sessions of a cluster need 'durable'"
                    + " and a database that all nodes share"))
        : Optional.empty();
  }
}
