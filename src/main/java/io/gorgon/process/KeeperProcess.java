package io.gorgon.process;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.gorgon.message.PythonFailure.StartFailed;
import io.gorgon.message.Values;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This is one running keeper: the small Python process that forks, signals and reaps a pool's
 * workers. Its standard input is our life line: when it ends, however the JVM ended, the keeper
 * kills everything and removes the run directory.
 */
final class KeeperProcess {

  private static final Logger log = LoggerFactory.getLogger(KeeperProcess.class);
  private static final String TOKEN_VARIABLE = "GORGON_RUN";
  private static final int ERRORS_SHOWN = 4_000;

  private final Process process;
  private final OutputStream commands;
  private final Path errors;
  private final String token;
  private final Instant startedAt = Instant.now();
  private final ExecutorService writer;
  private final Consumer<KeeperReport> reports;
  private final Consumer<KeeperProcess> end;
  private volatile long pid;
  private final CompletableFuture<PythonDescription> described = new CompletableFuture<>();

  private KeeperProcess(
      Process process,
      Path errors,
      String token,
      String pool,
      Consumer<KeeperReport> reports,
      Consumer<KeeperProcess> end) {
    this.process = process;
    this.commands = process.getOutputStream();
    this.errors = errors;
    this.token = token;
    this.reports = reports;
    this.end = end;
    this.writer =
        Executors.newSingleThreadExecutor(
            task -> {
              var thread = new Thread(task, "gorgon-" + pool + "-keeper-writer");
              thread.setDaemon(true);
              return thread;
            });
    var reader = new Thread(this::read, "gorgon-" + pool + "-keeper-reader");
    reader.setDaemon(true);
    reader.start();
  }

  /**
   * Starts a keeper and waits until it has spoken. Blocks for tens of milliseconds, at most for
   * {@code timeout}.
   *
   * @param reports gets every report but the first, on the reader's thread
   * @param end called once, on the reader's thread, when the keeper is gone
   * @throws StartFailed if the interpreter does not run, is too old, or says nothing in time
   */
  static KeeperProcess start(
      String pool,
      Interpreter interpreter,
      Path bridge,
      RunDirectory home,
      Duration timeout,
      Consumer<KeeperReport> reports,
      Consumer<KeeperProcess> end) {
    String token = UUID.randomUUID().toString();
    Path errors = home.file("keeper.err");
    var builder =
        new ProcessBuilder(
                List.of(
                    interpreter.path().toString(),
                    "-X",
                    "utf8",
                    "-u",
                    bridge.toString(),
                    "keeper",
                    home.path().toString()))
            .redirectError(ProcessBuilder.Redirect.appendTo(errors.toFile()));
    builder.environment().put(TOKEN_VARIABLE, token);
    Process process;
    try {
      process = builder.start();
    } catch (IOException refused) {
      throw new StartFailed(
          StartFailed.Kind.NO_INTERPRETER,
          interpreter.path()
              + " cannot be run ("
              + refused.getMessage()
              + "): name a Python "
              + Interpreter.OLDEST
              + " or newer by the setting 'python'",
          "");
    }
    var keeper = new KeeperProcess(process, errors, token, pool, reports, end);
    keeper.awaitHello(interpreter, timeout);
    return keeper;
  }

  /** What the interpreter said of itself. */
  PythonDescription description() {
    return described.join();
  }

  /** Its process id. */
  long pid() {
    return pid;
  }

  /** Sends a command; never blocks. What cannot be written is lost with the keeper. */
  void send(Map<String, ?> command) {
    try {
      byte[] line =
          (Values.mapper().writeValueAsString(command) + "\n").getBytes(StandardCharsets.UTF_8);
      writer.execute(() -> write(line));
    } catch (JsonProcessingException impossible) {
      throw new IllegalArgumentException("a keeper command is plain JSON", impossible);
    } catch (java.util.concurrent.RejectedExecutionException closed) {
      log.debug("the keeper is gone; command not sent: {}", command.get("op"));
    }
  }

  /** Ends the keeper, and by it every worker. Does not wait. */
  void close() {
    writer.shutdownNow();
    closeInput();
  }

  /** Waits until the process is gone; kills it where it does not go. Blocks. */
  void awaitEnd(Duration patience) {
    try {
      if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly().waitFor(patience.toMillis(), TimeUnit.MILLISECONDS);
        Survivors.kill(TOKEN_VARIABLE + "=" + token, startedAt);
      }
    } catch (InterruptedException interrupted) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  private void awaitHello(Interpreter interpreter, Duration timeout) {
    try {
      described.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException refused) {
      close();
      process.destroyForcibly();
      if (refused.getCause() instanceof StartFailed typed) {
        throw typed;
      }
      throw new StartFailed(
          StartFailed.Kind.NO_INTERPRETER,
          interpreter.path()
              + " ended before it had said that it is Python: name a Python "
              + Interpreter.OLDEST
              + " or newer by the setting 'python'",
          errorText());
    } catch (TimeoutException silent) {
      close();
      process.destroyForcibly();
      throw new StartFailed(
          StartFailed.Kind.TIMEOUT,
          interpreter.path() + " said nothing within " + timeout.toMillis() + " ms",
          errorText());
    } catch (InterruptedException interrupted) {
      close();
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new StartFailed(StartFailed.Kind.TIMEOUT, "interrupted while starting", "");
    }
  }

  private void read() {
    try (var lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        dispatch(line);
      }
    } catch (IOException ended) {
      log.debug("reading the keeper's reports ended: {}", ended.toString());
    }
    writer.shutdown();
    boolean spoke = described.isDone() && !described.isCompletedExceptionally();
    described.completeExceptionally(new IOException("the keeper ended before its first word"));
    process.destroyForcibly();
    Survivors.kill(TOKEN_VARIABLE + "=" + token, startedAt);
    if (spoke) {
      end.accept(this);
    }
  }

  private void dispatch(String line) {
    try {
      KeeperReport report = KeeperReport.from(Values.mapper().readTree(line));
      if (report instanceof KeeperReport.Hello hello) {
        pid = hello.pid();
        described.complete(hello.python());
      } else if (report instanceof KeeperReport.Refused refused) {
        described.completeExceptionally(tooOld(refused));
      } else {
        reports.accept(report);
      }
    } catch (JsonProcessingException | RuntimeException unreadable) {
      log.warn(
          "a keeper's report could not be used ({}): {}",
          unreadable.getClass().getSimpleName(),
          line);
    }
  }

  private static StartFailed tooOld(KeeperReport.Refused refused) {
    return new StartFailed(
        StartFailed.Kind.VERSION,
        refused.executable()
            + " is Python "
            + refused.python()
            + ", Gorgon needs "
            + Interpreter.OLDEST
            + " or newer: name another by the setting 'python'",
        "");
  }

  private void write(byte[] line) {
    try {
      commands.write(line);
      commands.flush();
    } catch (IOException gone) {
      log.debug("the keeper's input is closed");
    }
  }

  private void closeInput() {
    try {
      commands.close();
    } catch (IOException closed) {
      log.debug("the keeper's input was closed already");
    }
  }

  /** The last of what the keeper wrote to its standard error. */
  String errorText() {
    try {
      String text = Files.readString(errors);
      return text.length() > ERRORS_SHOWN ? text.substring(text.length() - ERRORS_SHOWN) : text;
    } catch (IOException none) {
      return "";
    }
  }
}
