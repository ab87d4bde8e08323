package io.gorgon.pool;

import io.gorgon.message.Call;
import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.Overloaded;
import io.gorgon.proving.QuietConnection;
import io.gorgon.wire.Frame;
import io.gorgon.worker.Dialogue;
import io.gorgon.worker.PendingCall;
import io.gorgon.worker.Runner;
import io.gorgon.worker.Runners;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;

/** A lane, its workers and the calls that are offered to it; what its supervisor was told. */
abstract class LaneScene {

  static final int CAPACITY = 40;

  /** How many short calls a worker may take; of brief ones four times as many. */
  static final int BATCH = 8;

  static final long SHORT = 1_000_000;
  static final long DEADLINE = 500;

  final List<String> told = new ArrayList<>();
  final Map<Runner, QuietConnection> connections = new HashMap<>();
  private int numbers;

  final Lane lane =
      new Lane(
          CAPACITY,
          4 * BATCH,
          SHORT,
          new Lane.Supervisor() {
            @Override
            public void onClaimed(Runner runner, long request) {
              told.add("claimed for " + request);
            }

            @Override
            public void onNobodyThere() {
              told.add("nobody there");
            }
          },
          () -> new Overloaded("p", CAPACITY, CAPACITY, "full"));

  Runner worker() {
    return worker(1, 0);
  }

  Runner worker(int concurrency, int callsInItsLife) {
    var connection = new QuietConnection();
    Runner runner = Runners.on(connection, concurrency, callsInItsLife, lane);
    connections.put(runner, connection);
    return runner;
  }

  Runner admitted(int concurrency) {
    Runner runner = worker(concurrency, 0);
    lane.admit(runner);
    return runner;
  }

  PendingCall call() {
    return call("m:f", 0);
  }

  PendingCall call(String target, int bytes) {
    numbers++;
    var body = Payload.plain(new byte[bytes]);
    return new PendingCall("c-" + numbers, Call.of(target), body, numbers, DEADLINE, Dialogue.NONE);
  }

  PendingCall offered() {
    PendingCall call = call();
    lane.offer(call);
    return call;
  }

  List<PendingCall> offered(int count) {
    List<PendingCall> calls = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      calls.add(offered());
    }
    return calls;
  }

  /** How many requests have been written to it. */
  long written(Runner runner) {
    return connections.get(runner).sent().stream()
        .filter(frame -> frame.kind() == Frame.Kind.REQUEST)
        .count();
  }

  void makeShort(String target) {
    for (int i = 0; i < 100; i++) {
      lane.measured(call(target, 0), SHORT - 1);
    }
  }

  void makeBrief(String target) {
    for (int i = 0; i < 100; i++) {
      lane.measured(call(target, 0), SHORT / 4 - 1);
    }
  }

  static PythonFailure failure(PendingCall call) {
    try {
      call.answer().getNow(null);
      throw new AssertionError("it has no failure");
    } catch (CompletionException failed) {
      return (PythonFailure) failed.getCause();
    }
  }
}
