package io.gorgon.cluster;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigUtil;
import io.gorgon.pool.PoolSettings;
import io.gorgon.pool.SettingsReader;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * These say when a node counts as started and as ready; the block {@code gorgon.health}. Immutable.
 *
 * @param pools pools that must be hosted here; whatever else is hosted counts as well
 * @param timeout the end of one check
 * @param shardingLimit how long a region that does not register keeps the node from being ready
 */
record HealthSettings(Set<String> pools, Duration timeout, Duration shardingLimit) {

  HealthSettings {
    pools = Set.copyOf(pools);
  }

  /**
   * Reads them from the system's whole config, without the pools whose role this node has not;
   * looks over all of them.
   *
   * @throws io.gorgon.message.PythonFailure.InvalidSettings with the key and what is allowed
   */
  static HealthSettings from(Config whole) {
    var in = new SettingsReader("gorgon.health", whole.getConfig("gorgon.health"));
    List<String> roles = whole.getStringList("pekko.cluster.roles");
    Set<String> here = new TreeSet<>();
    for (String name : in.texts("pools")) {
      enough(PoolSettings.from(name, whole), whole);
      String role = pool(name, whole).getString("cluster.role");
      if (role.isEmpty() || roles.contains(role)) {
        here.add(name);
      }
    }
    return new HealthSettings(
        here,
        in.duration("timeout", Duration.ofMillis(1), Duration.ofMinutes(1)),
        in.duration("sharding-limit", Duration.ZERO, Duration.ofHours(1)));
  }

  /**
   * How many workers of this pool make a node ready: none of a pool that starts them when calls
   * come, for none would come.
   *
   * @throws io.gorgon.message.PythonFailure.InvalidSettings if there are never so many
   */
  static int enough(PoolSettings settings, Config whole) {
    var in = new SettingsReader("gorgon.pools." + settings.name(), pool(settings.name(), whole));
    int enough = in.integer("cluster.ready-workers", 0, PoolSettings.MOST_WORKERS);
    if (enough > settings.minWorkers() && !settings.bridge()) {
      throw in.invalid(
          "cluster.ready-workers",
          "is "
              + enough
              + "; allowed is 0 to min-workers ("
              + settings.minWorkers()
              + "), for no more may ever start");
    }
    return settings.eager() ? Math.min(enough, settings.minWorkers()) : 0;
  }

  private static Config pool(String name, Config whole) {
    Config defaults = whole.getConfig("gorgon.default-pool");
    String path = "gorgon.pools." + ConfigUtil.quoteString(name);
    return whole.hasPath(path) ? whole.getConfig(path).withFallback(defaults) : defaults;
  }
}
