package io.gorgon.worker;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.gorgon.message.Call;
import io.gorgon.message.Payload;
import io.gorgon.message.WorkerId;
import io.gorgon.wire.Frame;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/** What Python logs, under its name, at its level, with the caller's MDC. */
class PythonLogTest {

  private static final WorkerId ID = new WorkerId("pythonlogtest", 1, 2);

  private final PythonLog log = new PythonLog(ID);
  private final Logger root = (Logger) LoggerFactory.getLogger("python");
  private final Logger named = (Logger) LoggerFactory.getLogger("python.log_test.inner");
  private final Logger own = (Logger) LoggerFactory.getLogger(PythonLog.class);
  private final ListAppender<ILoggingEvent> said =
      new ListAppender<>() {
        @Override
        protected void append(ILoggingEvent event) {
          event.prepareForDeferredProcessing();
          super.append(event);
        }
      };

  @BeforeEach
  void listen() {
    said.start();
    root.addAppender(said);
    root.setAdditive(false);
    own.addAppender(said);
    own.setAdditive(false);
    named.setLevel(Level.TRACE);
    MDC.clear();
  }

  @AfterEach
  void stopListening() {
    root.detachAppender(said);
    root.setAdditive(true);
    own.detachAppender(said);
    own.setAdditive(true);
    named.setLevel(null);
    MDC.clear();
  }

  private static Frame frame(String body) {
    return Frame.of(Frame.Kind.LOG, 0, body.getBytes(StandardCharsets.UTF_8));
  }

  private static Frame record(int level, String more) {
    return frame(
        "{\"logger\":\"log_test.inner\",\"level\":" + level + ",\"message\":\"a {}\"" + more + "}");
  }

  private ILoggingEvent only() {
    assertThat(said.list).hasSize(1);
    return said.list.get(0);
  }

  @ParameterizedTest
  @CsvSource({
    "50, ERROR",
    "40, ERROR",
    "39, WARN",
    "30, WARN",
    "29, INFO",
    "20, INFO",
    "19, DEBUG",
    "10, DEBUG",
    "9, TRACE",
    "0, TRACE"
  })
  void pythonsLevelsAreMet(int python, String java) {
    log.write(record(python, ""), null);

    assertThat(only().getLevel()).hasToString(java);
  }

  @Test
  void theLoggerHasPythonsNameAndTheTextIsTakenAsItIs() {
    log.write(record(20, ""), null);

    assertThat(only().getLoggerName()).isEqualTo("python.log_test.inner");
    assertThat(only().getFormattedMessage()).isEqualTo("a {}");
  }

  @ParameterizedTest
  @CsvSource({"root", "''"})
  void theRootLoggerIsCalledPython(String name) {
    log.write(frame("{\"logger\":\"" + name + "\",\"level\":40,\"message\":\"m\"}"), null);

    assertThat(only().getLoggerName()).isEqualTo("python");
  }

  @Test
  void anExceptionStandsBelowTheText() {
    log.write(record(40, ",\"exception\":\"Traceback\\nValueError\\n\""), null);

    assertThat(only().getFormattedMessage()).isEqualTo("a {}\nTraceback\nValueError");
  }

  @Test
  void whatIsNotEnabledIsNotSaid() {
    named.setLevel(Level.WARN);
    log.write(record(20, ""), null);

    assertThat(said.list).isEmpty();
  }

  @Test
  void aRecordOfACallHasItsCallersMdcAndLeavesTheThreadsAsItWas() {
    MDC.put("user", "ada");
    var call = new PendingCall("c-1", Call.of("m:f"), Payload.EMPTY, 0, 0, Dialogue.NONE);
    MDC.put("user", "of this thread");

    log.write(record(20, ""), call);

    assertThat(only().getMDCPropertyMap())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of("user", "ada", "call", "c-1", "worker", ID.toString()));
    assertThat(MDC.getCopyOfContextMap()).isEqualTo(Map.of("user", "of this thread"));
  }

  @Test
  void aRecordOfNoCallNamesItsWorkerOnly() {
    log.write(record(20, ""), null);

    assertThat(only().getMDCPropertyMap())
        .containsExactlyInAnyOrderEntriesOf(Map.of("worker", ID.toString()));
    assertThat(MDC.get("worker")).isNull();
  }

  @Test
  void aRecordThatCannotBeReadIsSaidToBeSo() {
    log.write(frame("{\"logger\":"), null);

    assertThat(only().getLevel()).isEqualTo(Level.WARN);
    assertThat(only().getFormattedMessage()).contains(ID.toString(), "cannot be read");
  }

  @Test
  void aRecordThatSaysNothingIsATraceOfNothing() {
    root.setLevel(Level.TRACE);
    try {
      log.write(frame("[]"), null);
    } finally {
      root.setLevel(null);
    }

    assertThat(only().getLevel()).isEqualTo(Level.TRACE);
    assertThat(only().getFormattedMessage()).isEmpty();
  }
}
