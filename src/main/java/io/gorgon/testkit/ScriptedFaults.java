package io.gorgon.testkit;

import io.gorgon.connection.Connection.Closed;
import io.gorgon.message.Call;
import io.gorgon.message.Exit;
import io.gorgon.message.PythonFailure.ProtocolViolation;
import io.gorgon.message.WorkerId;
import io.gorgon.testkit.Fault.BadAnswer;
import io.gorgon.testkit.Fault.Hang;
import io.gorgon.testkit.Script.Cue;
import io.gorgon.wire.Frame;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/** Plays the faults on scripted workers, and notes what those do. Thread-safe. */
final class ScriptedFaults implements FaultPlan {

  private static final int SIGKILL = 9;

  /** Runs something later, on the kit's clock. */
  interface Later {
    void run(Duration delay, Runnable what);
  }

  private final Later later;
  private final Traces traces = new Traces();
  private final Map<String, Fault> planned = new ConcurrentHashMap<>();
  private final Map<String, Queue<Fault>> ofTargets = new ConcurrentHashMap<>();
  private final Map<ScriptedRequest, Fault> striking = new ConcurrentHashMap<>();
  private final Map<String, List<Noted>> notes = new ConcurrentHashMap<>();
  private final Map<WorkerId, Long> grown = new ConcurrentHashMap<>();
  private final Queue<StartFault> starts = new ConcurrentLinkedQueue<>();

  ScriptedFaults(Later later) {
    this.later = later;
  }

  @Override
  public Call marked(Call call) {
    return call.withTrace(traces.next());
  }

  @Override
  public Call with(Call call, Fault fault) {
    Call marked = marked(call);
    planned.put(marked.trace().orElseThrow(), fault);
    return marked;
  }

  @Override
  public void atNextCallOf(String target, Fault fault) {
    ofTargets.computeIfAbsent(target, any -> new ConcurrentLinkedQueue<>()).add(fault);
  }

  @Override
  public void atNextStart(StartFault fault) {
    starts.add(fault);
  }

  @Override
  public List<Noted> notes(Call marked) {
    List<Noted> all = notes.getOrDefault(marked.trace().orElse(""), List.of());
    synchronized (all) {
      return List.copyOf(all);
    }
  }

  private void note(String trace, String what, String value) {
    if (Traces.isOurs(trace)) {
      List<Noted> all = notes.computeIfAbsent(trace, any -> new ArrayList<>());
      synchronized (all) {
        all.add(new Noted(what, value));
      }
    }
  }

  /** The memory that workers were made to take, added to what they are said to have. */
  Map<WorkerId, Long> added(Map<WorkerId, Long> memory) {
    var sum = new HashMap<WorkerId, Long>(memory);
    grown.forEach((worker, bytes) -> sum.merge(worker, bytes, Long::sum));
    return sum;
  }

  /** The script of a worker that starts now. */
  Script opening(Script script) {
    StartFault fault = starts.poll();
    if (fault == null) {
      return script;
    }
    if (fault instanceof StartFault.Slow slow) {
      return script.at(
          Cue.OPENED, worker -> later.run(slow.by(), () -> script.play(Cue.OPENED, worker)));
    }
    if (fault instanceof StartFault.Failing failing) {
      return script.at(Cue.OPENED, worker -> worker.exit(failing.code()));
    }
    if (fault instanceof StartFault.Killed) {
      return script.at(Cue.OPENED, worker -> worker.dieBy(SIGKILL));
    }
    return script.deafTo(Cue.OPENED);
  }

  /** A worker has read a call. Whether it dies of that. */
  boolean read(ScriptedConnection worker, ScriptedRequest request) {
    Fault fault = planned.remove(request.trace());
    Queue<Fault> ofTarget = ofTargets.get(request.target());
    if (fault == null && ofTarget != null) {
      fault = ofTarget.poll();
    }
    if (fault == null) {
      return false;
    }
    if (fault.equals(new Fault.Killed(Point.BEFORE_START))) {
      worker.dieBy(SIGKILL);
      return true;
    }
    striking.put(request, fault);
    return false;
  }

  /** A worker starts a call. */
  void started(ScriptedConnection worker, ScriptedRequest request) {
    note(request.trace(), "started", worker.id().toString());
    @Nullable Fault fault = striking.get(request);
    if (fault instanceof Fault.Killed killed && killed.at() == Point.RUNNING) {
      striking.remove(request);
      worker.dieBy(SIGKILL);
    } else if (fault instanceof Hang hang) {
      striking.remove(request);
      worker.plays(hanging(hang, worker.script()));
    } else if (fault instanceof Fault.Growth growth) {
      striking.remove(request);
      grown.merge(worker.id(), (long) growth.mebibytes() << 20, Long::sum);
    }
  }

  private static Script hanging(Hang hang, Script before) {
    Script stuck = Script.obliging().deafTo(Cue.STARTED, Cue.PINGED, Cue.SHUT_DOWN);
    return switch (hang) {
      case IN_PYTHON ->
          // As Python does: the call ends, and the worker goes on with the next.
          stuck.at(
              Cue.INTERRUPTED,
              worker -> {
                worker.plays(before);
                worker.stopCancelled();
              });
      case IN_C -> stuck;
      case STOPPED, STUBBORN -> stuck.deafTo(Cue.TERMINATED);
    };
  }

  /** Nobody has told what the function does: it will not come to an answer. */
  void unanswerable(ScriptedConnection worker, ScriptedRequest request) {
    if (striking.get(request) instanceof Fault.Killed killed
        && killed.at().compareTo(Point.AFTER_ANSWER) < 0) {
      striking.remove(request);
      worker.dieBy(SIGKILL);
    }
  }

  /** A worker has an answer, and what goes ahead of it: says both, unless it suffers something. */
  void answered(
      ScriptedConnection worker, ScriptedRequest request, @Nullable Frame patch, Frame answer) {
    Fault fault = striking.remove(request);
    Point death = fault instanceof Fault.Killed killed ? killed.at() : null;
    if (death == Point.BEFORE_ANSWER) {
      worker.dieBy(SIGKILL);
      return;
    }
    if (patch != null) {
      worker.say(patch);
    }
    if (death == Point.AFTER_PATCH) {
      worker.dieBy(SIGKILL);
      return;
    }
    note(request.trace(), "answered", checksum(answer.body()));
    if (fault instanceof BadAnswer bad) {
      spoil(worker, bad, answer);
    } else {
      worker.say(answer);
    }
    if (death != null) {
      worker.dieBy(SIGKILL);
    }
  }

  private static void spoil(ScriptedConnection worker, BadAnswer bad, Frame answer) {
    switch (bad) {
      case GARBAGE -> breakProtocol(worker, "a frame that begins with 'HTTP/1.1'");
      case OVERSIZE -> breakProtocol(worker, "a frame of 4294967295 bytes");
      case WRONG -> worker.stray();
      case TWICE -> {
        worker.say(answer);
        worker.say(answer);
      }
      case HALF, NONE -> {
        // Nothing comes.
      }
    }
  }

  /** As the real connection does when it reads what is no frame. */
  private static void breakProtocol(ScriptedConnection worker, String what) {
    worker.end(new Closed(Exit.signal(SIGKILL), new ProtocolViolation(what), List.of()));
  }

  static String checksum(byte[] body) {
    var check = new CRC32();
    check.update(body);
    return Long.toString(check.getValue());
  }
}
