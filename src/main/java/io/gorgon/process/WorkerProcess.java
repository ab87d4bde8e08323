package io.gorgon.process;

import io.gorgon.message.Exit;
import io.gorgon.message.PythonFailure.StartFailed;
import io.gorgon.message.WorkerId;
import io.gorgon.process.KeeperReport.Key;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This is one worker process as its keeper sees it: started once, signalled through the keeper (so
 * no signal can reach a stranger that got the same pid), ended once with an exact {@link Exit}.
 * Thread-safe.
 */
public final class WorkerProcess {

  private static final Logger log = LoggerFactory.getLogger(WorkerProcess.class);

  private final WorkerId id;
  private final Key key;
  private final KeeperProcess keeper;
  private final long template;
  private final Duration startTimeout;
  private final RunDirectory home;
  private final OutputTail tail = new OutputTail();
  private final OutputLog standardOutput;
  private final OutputLog standardError;
  private final CompletableFuture<Long> pid = new CompletableFuture<>();
  private final CompletableFuture<Exit> exit = new CompletableFuture<>();
  private final StackDump stacks;
  private volatile List<OutputReader> readers = List.of();

  /**
   * Prepares; starts nothing yet.
   *
   * @param template the version of the template that it may be forked from at the earliest
   * @param startTimeout how long that template may take to import its modules
   * @param linesPerSecond how many output lines of one stream reach the log in a second
   */
  WorkerProcess(
      WorkerId id,
      KeeperProcess keeper,
      long template,
      Duration startTimeout,
      RunDirectory home,
      int linesPerSecond) {
    this.id = id;
    this.key = new Key(id.slot(), id.generation());
    this.keeper = keeper;
    this.template = template;
    this.startTimeout = startTimeout;
    this.home = home;
    this.standardOutput = new OutputLog(id, "stdout", linesPerSecond, tail, System::nanoTime);
    this.standardError = new OutputLog(id, "stderr", linesPerSecond, tail, System::nanoTime);
    this.stacks = new StackDump(id, file("dump"), () -> signal("USR1"), exit::isDone);
  }

  /** The process id of the keeper that it belongs to. */
  public long keeper() {
    return keeper.pid();
  }

  /** Where the worker will connect to; bind it before {@link #spawn}. */
  public Path socket() {
    return file("sock");
  }

  /** Where the worker will find its status page; make it before {@link #spawn}. */
  public Path page() {
    return file("page");
  }

  /** Asks the keeper for the process. Does not wait: {@link #pid} and {@link #exit} tell. */
  public void spawn(Launch launch, String token) {
    var command = new LinkedHashMap<String, Object>();
    command.put("op", "spawn");
    command.put("pool", id.pool());
    command.put("slot", key.slot());
    command.put("generation", key.generation());
    command.put("token", token);
    command.put("socket", socket().toString());
    command.put("page", page().toString());
    command.put("stdout", file("out").toString());
    command.put("stderr", file("err").toString());
    command.put("dump", file("dump").toString());
    command.put("path", launch.path().stream().map(Path::toString).toList());
    command.put("environment", launch.environment());
    command.put("directory", launch.directory().map(Path::toString).orElse(null));
    command.put("preload", launch.preload());
    command.put("template", template);
    command.put("start_timeout", startTimeout.toMillis() / 1_000.0);
    command.put("imports", launch.imports());
    command.put("limits", launch.limits());
    command.put("threads", launch.threads().orElse(null));
    command.put("frame_limit", launch.frameLimit());
    if (launch.sharedLimit() > 0) {
      command.put("shared_from", launch.sharedFrom());
    }
    command.put("log_level", launch.logLevel());
    command.put("log_lines", launch.logLines());
    command.put("concurrency", launch.concurrency());
    command.put("entry", launch.entry());
    command.put("method", launch.method());
    keeper.send(command);
  }

  /** The process id, once the keeper has made it; fails with {@link StartFailed}. */
  public CompletableFuture<Long> pid() {
    return pid;
  }

  /** How it ended, once the keeper has reaped it. Never fails. */
  public CompletableFuture<Exit> exit() {
    return exit;
  }

  /**
   * Whether neither its end nor a failure to make it has been reported. A worker may well have
   * connected before the keeper's report that it was made is read.
   */
  public boolean isAlive() {
    return !exit.isDone();
  }

  /** SIGINT to the worker alone: raises in the running call if that call is cancelled. */
  public void interrupt() {
    signal("INT");
  }

  /** SIGTERM to the worker's group. */
  public void terminate() {
    signal("TERM");
  }

  /** SIGKILL to the worker's group and all its descendants. */
  public void kill() {
    signal("KILL");
  }

  /** Asks the worker for the stacks of its threads. Does not block; see {@link StackDump}. */
  CompletableFuture<String> dump(Executor blocking) {
    return stacks.take(blocking);
  }

  private void signal(String signal) {
    if (!exit.isDone()) {
      keeper.send(
          Map.of(
              "op",
              "signal",
              "slot",
              key.slot(),
              "generation",
              key.generation(),
              "signal",
              signal));
    }
  }

  /** The last lines that it wrote so far. */
  public List<String> tail() {
    return tail.lines();
  }

  /**
   * Reads what the ended process left in its pipes, lets the keeper close them, and gives the last
   * lines. Blocks at most for {@code patience}.
   */
  public List<String> collectOutput(Duration patience) {
    for (OutputReader reader : readers) {
      try {
        reader.finish().get(patience.toMillis(), TimeUnit.MILLISECONDS);
      } catch (TimeoutException | ExecutionException late) {
        log.debug("{}: output was not read to its end: {}", id, late.toString());
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
      }
    }
    readers = List.of();
    standardOutput.close();
    standardError.close();
    keeper.send(Map.of("op", "release", "slot", key.slot(), "generation", key.generation()));
    List.of(socket(), page(), file("dump")).forEach(RunDirectory::deleteQuietly);
    return tail.lines();
  }

  void onSpawned(long newPid) {
    try {
      readers =
          List.of(
              OutputReader.start(file("out"), "gorgon-" + id + "-stdout", standardOutput),
              OutputReader.start(file("err"), "gorgon-" + id + "-stderr", standardError));
    } catch (IOException gone) {
      log.warn("{}: its output cannot be read: {}", id, gone.toString());
    }
    List.of(file("out"), file("err")).forEach(RunDirectory::deleteQuietly);
    pid.complete(newPid);
  }

  void onSpawnFailed(StartFailed failure) {
    pid.completeExceptionally(failure);
    exit.complete(Exit.UNKNOWN);
  }

  void onExited(Exit seen) {
    pid.completeExceptionally(
        new StartFailed(StartFailed.Kind.EXITED, "the process is gone: " + seen, ""));
    exit.complete(seen);
  }

  private Path file(String kind) {
    return home.file("w" + key.slot() + "-" + key.generation() + "." + kind);
  }
}
