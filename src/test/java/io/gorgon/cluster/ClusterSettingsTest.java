package io.gorgon.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.gorgon.message.PythonFailure.InvalidSettings;
import io.gorgon.pool.PoolSettings;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a configuration may say of a pool over nodes. */
class ClusterSettingsTest {

  private static Config config(String... settings) {
    return ConfigFactory.parseString(String.join("\n", settings))
        .withFallback(ConfigFactory.load());
  }

  @Test
  void theDefaultsAreThoseOfTheReference() {
    assertThat(ClusterSettings.from("default", config()))
        .isEqualTo(
            new ClusterSettings(
                "",
                100,
                64 * 1024,
                Duration.ofMinutes(2),
                Duration.ofSeconds(50),
                Duration.ofMillis(50)));
  }

  @Test
  void aPoolMayHaveARoleOfItsOwnWhateverItsName() {
    Config config = config("gorgon.pools { \"a.b\" { cluster.role = gpu }, c {} }");
    assertThat(ClusterSettings.from("a.b", config).role()).isEqualTo("gpu");
    assertThat(ClusterSettings.from("c", config).role()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "shards, 0",
    "shards, 10001",
    "inline-limit, 1",
    "inline-limit, 17MiB",
    "passivate-after, 10ms",
    "hand-off, 0",
    "load-interval, 1ms",
    "load-interval, 1h"
  })
  void whatIsOutOfRangeIsRefusedByItsKey(String key, String value) {
    assertThatThrownBy(
            () -> ClusterSettings.from("default", config("gorgon.cluster." + key + " = " + value)))
        .isInstanceOf(InvalidSettings.class)
        .hasMessageContaining("gorgon.cluster." + key);
  }

  @Test
  void aPieceMustFitInAMessageOfTheRemoting() {
    assertThatThrownBy(
            () ->
                ClusterSettings.from(
                    "default", config("pekko.remote.artery.advanced.maximum-frame-size = 32KiB")))
        .isInstanceOf(InvalidSettings.class)
        .hasMessageContaining("gorgon.cluster.inline-limit")
        .hasMessageContaining("maximum-frame-size");
  }

  @Test
  void aStoreThatOneJvmHasForItselfIsNoneForSessionsOfACluster() {
    Config memory = config();
    assertThat(SharedStore.problem(PoolSettings.from("default", memory)))
        .hasValueSatisfying(
            problem ->
                assertThat(problem)
                    .hasMessageContaining("gorgon.pools.default.session.store")
                    .hasMessageContaining("durable"));
    Config h2 = config("gorgon.default-pool.session.store = durable");
    assertThatThrownBy(() -> SharedStore.check(PoolSettings.from("default", h2), h2))
        .isInstanceOf(InvalidSettings.class)
        .hasMessageContaining("gorgon.session-store.url");
    Config shared =
        config(
            "gorgon.default-pool.session.store = durable",
            "gorgon.session-store.url = \"jdbc:postgresql://h/d\"");
    PoolSettings pool = PoolSettings.from("default", shared);
    SharedStore.check(pool, shared);
    assertThat(SharedStore.problem(pool)).isEmpty();
  }
}
