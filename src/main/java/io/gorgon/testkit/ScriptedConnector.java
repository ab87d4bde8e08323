package io.gorgon.testkit;

import io.gorgon.connection.Connection;
import io.gorgon.connection.Connector;
import io.gorgon.message.Exit;
import io.gorgon.message.PythonFailure.NoDump;
import io.gorgon.message.WorkerId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Workers without Python: each opened connection plays the script of the moment, and the test can
 * make it say and do what a process could. Thread-safe.
 */
public final class ScriptedConnector implements Connector {

  private final Executor wire;
  private final ScriptedFunctions functions;
  private final ScriptedFaults faults;
  private final List<ScriptedConnection> opened = new ArrayList<>();
  private Script script;
  private Supplier<@Nullable RuntimeException> trouble = () -> null;
  private Supplier<Map<WorkerId, Long>> memory = Map::of;
  private int refusals;

  /**
   * Opens nothing yet.
   *
   * @param wire where listeners are called, as by I/O threads
   */
  public ScriptedConnector(Executor wire, Script script) {
    this(
        wire,
        script,
        (delay, what) -> {
          throw new IllegalStateException("this connector has no clock");
        });
  }

  ScriptedConnector(Executor wire, Script script, ScriptedFaults.Later later) {
    this.faults = new ScriptedFaults(later);
    this.functions = new ScriptedFunctions(later, faults);
    this.wire = wire;
    this.script = script;
  }

  /** Gives another script to those that are opened from now on. */
  public synchronized void plays(Script other) {
    script = other;
  }

  /** Throws out of {@link #open} from now on, until the supplier gives null. */
  public synchronized void throwsOnOpen(Supplier<@Nullable RuntimeException> what) {
    trouble = what;
  }

  /** Answers so, from now on, what memory the workers take; may throw. */
  public synchronized void measures(Supplier<Map<WorkerId, Long>> bytes) {
    memory = bytes;
  }

  ScriptedFunctions functions() {
    return functions;
  }

  ScriptedFaults faults() {
    return faults;
  }

  /** All connections, the first opened first. */
  public synchronized List<ScriptedConnection> opened() {
    return List.copyOf(opened);
  }

  /** Those that have not ended. */
  public synchronized List<ScriptedConnection> alive() {
    return opened.stream().filter(ScriptedConnection::isAlive).toList();
  }

  /** The connection that was opened last for that slot. */
  public synchronized ScriptedConnection last(int slot) {
    for (int i = opened.size() - 1; i >= 0; i--) {
      if (opened.get(i).id().slot() == slot) {
        return opened.get(i);
      }
    }
    throw new AssertionError("slot " + slot + " has opened nothing; there are " + opened);
  }

  /** How often it was asked to open something, thrown or not. */
  public synchronized int attempts() {
    return opened.size() + refusals;
  }

  @Override
  public synchronized Connection open(WorkerId id, Connection.Listener listener) {
    RuntimeException thrown = trouble.get();
    if (thrown != null) {
      refusals++;
      throw thrown;
    }
    Script played = script.orAt(Script.Cue.STARTED, functions::play);
    var connection = new ScriptedConnection(id, listener, wire, faults.opening(played), faults);
    opened.add(connection);
    return connection;
  }

  @Override
  public CompletionStage<Map<WorkerId, Long>> memory() {
    Supplier<Map<WorkerId, Long>> measured;
    synchronized (this) {
      measured = memory;
    }
    return CompletableFuture.completedFuture(faults.added(measured.get()));
  }

  /** The word "stacks" and the worker, of each process that lives. */
  @Override
  public CompletionStage<String> dump(WorkerId worker) {
    return alive().stream().anyMatch(one -> one.id().equals(worker))
        ? CompletableFuture.completedFuture("stacks of " + worker)
        : CompletableFuture.failedFuture(
            new NoDump(worker, NoDump.Reason.GONE, "nothing of that id was opened and lives"));
  }

  /** Ends what lives, whatever its script says, as the keeper does. */
  @Override
  public CompletionStage<Void> close() {
    List<ScriptedConnection> all = opened();
    all.stream()
        .filter(ScriptedConnection::isAlive)
        .forEach(one -> one.end(new Connection.Closed(Exit.signal(9), null, List.of())));
    return CompletableFuture.allOf(
        all.stream()
            .map(one -> one.ended().toCompletableFuture())
            .toArray(CompletableFuture[]::new));
  }
}
