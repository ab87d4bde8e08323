package io.gorgon.process;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This ends what a dead keeper left behind: the processes whose environment carries the run token
 * that only that keeper and its descendants were given. It never looks at names or stored pids, so
 * it can hit no process of another JVM. Linux only; elsewhere it does nothing.
 */
final class Survivors {

  private static final Logger log = LoggerFactory.getLogger(Survivors.class);
  private static final Path PROC = Path.of("/proc");

  /**
   * Start times in {@code /proc} are counted in ticks of 10 ms from a boot time in whole seconds.
   */
  private static final Duration CLOCK_SLACK = Duration.ofSeconds(2);

  private Survivors() {}

  /**
   * Kills every process that carries {@code mark} and was started after {@code since}. Blocks on
   * the file system for some milliseconds.
   */
  static void kill(String mark, Instant since) {
    if (!Files.isDirectory(PROC.resolve("self"))) {
      return;
    }
    // Twice: a process may fork while the first pass runs.
    for (int pass = 0; pass < 2; pass++) {
      try (DirectoryStream<Path> processes = Files.newDirectoryStream(PROC, "[0-9]*")) {
        for (Path process : processes) {
          if (carries(process, mark)) {
            end(Long.parseLong(process.getFileName().toString()), since);
          }
        }
      } catch (IOException unreadable) {
        log.debug("/proc cannot be read: {}", unreadable.toString());
      }
    }
  }

  private static boolean carries(Path process, String mark) {
    try {
      String environment =
          new String(Files.readAllBytes(process.resolve("environ")), StandardCharsets.ISO_8859_1);
      return environment.startsWith(mark + "\0") || environment.contains("\0" + mark + "\0");
    } catch (IOException goneOrForeign) {
      return false;
    }
  }

  private static void end(long pid, Instant since) {
    ProcessHandle.of(pid)
        .filter(
            handle ->
                handle
                    .info()
                    .startInstant()
                    .map(started -> started.isAfter(since.minus(CLOCK_SLACK)))
                    .orElse(true))
        .ifPresent(
            handle -> {
              log.warn("ending process {} that a dead keeper left behind", pid);
              handle.destroyForcibly();
            });
  }
}
