package io.gorgon.tool;

import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Values;
import io.gorgon.wire.Frame;
import io.gorgon.wire.FrameCodec;
import io.gorgon.worker.PendingCall;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * This runs the tools that one call asks for, and tells Python what came of it. Tools run on an
 * executor, never on an I/O thread. Thread-safe.
 */
public final class HostCalls {

  private final Supplier<Tools> tools;
  private final int depth;
  private final Executor executor;
  private final LongSupplier nanoTime;
  private final long frameLimit;

  /**
   * For one call.
   *
   * @param tools those that there are when Python asks
   * @param depth the call's level; see {@link Nesting}
   * @param executor runs the tools
   * @param frameLimit bytes of the largest answer
   */
  public HostCalls(
      Supplier<Tools> tools, int depth, Executor executor, LongSupplier nanoTime, long frameLimit) {
    this.tools = tools;
    this.depth = depth;
    this.executor = executor;
    this.nanoTime = nanoTime;
    this.frameLimit = frameLimit;
  }

  /** Python asks; returns at once. */
  public void onHostCall(PendingCall call, Frame frame) {
    executor.execute(() -> call.inItsLog(() -> run(call, frame.payload())));
  }

  private void run(PendingCall call, Payload asked) {
    JsonNode body;
    try {
      body = Values.mapper().readTree(asked.body());
    } catch (IOException unreadable) {
      call.abandon(
          new PythonFailure.ProtocolViolation("a host call that cannot be read: " + unreadable),
          true);
      return;
    }
    long number = body.path("host").asLong();
    String name = body.path("name").asText();
    Tools present = tools.get();
    Tool tool = present.find(name).orElse(null);
    if (tool == null) {
      // As a list: a Java set would arrive as a Python set, without its order.
      var names = List.copyOf(present.names());
      fail(call, number, "unknown", "", unknown(name, present), names);
      return;
    }
    try {
      var nesting = new Nesting(call, depth);
      ToolCall toolCall = toolCall(name, body, asked, nesting, call);
      CompletionStage<?> outcome = nesting.during(() -> start(tool, toolCall));
      outcome.whenComplete(
          (value, failure) -> {
            if (failure == null) {
              answer(call, number, name, value);
            } else {
              fail(call, number, failure);
            }
          });
    } catch (RuntimeException thrown) {
      fail(call, number, thrown);
    } catch (Error thrown) {
      // Python would wait for its answer in vain.
      fail(call, number, thrown);
      throw thrown;
    }
  }

  private static String unknown(String name, Tools present) {
    return present.names().isEmpty()
        ? "there is no tool '" + name + "': this call was given none"
        : "there is no tool '" + name + "' among " + present.names();
  }

  private static CompletionStage<?> start(Tool tool, ToolCall call) {
    try {
      return tool.call(call);
    } catch (Exception thrown) {
      throw thrown instanceof RuntimeException unchecked
          ? unchecked
          : new CompletionException(thrown);
    }
  }

  private ToolCall toolCall(
      String name, JsonNode body, Payload asked, Nesting nesting, PendingCall call) {
    List<Payload> arguments = new ArrayList<>();
    body.path("args").forEach(argument -> arguments.add(Values.part(asked, argument)));
    Map<String, Payload> keywords = new LinkedHashMap<>();
    body.path("kwargs")
        .properties()
        .forEach(entry -> keywords.put(entry.getKey(), Values.part(asked, entry.getValue())));
    Duration remaining = Duration.ofNanos(Math.max(0, call.deadline() - nanoTime.getAsLong()));
    if (body.path("timeout").isNumber()) {
      var asks = Duration.ofNanos((long) (body.path("timeout").asDouble() * 1e9));
      remaining = asks.compareTo(remaining) < 0 ? asks : remaining;
    }
    return new ToolCall(name, arguments, keywords, nesting, remaining);
  }

  private void answer(PendingCall call, long number, String name, @Nullable Object value) {
    Map<String, @Nullable Object> body = new LinkedHashMap<>();
    body.put("host", number);
    body.put("value", value);
    Payload payload;
    try {
      String what = "the result of tool '" + name + "'";
      payload = FrameCodec.fitting(what, Values.encode(what, body), frameLimit);
    } catch (PythonFailure refused) {
      fail(call, number, refused);
      return;
    }
    call.send(request -> Frame.of(Frame.Kind.HOST_REPLY, request, payload));
  }

  private void fail(PendingCall call, long number, Throwable thrown) {
    Throwable failure =
        thrown instanceof CompletionException wrapped && wrapped.getCause() != null
            ? wrapped.getCause()
            : thrown;
    String kind = "raised";
    if (failure instanceof BadToolArguments) {
      kind = "bad_arguments";
    } else if (failure instanceof PythonFailure.NestedTooDeep) {
      kind = "too_deep";
    }
    String message = failure.getMessage() == null ? "no message" : failure.getMessage();
    fail(call, number, kind, failure.getClass().getName(), message, List.of());
  }

  private static void fail(
      PendingCall call, long number, String kind, String type, String message, List<String> names) {
    Map<String, Object> failure =
        Map.of("kind", kind, "type", type, "message", message, "names", names);
    Payload payload = Values.encode("a failure", Map.of("host", number, "failure", failure));
    call.send(request -> Frame.of(Frame.Kind.HOST_REPLY, request, payload));
  }
}
