package io.gorgon.worker;

import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.Values;
import io.gorgon.message.WorkerId;
import io.gorgon.wire.Frame;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import org.slf4j.event.Level;

/**
 * This brings what Python logs to SLF4J: under {@code python.} and the Python logger's name, with
 * the caller's MDC, and {@code worker} and {@code call} besides. Thread-safe.
 */
final class PythonLog {

  private static final Logger log = LoggerFactory.getLogger(PythonLog.class);
  private static final String PREFIX = "python";

  private final WorkerId id;

  PythonLog(WorkerId id) {
    this.id = id;
  }

  /** Writes a log frame; {@code call} is the one that ran when Python logged, if one did. */
  void write(Frame frame, @Nullable PendingCall call) {
    JsonNode body;
    try {
      body = Values.mapper().readTree(frame.body());
    } catch (IOException unreadable) {
      log.warn("worker {} sent a log record that cannot be read: {}", id, unreadable.toString());
      return;
    }
    String name = body.path("logger").asText("");
    Logger logger =
        LoggerFactory.getLogger(
            name.isEmpty() || name.equals("root") ? PREFIX : PREFIX + "." + name);
    Level level = level(body.path("level").asInt());
    if (!logger.isEnabledForLevel(level)) {
      return;
    }
    String text = body.path("message").asText();
    String exception = body.path("exception").asText("");
    Runnable writing =
        () -> {
          MDC.put("worker", id.toString());
          logger
              .atLevel(level)
              .log(exception.isEmpty() ? text : text + "\n" + exception.stripTrailing());
        };
    if (call != null) {
      call.inItsLog(writing);
    } else {
      try {
        writing.run();
      } finally {
        MDC.remove("worker");
      }
    }
  }

  /** Python's levels in SLF4J's: CRITICAL is an error too. */
  private static Level level(int python) {
    if (python >= 40) {
      return Level.ERROR;
    }
    if (python >= 30) {
      return Level.WARN;
    }
    return python >= 20 ? Level.INFO : python >= 10 ? Level.DEBUG : Level.TRACE;
  }
}
