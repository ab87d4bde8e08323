package io.gorgon.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.gorgon.message.PythonFailure.InvalidSettings;
import io.gorgon.pool.PoolSettings;
import org.junit.jupiter.api.Test;

class HealthSettingsTest {

  private static Config config(String... lines) {
    return ConfigFactory.parseString(String.join("\n", lines)).withFallback(ConfigFactory.load());
  }

  private static int enough(Config config) {
    return HealthSettings.enough(PoolSettings.from("p", config), config);
  }

  @Test
  void moreWorkersThanAPoolKeepsAreRefused() {
    assertThat(enough(config("gorgon.pools.p { cluster.ready-workers = 2 }"))).isEqualTo(2);
    Config wrong =
        config("gorgon.pools.p { cluster.ready-workers = 3 }", "gorgon.health.pools = [p]");
    assertThatThrownBy(() -> WorkersReady.check(wrong))
        .isInstanceOf(InvalidSettings.class)
        .hasMessageContaining("gorgon.pools.p.cluster.ready-workers")
        .hasMessageContaining("0 to min-workers (2)");
  }

  @Test
  void aPoolThatStartsWithTheFirstCallIsNotWaitedFor() {
    assertThat(enough(config("gorgon.pools.p { eager = false }"))).isZero();
    assertThat(enough(config("gorgon.pools.p { mode = bridge }"))).isEqualTo(1);
  }

  @Test
  void poolsOfAnotherRoleAreNotWaitedFor() {
    Config front =
        config(
            "pekko.cluster.roles = [front]",
            "gorgon.pools { here {}, \"a.b\" { cluster.role = front }, away { cluster.role = python } }",
            "gorgon.health.pools = [here, \"a.b\", away]");
    assertThat(HealthSettings.from(front).pools()).containsExactlyInAnyOrder("here", "a.b");
  }

  @Test
  void aPoolThatDoesNotExistIsNamed() {
    assertThatThrownBy(() -> WorkersReady.check(config("gorgon.health.pools = [nobody]")))
        .hasMessageContaining("gorgon.pools.nobody");
  }
}
