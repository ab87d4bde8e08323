package io.gorgon.dspy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.gorgon.message.PythonFailure.PythonRaised;
import io.gorgon.message.Values;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * This is what a command on programs fails with, beside the {@link io.gorgon.message.PythonFailure}
 * that any call may fail with: one tree, on one page. After each of them all programs are as they
 * were before the command. Its cause is what Python raised, where Python did.
 */
public abstract sealed class ProgramFailure extends RuntimeException {

  private static final String PACKAGE = "gorgon.programs.";
  private static final String NOTE = "gorgon.programs {";

  private ProgramFailure(String message, @Nullable PythonRaised cause) {
    super(message, cause);
  }

  /** Whether the same command may succeed a little later, though nobody changes anything. */
  public boolean retryable() {
    return false;
  }

  /** Something is missing in the workers' Python environment: DSPy itself, or what a kind needs. */
  public static final class NotInstalled extends ProgramFailure {
    private final String what;
    private final String remedy;

    private NotInstalled(String message, JsonNode details, PythonRaised cause) {
      super(message, cause);
      what = details.path("what").asText();
      remedy = details.path("remedy").asText();
    }

    /** What is missing. */
    public String what() {
      return what;
    }

    /** What to do. */
    public String remedy() {
      return remedy;
    }
  }

  /** A definition is wrong: its signature, or another part. */
  public static final class SignatureRefused extends ProgramFailure {
    private final String where;
    private final String text;
    private final int position;
    private final String reason;

    private SignatureRefused(String message, JsonNode details, PythonRaised cause) {
      super(message, cause);
      where = details.path("where").asText();
      text = details.path("text").asText();
      position = details.path("position").asInt();
      reason = details.path("reason").asText();
    }

    /** The part: {@code signature}, {@code fields[2].type}, {@code tools[0].name}, ... */
    public String where() {
      return where;
    }

    /** The text that is wrong; empty where the part has none. */
    public String text() {
      return text;
    }

    /** How many characters of the text stand before the fault. */
    public int position() {
      return position;
    }

    /** What is wrong there. */
    public String reason() {
      return reason;
    }
  }

  /** A program of that name is there already. */
  public static final class DuplicateProgram extends ProgramFailure {
    private DuplicateProgram(String message, PythonRaised cause) {
      super(message, cause);
    }
  }

  /** There is no program of that name. */
  public static final class UnknownProgram extends ProgramFailure {
    private final List<String> names;

    private UnknownProgram(String message, List<String> names, @Nullable PythonRaised cause) {
      super(message, cause);
      this.names = List.copyOf(names);
    }

    static UnknownProgram of(String name, List<String> names) {
      return new UnknownProgram(
          "there is no program '" + name + "'; there is " + (names.isEmpty() ? "none" : names),
          names,
          null);
    }

    /** Those that there are. */
    public List<String> names() {
      return names;
    }
  }

  /** A program was changed or deleted while it was optimized, so that the result was dropped. */
  public static final class ProgramChanged extends ProgramFailure {
    private ProgramChanged(String message, PythonRaised cause) {
      super(message, cause);
    }
  }

  /** Inputs are missing, are not known, or are of a wrong type; the model was not asked. */
  public static final class InputsRefused extends ProgramFailure {
    private final List<String> missing;
    private final List<String> unknown;
    private final Map<String, String> wrong;

    private InputsRefused(String message, JsonNode details, PythonRaised cause) {
      super(message, cause);
      missing = texts(details.path("missing"));
      unknown = texts(details.path("unknown"));
      Map<String, String> found = new LinkedHashMap<>();
      details
          .path("wrong")
          .properties()
          .forEach(entry -> found.put(entry.getKey(), entry.getValue().asText()));
      wrong = Map.copyOf(found);
    }

    /** The names of inputs that were not given. */
    public List<String> missing() {
      return missing;
    }

    /** The names that were given, and are no inputs. */
    public List<String> unknown() {
      return unknown;
    }

    /** What is wrong with an input, by its name. */
    public Map<String, String> wrong() {
      return wrong;
    }
  }

  /** A saved state is none, or is that of another program. */
  public static final class StateRefused extends ProgramFailure {
    private StateRefused(String message, PythonRaised cause) {
      super(message, cause);
    }
  }

