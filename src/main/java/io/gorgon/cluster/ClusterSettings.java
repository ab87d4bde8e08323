package io.gorgon.cluster;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigUtil;
import io.gorgon.message.PythonFailure.InvalidSettings;
import io.gorgon.pool.SettingsReader;
import java.time.Duration;

/**
 * These say how a pool is spread over a cluster; from {@code gorgon.cluster} and {@code
 * gorgon.pools.NAME.cluster}.
 *
 * @param role nodes with this role run the pool; empty for all
 * @param shards groups that sessions are moved in; the same number on all nodes
 * @param inlineLimit bytes of a value that go in one message
 * @param passivateAfter how long a session that nobody uses stays at its node
 * @param handOff how long calls may go on running whose session is to move
 * @param loadInterval how often at most nodes tell how much they have to do
 */
record ClusterSettings(
    String role,
    int shards,
    int inlineLimit,
    Duration passivateAfter,
    Duration handOff,
    Duration loadInterval) {

  private static final String FRAME = "pekko.remote.artery.advanced.maximum-frame-size";

  /** What a message needs besides the value in it. */
  private static final int ENVELOPE = 4 * 1024;

  /**
   * Reads and checks.
   *
   * @throws InvalidSettings that names the key and what is allowed
   */
  static ClusterSettings from(String pool, Config config) {
    String own = ConfigUtil.joinPath("gorgon", "pools", pool, "cluster", "role");
    String role = config.getString(config.hasPath(own) ? own : "gorgon.default-pool.cluster.role");
    var reader = new SettingsReader("gorgon.cluster", config.getConfig("gorgon.cluster"));
    int inline = (int) reader.bytes("inline-limit", 1024, 16 * 1024 * 1024);
    if (config.hasPath(FRAME) && inline + ENVELOPE > config.getBytes(FRAME)) {
      throw new InvalidSettings(
          "gorgon.cluster.inline-limit",
          "is "
              + inline
              + " bytes, which with "
              + ENVELOPE
              + " around it exceeds "
              + FRAME
              + " = "
              + config.getBytes(FRAME)
              + ": lower the one or raise the other");
    }
    return new ClusterSettings(
        role,
        reader.integer("shards", 1, 10_000),
        inline,
        reader.duration("passivate-after", Duration.ofSeconds(1), Duration.ofDays(30)),
        reader.duration("hand-off", Duration.ofMillis(100), Duration.ofHours(1)),
        reader.duration("load-interval", Duration.ofMillis(5), Duration.ofSeconds(5)));
  }
}
