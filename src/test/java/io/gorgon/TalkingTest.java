package io.gorgon;

import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.gorgon.message.Call;
import io.gorgon.message.Progress;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import java.util.List;
import java.util.Map;
import org.apache.pekko.stream.javadsl.Sink;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/** What Python tells besides its answers: progress, logs; and what it is told: the trace. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class TalkingTest {

  private static TestPool shared;

  @BeforeAll
  static void start() {
    shared = TestPool.start("log.level = DEBUG").awaitReady(2);
  }

  @AfterAll
  static void stop() {
    shared.close();
  }

  /** What reaches the log of Python's logger {@code shop.orders} while {@code work} runs. */
  private static List<ILoggingEvent> logged(Runnable work, int records) {
    Logger logger = (Logger) LoggerFactory.getLogger("python.shop.orders");
    var appender = new ListAppender<ILoggingEvent>();
    appender.start();
    logger.setLevel(Level.DEBUG);
    logger.addAppender(appender);
    try {
      work.run();
      await().until(() -> appender.list.size() >= records);
      return List.copyOf(appender.list);
    } finally {
      logger.detachAppender(appender);
    }
  }

  @Test
  void progressIsASourceThatEndsWithTheCall() {
    RunningCall running = shared.pool().call(Call.of("streaming:work", 20));
    List<Progress> told = get(running.progress().runWith(Sink.seq(), shared.system()));

    assertThat(told).isNotEmpty();
    Progress last = told.get(told.size() - 1);
    assertThat(last.done()).isEqualTo(20);
    assertThat(last.total()).hasValue(20);
    assertThat(last.note()).hasValue("step 20");
    assertThat(told.size()).as("at most one in 50 ms").isLessThan(20);
    assertThat(get(running).as(Integer.class)).isEqualTo(20);
  }

  @Test
  void progressOfACallThatSaysNothingIsEmpty() {
    RunningCall silent = shared.pool().call(Call.of("targets:echo", 1));

    assertThat(get(silent.progress().runWith(Sink.seq(), shared.system()))).isEmpty();
  }

  @Test
  void aRecordArrivesWithLevelNameWorkerCallAndTheCallersContext() {
    MDC.put("customer", "7");
    try {
      var id = new String[1];
      List<ILoggingEvent> events =
          logged(
              () -> {
                RunningCall running = shared.pool().call(Call.of("streaming:say", 30, "hello"));
                id[0] = running.id();
                get(running);
              },
              1);

      ILoggingEvent event = events.get(0);
      assertThat(event.getLevel()).isEqualTo(Level.WARN);
      assertThat(event.getFormattedMessage()).isEqualTo("hello!");
      Map<String, String> context = event.getMDCPropertyMap();
      assertThat(context).containsEntry("customer", "7").containsEntry("call", id[0]);
      assertThat(context.get("worker")).startsWith(shared.pool().name() + "/");
    } finally {
      MDC.remove("customer");
    }
  }

  @Test
  void pythonsLevelsBecomeSlf4js() {
    List<ILoggingEvent> events =
        logged(
            () -> {
              for (int level : new int[] {10, 20, 30, 40, 50}) {
                get(shared.pool().session("one").call(Call.of("streaming:say", level, "at")));
              }
            },
            5);

    assertThat(events)
        .extracting(ILoggingEvent::getLevel)
        .containsExactly(Level.DEBUG, Level.INFO, Level.WARN, Level.ERROR, Level.ERROR);
  }

  @Test
  void whatTheLogLevelKeepsBackDoesNotTravel() {
    try (var quiet = TestPool.start("log.level = ERROR").awaitReady(1)) {
      List<ILoggingEvent> events =
          logged(
              () -> {
                get(quiet.pool().session("one").call(Call.of("streaming:say", 30, "quiet")));
                get(quiet.pool().session("one").call(Call.of("streaming:say", 40, "loud")));
              },
              1);

      assertThat(events).extracting(ILoggingEvent::getFormattedMessage).containsExactly("loud!");
    }
  }

  @Test
  void theCallersTraceIsVisibleInPython() {
    String trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    assertThat(
            get(shared.pool().call(Call.of("streaming:say", 10, "x").withTrace(trace)))
                .as(String.class))
        .isEqualTo(trace);
    assertThat(get(shared.pool().call(Call.of("streaming:say", 10, "x"))).value()).isNull();
  }
}
