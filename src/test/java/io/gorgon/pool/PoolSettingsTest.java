package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.gorgon.message.PythonFailure.InvalidSettings;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

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
        "nonsense = 1                   | nonsense              | unknown",
        "language-model.retries = 101   | language-model.retries | 0 to 100",
        "language-model.request-timeout = 2d | language-model.request-timeout | 0ms to 86400000ms",
        "language-model.adapter = yaml  | language-model.adapter | default, chat, json, xml",
        "language-model.cache = maybe   | language-model.cache   | true or false",
        "language-model.base-url = \"http://h/\" | language-model.model | is missing",
        "language-model.key-env = KEY   | language-model.model   | is missing",
        "language-model.key-secret = k  | language-model.model   | is missing",
        "language-model { model = m, base-url = h } | language-model.base-url | http://HOST",
        "language-model { model = m, base-url = \"ftp://h\" } | language-model.base-url | http://HOST",
        "language-model { model = m, key-env = A, key-secret = b } | language-model.key-secret | one of the two",
        "language-model { model = m, options.timeout = 1 } | language-model.options.timeout | key of its own",
        "language-model { model = m, options = 5 } | language-model.options | unknown",
        "language-model { modell = m }  | language-model.modell  | did you mean 'language-model.model'"
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
  void aLanguageModelIsReadWithItsDefaults() {
    assertThat(PoolSettings.from("default", REFERENCE).languageModel()).isEmpty();
    ModelSettings model =
        PoolSettings.of(
                "p",
                ConfigFactory.parseString(
                    "language-model { model = openai/m, base-url = \"https://h:1/v1\", key-env = KEY,"
                        + " adapter = json, request-timeout = 2s, options { temperature = 0.5 } }"),
                REFERENCE)
            .languageModel()
            .orElseThrow();

    assertThat(model)
        .isEqualTo(
            new ModelSettings(
                "openai/m",
                Optional.of("https://h:1/v1"),
                Optional.of("KEY"),
                Optional.empty(),
                Optional.of("json"),
                false,
                3,
                Optional.of(Duration.ofSeconds(2)),
                Map.of("temperature", 0.5)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "key-env = sk-123",
        "key-env = \"sk 123\"",
        "options { api_key = sk-123 }",
        "options { aws_session_token = sk-123 }",
        "api-key = sk-123",
        "base-url = \"http://user:sk-123@host/v1\"",
        "base-url = \"http://ho st/sk-123\""
      })
  void aKeyThatIsGivenItselfIsRefusedAndNotRepeated(String setting) {
    String block = "language-model { model = openai/m, " + setting + " }";

    assertThatThrownBy(() -> PoolSettings.of("p", ConfigFactory.parseString(block), REFERENCE))
        .isInstanceOf(InvalidSettings.class)
        .hasMessageContaining("language-model.")
        .hasMessageNotContaining("123")
        .hasNoCause();
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
