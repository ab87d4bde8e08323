package io.gorgon.message;

import io.gorgon.message.PythonFailure.FailedElsewhere;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * This is a failure as it travels from node to node: its name and what it was made of, of which the
 * other node makes it again. Message, accessors, Python's frames, causes and groups arrive equal; a
 * Java stack, and causes or suppressed exceptions that somebody added later, stay behind.
 *
 * <p>Nodes of two versions understand each other: what one does not know arrives as {@link
 * FailedElsewhere}, which keeps the name, the message and whether another try is safe. So a
 * failure's constructor may be changed, at that price while an upgrade lasts.
 *
 * <p>A form stays below some 160 KiB. What would be larger is shortened, which the text says: see
 * {@link Shortening}. Immutable as long as nobody writes to its array; thread-safe.
 *
 * @param kind the failure's name, {@link PythonFailure#name}
 * @param message its message, for a node that cannot make it; at most 8192 characters, well-formed
 * @param retryable whether another try is safe, for such a node
 * @param arguments what it was made of, a JSON array in UTF-8 in the order of the constructor; not
 *     copied, so do not write to it
 */
public record FailureForm(String kind, String message, boolean retryable, byte[] arguments) {

  private static final byte[] NOTHING = new byte[0];
  private static final Shortening NAME = new Shortening(256, 0, 0);
  private static final Shortening MESSAGE = new Shortening(8192, 0, 0);
  private static final int CAUSES = 8;

  /** Accepts what arrives: absent parts become empty, and text too long is shortened. */
  public FailureForm {
    kind = NAME.wellFormed(Objects.requireNonNullElse(kind, ""));
    message = MESSAGE.wellFormed(Objects.requireNonNullElse(message, ""));
    arguments = Objects.requireNonNullElse(arguments, NOTHING);
  }

  /**
   * The form of a failure. What is no {@link PythonFailure} becomes a {@link FailedElsewhere} that
   * names its class, its message and its causes. Never throws.
   */
  public static FailureForm of(Throwable failure) {
    return of(failure, UnaryOperator.identity());
  }

  /**
   * The same, where the worker that it is about has another name, such as one that tells its node.
   */
  public static FailureForm of(Throwable failure, UnaryOperator<WorkerId> named) {
    PythonFailure typed = typed(failure);
    return new FailureForm(
        typed.name(), String.valueOf(typed.getMessage()), typed.retryable(), written(typed, named));
  }

  /** Without its parts the name and the message still arrive. */
  private static byte[] written(PythonFailure failure, UnaryOperator<WorkerId> named) {
    try {
      return FailureParts.write(
          failure.arguments().stream()
              .<@Nullable Object>map(each -> each instanceof WorkerId id ? named.apply(id) : each)
              .collect(Collectors.toCollection(ArrayList::new)));
    } catch (IOException | RuntimeException unwritable) {
      return NOTHING;
    }
  }

  private static PythonFailure typed(Throwable failure) {
    Throwable inner = failure;
    for (int i = 0; i < CAUSES && !(inner instanceof PythonFailure); i++) {
      boolean wraps = inner instanceof CompletionException || inner instanceof ExecutionException;
      if (!wraps || inner.getCause() == null) {
        break;
      }
      inner = inner.getCause();
    }
    return inner instanceof PythonFailure typed
        ? typed
        : new FailedElsewhere(
            inner.getClass().getName(),
            story(inner),
            false,
            "which is no failure of a call: look at that node's log, or report a bug");
  }

  /** Exceptions of others may do anything, also when they are asked for their message. */
  private static String story(Throwable failure) {
    var story = new StringBuilder();
    try {
      story.append(said(failure));
      Throwable cause = failure.getCause();
      for (int i = 0; i < CAUSES && cause != null; i++) {
        story.append("; caused by ").append(cause.getClass().getName()).append(": ");
        story.append(said(cause));
        cause = cause.getCause();
      }
    } catch (RuntimeException broken) {
      story.append("(its message cannot be read)");
    }
    return story.toString();
  }

  private static String said(Throwable failure) {
    return MESSAGE.text(String.valueOf(failure.getMessage()));
  }

  /**
   * The failure, made again. Never throws: an unknown kind, or parts that do not read, give a
   * {@link FailedElsewhere}.
   */
  public PythonFailure failure() {
    FailureParts parts = FailureParts.of(kind);
    if (parts == null) {
      return elsewhere("which this node does not know");
    }
    try {
      return parts.read(arguments);
    } catch (IOException | ReflectiveOperationException | RuntimeException broken) {
      return elsewhere("whose parts this node cannot read");
    }
  }

  private FailedElsewhere elsewhere(String problem) {
    return new FailedElsewhere(
        kind.isBlank() ? "something without a name" : kind,
        message,
        retryable,
        problem + ": let the upgrade of all nodes come to its end, or report a bug");
  }

  /** Prints the size of the arguments, never the contents. */
  @Override
  public String toString() {
    return "FailureForm[kind=" + kind + ", arguments=" + arguments.length + "]";
  }
}
