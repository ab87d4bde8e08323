package io.gorgon.message;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * This is an exception as Python had it.
 *
 * @param type the class's name, for example {@code ValueError}
 * @param module where the class lives, for example {@code builtins}
 * @param classes the names of its class and of those that it inherits from, in the order of {@code
 *     __mro__}, each with its module: {@code shop.OutOfStock}, {@code builtins.LookupError}
 * @param message {@code str(exception)}
 * @param notes what {@code add_note} added, in that order
 * @param frames outermost first, the user's own only
 * @param cause the {@code __cause__}, or the {@code __context__} where that was not suppressed
 * @param group what an exception group holds, in its order; empty for all other exceptions
 * @param traceback as Python prints it, cut at 32 KiB
 */
public record PythonException(
    String type,
    String module,
    List<String> classes,
    String message,
    List<String> notes,
    List<PythonFrame> frames,
    @Nullable PythonException cause,
    List<PythonException> group,
    String traceback) {

  private static final String BUILTINS = "builtins.";

  /** Copies the lists. */
  public PythonException {
    classes = List.copyOf(classes);
    group = List.copyOf(group);
    notes = List.copyOf(notes);
    frames = List.copyOf(frames);
  }

  /** Reads the body that Python's {@code _failures} writes. Missing parts read as empty. */
  public static PythonException from(JsonNode body) {
    JsonNode cause = body.path("cause").isObject() ? body.path("cause") : body.path("context");
    return new PythonException(
        body.path("type").asText("Exception"),
        body.path("module").asText(""),
        read(body.path("mro"), JsonNode::asText),
        body.path("message").asText(""),
        read(body.path("notes"), JsonNode::asText),
        read(body.path("frames"), PythonException::frame),
        cause.isObject() ? from(cause) : null,
        read(body.path("group"), PythonException::from),
        body.path("traceback").asText(""));
  }

  private static <T> List<T> read(JsonNode list, Function<JsonNode, T> one) {
    var all = new ArrayList<T>();
    list.forEach(each -> all.add(one.apply(each)));
    return all;
  }

  private static PythonFrame frame(JsonNode frame) {
    return new PythonFrame(
        frame.path("file").asText(),
        frame.path("line").asInt(),
        frame.path("function").asText(),
        frame.path("text").asText(null));
  }

  /**
   * Whether {@code isinstance} would say so in Python: whether its class is, or inherits from, the
   * one of that name.
   *
   * @param name with the module, {@code shop.OutOfStock}; one of Python's own does without, {@code
   *     ValueError}
   */
  public boolean isA(String name) {
    return classes.contains(qualified(name));
  }

  /** The name with its module: only Python's own classes do without. */
  static String qualified(String name) {
    return name.indexOf('.') < 0 ? BUILTINS + name : name;
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
