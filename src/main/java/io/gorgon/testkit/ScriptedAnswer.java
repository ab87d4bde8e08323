package io.gorgon.testkit;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.gorgon.message.Values;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The bodies of what Python says at the end of a call. */
final class ScriptedAnswer {

  private ScriptedAnswer() {}

  /** A value. */
  static byte[] of(@Nullable Object value) {
    try {
      return Values.mapper().writeValueAsBytes(value);
    } catch (JsonProcessingException unwritable) {
      throw new IllegalArgumentException(unwritable);
    }
  }

  /** An exception; names without a module are Python's own. */
  static byte[] raised(String type, String message, String... inherits) {
    int dot = type.lastIndexOf('.');
    List<String> classes =
        Stream.of(Stream.of(type), Stream.of(inherits), Stream.of("Exception", "BaseException"))
            .flatMap(names -> names)
            .map(name -> name.indexOf('.') < 0 ? "builtins." + name : name)
            .distinct()
            .toList();
    return of(
        Map.of(
            "kind",
            "raised",
            "type",
            type.substring(dot + 1),
            "module",
            dot < 0 ? "builtins" : type.substring(0, dot),
            "mro",
            classes,
            "message",
            message));
  }

  /** The call did not run: its worker lacks the state of its session. */
  static byte[] stateNeeded() {
    return of(Map.of("kind", "state_needed"));
  }

  /** A cancelled call has ended. */
  static byte[] cancelled(boolean started) {
    return of(Map.of("kind", "cancelled", "started", started, "message", "cancelled"));
  }
}
