package io.gorgon.message;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * This is an exception as Python had it.
 *
 * @param type the class's name, for example {@code ValueError}
 * @param module where the class lives, for example {@code builtins}
 * @param message {@code str(exception)}
 * @param notes what {@code add_note} added
 * @param frames outermost first, the user's own only
 * @param cause the {@code __cause__}, or the {@code __context__} where that was not suppressed
 * @param traceback as Python prints it, cut at 32 KiB
 */
public record PythonException(
    String type,
    String module,
    String message,
    List<String> notes,
    List<PythonFrame> frames,
    @Nullable PythonException cause,
    String traceback) {

  /** Copies the lists. */
  public PythonException {
    notes = List.copyOf(notes);
    frames = List.copyOf(frames);
  }

  /** Reads the body that Python's {@code _failures} writes. Missing parts read as empty. */
  public static PythonException from(JsonNode body) {
    var notes = new ArrayList<String>();
    body.path("notes").forEach(note -> notes.add(note.asText()));
    var frames = new ArrayList<PythonFrame>();
    body.path("frames")
        .forEach(
            frame ->
                frames.add(
                    new PythonFrame(
                        frame.path("file").asText(),
                        frame.path("line").asInt(),
                        frame.path("function").asText(),
                        frame.path("text").asText(null))));
    JsonNode cause = body.path("cause").isObject() ? body.path("cause") : body.path("context");
    return new PythonException(
        body.path("type").asText("Exception"),
        body.path("module").asText(""),
        body.path("message").asText(""),
        notes,
        frames,
        cause.isObject() ? from(cause) : null,
        body.path("traceback").asText(""));
  }

  /** {@code ValueError: no such row}. */
  public String describe() {
    return message.isEmpty() ? type : type + ": " + message;
  }

  /** The frames as a Java stack trace orders them: innermost first. */
  public StackTraceElement[] stackTrace() {
    var elements = new ArrayList<StackTraceElement>();
    frames.forEach(frame -> elements.add(frame.toStackTraceElement()));
    Collections.reverse(elements);
    return elements.toArray(StackTraceElement[]::new);
  }
}
