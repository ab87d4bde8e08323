package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.gorgon.message.PythonFailure.InvalidSettings;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PoolSettingsTest {

  private static final Config REFERENCE = ConfigFactory.load();

  @Test
  void theDefaultsAreValidAndAsDocumented() {
    PoolSettings settings = PoolSettings.from("default", REFERENCE);

    assertThat(settings.minWorkers()).isEqualTo(2);
    assertThat(settings.maxWorkers()).isEqualTo(4);
    assertThat(settings.callTimeout()).isEqualTo(Duration.ofSeconds(60));
    assertThat(settings.launch().entry()).isEqualTo("gorgon._worker:main");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "min-workers = 0                | min-workers           | 1 to 1024",
        "max-workers = 2000             | max-workers           | 1 to 1024",
        "min-workers = 9                | max-workers           | or more",
        "min-workers = many             | min-workers           | whole number",
        "call-timeout = 5 parsecs       | call-timeout          | duration",
        "call-timeout = 0s              | call-timeout          | 1ms",
        "queue-capacity = -1            | queue-capacity        | 0 to",
        "frame-limit = 1KiB             | frame-limit           | bytes",
        "frame-limit = huge             | frame-limit           | size",
        "batch = 65                     | batch                 | 1 to 64",
        "concurrency = 257              | concurrency           | 1 to 256",
        "concurrency = 0                | concurrency           | 1 to 256",
        "recycle.jitter = 2             | recycle.jitter        | 0 to 1",
        "mode = cluster                 | mode                  | pool, bridge",
        "start-method = spoon           | start-method          | auto, fork, fresh",
        "eager = perhaps                | eager                 | true or false",
        "imports = numpy                | imports               | list",
        "preload = numpy                | preload               | list",
        "preload = [\"no module\"]        | preload               | names of modules",
        "preload = [\"numpy:sum\"]        | preload               | names of modules",
        "restart.backoff-max = 1ms      | restart.backoff-max   | below",
        "checkout.lease-ttl = 1ms       | checkout.lease-ttl    | 10ms",
        "timeouts.start = 1ms           | timeouts.start        | 10ms",
        "call-timout = 5s               | call-timout           | did you mean 'call-timeout'",
        "nonsense = 1                   | nonsense              | unknown"
      })
  void aWrongSettingIsNamedWithWhatIsAllowed(String setting, String key, String allowed) {
    Config whole =
        ConfigFactory.parseString("gorgon.pools.p { " + setting + " }").withFallback(REFERENCE);

    assertThatThrownBy(() -> PoolSettings.from("p", whole))
        .isInstanceOf(InvalidSettings.class)
        .hasMessageContaining("gorgon.pools.p." + key)
        .hasMessageContaining(allowed);
  }

  @Test
  void aBridgeIsOneWorkerAndNoLine() {
    PoolSettings bridge =
        PoolSettings.of("b", ConfigFactory.parseString("mode = bridge"), REFERENCE);

    assertThat(bridge.bridge()).isTrue();
    assertThat(bridge.maxWorkers()).isEqualTo(1);
    assertThat(bridge.queueCapacity()).isZero();
  }

  @Test
  void aNameThatCannotBeAPathIsRefused() {
    assertThatThrownBy(() -> PoolSettings.of("a/b", ConfigFactory.empty(), REFERENCE))
        .isInstanceOf(InvalidSettings.class)
        .hasMessageContaining("a/b");
  }
}