  /** The language model gave no usable answer. */
  public static final class LanguageModelFailed extends ProgramFailure {

    /** Why. */
    public enum Kind {
      /** Too many requests; {@link #retryAfterSeconds} may tell how long to wait. */
      RATE_LIMIT,
      /** No answer in time. */
      TIMEOUT,
      /** The key is wrong, or its owner's credit used up. */
      UNAUTHORIZED,
      /** The provider does not take such a request, or does not have the model. */
      REFUSED,
      /** The prompt is too long for the model. */
      CONTEXT_WINDOW,
      /** It answered, but not in the form that was asked for. */
      MALFORMED,
      /** There is no connection to the provider. */
      UNREACHABLE,
      /** The provider failed. */
      SERVER_ERROR,
      /** No model, no key, or settings that do not fit; nobody was asked. */
      MISCONFIGURED,
      /** Anything else. */
      OTHER
    }

    private final Kind kind;
    private final String model;
    private final @Nullable Integer status;
    private final @Nullable Double retryAfter;

    private LanguageModelFailed(String message, JsonNode details, PythonRaised cause) {
      super(message, cause);
      kind = kind(details.path("kind").asText());
      model = details.path("model").asText();
      status = details.path("status").isInt() ? (Integer) details.path("status").asInt() : null;
      JsonNode after = details.path("retry_after");
      retryAfter = after.isNumber() ? (Double) after.asDouble() : null;
    }

    private static Kind kind(String name) {
      try {
        return Kind.valueOf(name.toUpperCase(Locale.ROOT));
      } catch (IllegalArgumentException newer) {
        return Kind.OTHER;
      }
    }

    public Kind kind() {
      return kind;
    }

    /** The model's name. */
    public String model() {
      return model;
    }

    /** The status of the provider's HTTP answer, if there was one. */
    public OptionalInt status() {
      return status == null ? OptionalInt.empty() : OptionalInt.of(status);
    }

    /** How long the provider asks to wait. */
    public OptionalDouble retryAfterSeconds() {
      return retryAfter == null ? OptionalDouble.empty() : OptionalDouble.of(retryAfter);
    }

    @Override
    public boolean retryable() {
      return switch (kind) {
        case RATE_LIMIT, TIMEOUT, UNREACHABLE, SERVER_ERROR -> true;
        default -> false;
      };
    }
  }

  /**
   * The failure of ours that Python raised, if it is one. One that {@code PythonPool.translate}
   * made something else of is found by its cause.
   */
  static Optional<ProgramFailure> of(@Nullable Throwable failure) {
    Throwable each = failure;
    for (int depth = 0; each != null && depth < 10; depth++, each = each.getCause()) {
      if (each instanceof PythonRaised raised) {
        return Optional.ofNullable(read(raised));
      }
    }
    return Optional.empty();
  }

  private static @Nullable ProgramFailure read(PythonRaised raised) {
    if (!raised.isA(PACKAGE + "ProgramError")) {
      return null;
    }
    JsonNode details = details(raised.exception().notes());
    String message = raised.exception().message();
    return switch (raised.type()) {
      case "NotInstalled" -> new NotInstalled(message, details, raised);
      case "SignatureRefused" -> new SignatureRefused(message, details, raised);
      case "DuplicateProgram" -> new DuplicateProgram(message, raised);
      case "UnknownProgram" -> new UnknownProgram(message, texts(details.path("names")), raised);
      case "ProgramChanged" -> new ProgramChanged(message, raised);
      case "InputsRefused" -> new InputsRefused(message, details, raised);
      case "StateRefused" -> new StateRefused(message, raised);
      case "LanguageModelFailed" -> new LanguageModelFailed(message, details, raised);
      default -> null;
    };
  }

  /** A note may have been cut on its way; then only the message is there. */
  private static JsonNode details(List<String> notes) {
    for (String note : notes) {
      if (note.startsWith(NOTE)) {
        try {
          return Values.mapper().readTree(note.substring(NOTE.length() - 1));
        } catch (JsonProcessingException cut) {
          return MissingNode.getInstance();
        }
      }
    }
    return MissingNode.getInstance();
  }

  private static List<String> texts(JsonNode list) {
    return list.valueStream().map(JsonNode::asText).toList();
  }
}
