package io.gorgon.session.durable;

import static io.gorgon.session.durable.SessionStoreContract.get;
import static io.gorgon.session.durable.SessionStoreContract.state;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.gorgon.testkit.TestPostgres;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.SimpleFormatter;
import org.apache.pekko.actor.typed.ActorSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/**
 * Everything is logged that can be, and no stored value is in it. (PostgreSQL's driver tells what
 * it sends at FINEST, of {@code java.util.logging}; nothing can keep it from that.)
 */
class StoreLogsTest {

  private static final String VALUE = "a value that nobody may read";

  @TempDir private static Path directory;

  /** What is written at TRACE by SLF4J, and at FINER by the driver. */
  private static final class Listening implements AutoCloseable {
    final List<String> lines = Collections.synchronizedList(new ArrayList<>());
    private final Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    private final Level before = root.getLevel();
    private final java.util.logging.Logger driver =
        java.util.logging.Logger.getLogger("org.postgresql");
    private final AppenderBase<ILoggingEvent> appender =
        new AppenderBase<>() {
          @Override
          protected void append(ILoggingEvent event) {
            lines.add(event.getLoggerName() + ": " + event.getFormattedMessage());
          }
        };
    private final Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord event) {
            lines.add(event.getLoggerName() + ": " + new SimpleFormatter().formatMessage(event));
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };

    Listening() {
      appender.setContext(root.getLoggerContext());
      appender.start();
      root.addAppender(appender);
      root.setLevel(Level.TRACE);
      handler.setLevel(java.util.logging.Level.ALL);
      driver.addHandler(handler);
      driver.setUseParentHandlers(false);
      driver.setLevel(java.util.logging.Level.FINER);
    }

    @Override
    public void close() {
      root.setLevel(before);
      root.detachAppender(appender);
      driver.setLevel(null);
      driver.setUseParentHandlers(true);
      driver.removeHandler(handler);
    }
  }

  private static List<String> logged(String settings) {
    byte[] value = VALUE.getBytes(UTF_8);
    try (var listening = new Listening()) {
      ActorSystem<?> system = TwoSystems.system(settings);
      try {
        var store = new DurableStore(system, "logged");
        get(store.save(state("k", 1, Map.of("v", value))));
        get(store.save(state("k", 2, Map.of("v", value))));
        assertThat(get(store.load("k")).orElseThrow().values().get("v")).isEqualTo(value);
        get(store.remove("k", 2));
      } finally {
        TwoSystems.end(system);
      }
      return List.copyOf(listening.lines);
    }
  }

  private static void assertSilent(List<String> lines) {
    assertThat(lines).anyMatch(line -> line.contains("durable_state"));
    byte[] value = VALUE.getBytes(UTF_8);
    for (String form :
        List.of(
            VALUE,
            HexFormat.of().formatHex(value),
            Base64.getEncoder().encodeToString(value).substring(2, 20))) {
      assertThat(lines)
          .noneMatch(line -> line.toLowerCase(Locale.ROOT).contains(form.toLowerCase(Locale.ROOT)));
    }
  }

  @Test
  void valuesInH2AreNotLogged() {
    assertSilent(logged(H2StoreTest.settings(directory)));
  }

  @Test
  void valuesInPostgresAreNotLogged() {
    try (var postgres = TestPostgres.start()) {
      assertSilent(logged(postgres.settings()));
    }
  }
}
