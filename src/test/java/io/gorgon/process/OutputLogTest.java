package io.gorgon.process;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.gorgon.message.WorkerId;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** What a worker prints reaches the log, tagged and not without bound, and the tail. */
class OutputLogTest {

  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  private final Logger logger = (Logger) LoggerFactory.getLogger("gorgon.python.output-log-test");
  private final ListAppender<ILoggingEvent> said = new ListAppender<>();
  private final OutputTail tail = new OutputTail();
  private long now = Long.MAX_VALUE - SECOND / 2; // The clock overflows meanwhile.
  private final OutputLog log =
      new OutputLog(new WorkerId("output-log-test", 1, 2), "stdout", 2, tail, () -> now);

  @BeforeEach
  void listen() {
    logger.setLevel(Level.INFO);
    logger.setAdditive(false);
    logger.addAppender(said);
    said.start();
  }

  @AfterEach
  void stopListening() {
    logger.detachAppender(said);
  }

  private List<String> messages() {
    return said.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
  }

  @Test
  void aLineIsTaggedWithItsWorkerAndStream() {
    log.accept("hello");

    assertThat(messages()).containsExactly("[output-log-test/1.2 stdout] hello");
    assertThat(tail.lines()).containsExactly("hello");
  }

  @Test
  void linesAreNoPatterns() {
    log.accept("{} %s");

    assertThat(messages()).containsExactly("[output-log-test/1.2 stdout] {} %s");
  }

  @Test
  void noMoreThanTheAllowedLinesOfASecondReachTheLogAndAllReachTheTail() {
    for (int line = 0; line < 5; line++) {
      log.accept("line " + line);
    }

    assertThat(messages()).hasSize(2);
    assertThat(tail.lines()).hasSize(5);
  }

  @Test
  void howManyWereLeftOutIsSaidInTheNextSecond() {
    for (int line = 0; line < 5; line++) {
      log.accept("line");
    }
    now += SECOND - 1;
    log.accept("line");
    assertThat(messages()).hasSize(2);

    now += 1;
    log.accept("next second");

    assertThat(messages()).hasSize(4);
    assertThat(messages().get(2)).contains("4 more lines were left out");
    assertThat(said.list.get(2).getLevel()).isEqualTo(Level.WARN);
    assertThat(messages().get(3)).endsWith("next second");
  }

  @Test
  void theEndSaysOnceWhatWasLeftOut() {
    log.close();
    assertThat(messages()).isEmpty();
    for (int line = 0; line < 3; line++) {
      log.accept("line");
    }

    log.close();
    log.close();

    assertThat(messages()).hasSize(3);
    assertThat(messages().get(2)).contains("1 more lines");
  }

  @Test
  void aLongLineIsCutAndMarked() {
    log.accept("x".repeat(OutputTail.LINE_LENGTH + 1));

    assertThat(messages().get(0)).endsWith("xxx...");
  }
}
