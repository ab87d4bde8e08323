package io.gorgon.testkit;

import java.util.EnumMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a scripted worker does by itself, cue by cue. Immutable; {@link #at} gives a changed copy.
 *
 * <pre>{@code
 * Script.obliging().at(Script.Cue.TERMINATED, worker -> {})   // ignores SIGTERM
 * }</pre>
 */
public final class Script {

  /** What a worker may react to. */
  public enum Cue {
    /** Its process has been started. */
    OPENED,
    /** A request came; told once for each. */
    REQUESTED,
    /** Python starts the oldest request that has no answer; told once for each. */
    STARTED,
    /** It was told something about a call that runs: credit, a tool's answer, an element. */
    TOLD,
    /** It was asked whether it is there. */
    PINGED,
    /** It was interrupted (SIGINT). */
    INTERRUPTED,
    /** It was asked to exit. */
    SHUT_DOWN,
    /** SIGTERM. */
    TERMINATED,
    /** SIGKILL. */
    KILLED
  }

  private static final int SIGKILL = 9;
  private static final int SIGTERM = 15;

  private final Map<Cue, Consumer<ScriptedConnection>> acts;

  private Script(Map<Cue, Consumer<ScriptedConnection>> acts) {
    this.acts = acts;
  }

  /**
   * A sound worker: ready at once, starts what it is sent and leaves the answer to the test,
   * answers pings, ends when it is told to. An interrupt is left to the test.
   */
  public static Script obliging() {
    return new Script(Map.of())
        .at(Cue.OPENED, ScriptedConnection::ready)
        .at(Cue.REQUESTED, ScriptedConnection::start)
        .at(Cue.PINGED, ScriptedConnection::pong)
        .at(Cue.SHUT_DOWN, worker -> worker.exit(0))
        .at(Cue.TERMINATED, worker -> worker.dieBy(SIGTERM))
        .at(Cue.KILLED, worker -> worker.dieBy(SIGKILL));
  }

  /** The same, but what is cancelled ends when it is interrupted, as it does in Python. */
  static Script likePython() {
    return obliging()
        .at(
            Cue.INTERRUPTED,
            worker -> {
              if (worker.isCancelled()) {
                worker.stopCancelled();
              }
            });
  }

  /** A sound worker that answers every request at once. */
  public static Script answering(Function<ScriptedRequest, @Nullable Object> answer) {
    return obliging().at(Cue.STARTED, worker -> worker.answer(answer.apply(worker.request())));
  }

  /** A worker that never becomes ready. */
  public static Script silent() {
    return obliging().deafTo(Cue.OPENED);
  }

  /** A worker that exits with {@code code} before it is ready. */
  public static Script dyingAtStart(int code) {
    return obliging().at(Cue.OPENED, worker -> worker.exit(code));
  }

  /** The same, but for what is done at {@code cue}. */
  public Script at(Cue cue, Consumer<ScriptedConnection> act) {
    var changed = new EnumMap<Cue, Consumer<ScriptedConnection>>(Cue.class);
    changed.putAll(acts);
    changed.put(cue, act);
    return new Script(changed);
  }

  /** The same, and {@code act} at {@code cue}, if nothing is done there. */
  Script orAt(Cue cue, Consumer<ScriptedConnection> act) {
    return acts.containsKey(cue) ? this : at(cue, act);
  }

  /** The same, but nothing is done at these cues. */
  public Script deafTo(Cue... cues) {
    Script changed = this;
    for (Cue cue : cues) {
      changed = changed.at(cue, worker -> {});
    }
    return changed;
  }

  void play(Cue cue, ScriptedConnection worker) {
    acts.getOrDefault(cue, any -> {}).accept(worker);
  }
}
