package io.gorgon.session.durable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.ConfigFactory;
import io.gorgon.message.PythonFailure.InvalidSettings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StoreSettingsTest {

  private static StoreSettings settings(String... lines) {
    return StoreSettings.from(
        ConfigFactory.parseString(String.join("\n", lines)).withFallback(ConfigFactory.load()));
  }

  private static StoreSettings url(String url) {
    return settings("gorgon.session-store.url = \"" + url + "\"");
  }

  @Test
  void theDefaultIsAnH2FileThatKeepsWhatItSays() {
    assertThat(settings().url()).isEqualTo("jdbc:h2:file:./gorgon-sessions;WRITE_DELAY=0");
    assertThat(settings().createSchema()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "jdbc:h2:file:./x",
        "jdbc:h2:./x;WRITE_DELAY=00",
        "jdbc:h2:~/x;WRITE_DELAY=1",
        "jdbc:h2:file:./x;CIPHER=AES;WRITE_DELAY=500",
        "jdbc:h2:tcp://host/x"
      })
  void anH2UrlWithoutWriteDelayZeroIsRefused(String url) {
    assertThatThrownBy(() -> url(url))
        .isInstanceOf(InvalidSettings.class)
        .hasMessageContaining("gorgon.session-store.url")
        .hasMessageContaining("WRITE_DELAY=0");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "jdbc:h2:mem:x",
        "jdbc:h2:./x;write_delay=0",
        "jdbc:h2:tcp://host/x;CIPHER=AES; WRITE_DELAY=0",
        "jdbc:postgresql://host/x?sslmode=verify-full"
      })
  void othersAreTaken(String url) {
    assertThat(url(url).url()).isEqualTo(url);
  }

  @Test
  void aFileOfH2IsRefusedInACluster() {
    String cluster = "pekko.actor.provider = cluster";

    assertThatThrownBy(() -> settings(cluster))
        .isInstanceOf(InvalidSettings.class)
        .hasMessageContaining("gorgon.session-store.url")
        .hasMessageContaining("PostgreSQL");
    settings(cluster, "gorgon.session-store.url = \"jdbc:h2:tcp://h/x;WRITE_DELAY=0\"");
    settings(cluster, "gorgon.session-store.url = \"jdbc:postgresql://h/x\"");
    settings(cluster, "gorgon.session-store.url = \"jdbc:h2:mem:x\"");
  }

  @ParameterizedTest
  @CsvSource({
    "url, jdbc:mysql://h/x",
    "url, 'jdbc:h2:mem:x;DATABASE_TO_UPPER=true'",
    "connections, 0",
    "timeout, 10ms",
    "create-schema, perhaps",
    "createSchema, on"
  })
  void whatIsWrongIsNamed(String key, String value) {
    assertThatThrownBy(() -> settings("gorgon.session-store." + key + " = \"" + value + "\""))
        .isInstanceOf(InvalidSettings.class)
        .hasMessageContaining("gorgon.session-store." + key);
  }

  @Test
  void passwordsAreNotTold() {
    var settings = settings("gorgon.session-store { user = me, password = secret }");

    assertThat(settings.toString()).contains("user=me").doesNotContain("secret");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "jdbc:h2:mem:x;PASSWORD=secret",
        "jdbc:h2:./x;Password = secret",
        "jdbc:postgresql://h/x?password=secret",
        "jdbc:postgresql://me:secret@h/x"
      })
  void aPasswordInTheUrlIsRefusedAndNotRepeated(String url) {
    assertThatThrownBy(() -> url(url))
        .isInstanceOf(InvalidSettings.class)
        .hasMessageContaining("gorgon.session-store.password")
        .hasMessageNotContaining("secret");
  }

  @Test
  void theVersionOfH2ThatLosesCommitsIsRefused() {
    settings().checkH2Version(2, 4);
    url("jdbc:h2:mem:x").checkH2Version(2, 5);
    url("jdbc:h2:./x;WRITE_DELAY=0;REUSE_SPACE=FALSE").checkH2Version(2, 5);

    assertThatThrownBy(() -> settings().checkH2Version(2, 5))
        .isInstanceOf(InvalidSettings.class)
        .hasMessageContaining("gorgon.session-store.url")
        .hasMessageContaining("2.4.240");
  }
}
