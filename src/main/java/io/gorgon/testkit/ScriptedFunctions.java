package io.gorgon.testkit;

import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.wire.Frame;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What scripted Python does when a target is called. Thread-safe. */
final class ScriptedFunctions {

  private final ScriptedFaults.Later later;
  private final ScriptedFaults faults;

  private record Scripted(
      Function<ScriptedRequest, Duration> running,
      Function<ScriptedRequest, @Nullable Object> answer) {}

  private final Map<String, Scripted> functions = new ConcurrentHashMap<>();

  ScriptedFunctions(ScriptedFaults.Later later, ScriptedFaults faults) {
    this.later = later;
    this.faults = faults;
    put("gorgon_testkit:echo", request -> Duration.ZERO, request -> request.arguments().path(0));
    put("gorgon_testkit:sleep", request -> seconds(request.arguments().path(0)), request -> null);
    put("gorgon_testkit:add", request -> Duration.ZERO, ScriptedFunctions::add);
    put("gorgon_testkit:add_each", request -> Duration.ZERO, ScriptedFunctions::addEach);
  }

  private static Duration seconds(JsonNode seconds) {
    return Duration.ofNanos((long) (seconds.asDouble() * 1_000_000_000L));
  }

  private static long add(ScriptedRequest request) {
    return add(
        request.session(),
        request.argument(0, String.class),
        request.arguments().path(1).asLong(1));
  }

  private static long addEach(ScriptedRequest request) {
    ScriptedSession session = request.session();
    String name = request.argument(0, String.class);
    for (JsonNode amount : request.arguments().path(1)) {
      add(session, name, amount.asLong());
      session.checkpoint();
    }
    return session.getOr(name, 0L);
  }

  private static long add(ScriptedSession session, String name, long amount) {
    long sum = session.getOr(name, 0L) + amount;
    session.put(name, sum);
    return sum;
  }

  void put(
      String target,
      Function<ScriptedRequest, Duration> running,
      Function<ScriptedRequest, @Nullable Object> answer) {
    functions.put(target, new Scripted(running, answer));
  }

  void remove(String target) {
    functions.remove(target);
  }

  /** Plays the function that a worker has just started; an unknown one is left to the test. */
  void play(ScriptedConnection worker) {
    if (!worker.isBusy()) {
      return;
    }
    ScriptedRequest request = worker.request();
    Scripted function = functions.get(request.target());
    if (function == null) {
      faults.unanswerable(worker, request);
      return;
    }
    Duration running = function.running().apply(request);
    if (running.isZero()) {
      finish(worker, request, function.answer());
    } else {
      later.run(running, () -> finish(worker, request, function.answer()));
    }
  }

  private static void finish(
      ScriptedConnection worker,
      ScriptedRequest request,
      Function<ScriptedRequest, @Nullable Object> function) {
    Object value;
    try {
      value = function.apply(request);
    } catch (Raised raised) {
      byte[] body = ScriptedAnswer.raised(raised.type, raised.getMessage(), raised.inherits);
      worker.finish(request, Frame.Kind.FAILURE, body);
      return;
    } catch (RuntimeException | AssertionError broken) {
      byte[] body = ScriptedAnswer.raised("RuntimeError", "the scripted function threw " + broken);
      worker.finish(request, Frame.Kind.FAILURE, body);
      return;
    }
    worker.finish(request, Frame.Kind.RESULT, ScriptedAnswer.of(value));
  }

  /** Thrown by a scripted function to raise in Python. */
  static final class Raised extends RuntimeException {
    private final String type;
    private final String[] inherits;

    Raised(String type, String message, String... inherits) {
      super(message, null, false, false);
      this.type = type;
      this.inherits = inherits.clone();
    }

    @Override
    public String getMessage() {
      return String.valueOf(super.getMessage());
    }
  }
}
