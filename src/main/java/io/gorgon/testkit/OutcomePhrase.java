package io.gorgon.testkit;

import io.gorgon.message.PythonFailure;
import io.gorgon.message.Reply;
import io.gorgon.message.Values;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What becomes of a call, a checkout or an action. */
public final class OutcomePhrase {

  private final String name;

  OutcomePhrase(String name) {
    this.name = name;
  }

  /** It fails so. */
  public Check is(Class<? extends PythonFailure> type) {
    return failsSo("is " + type.getSimpleName(), failure -> failure.is(type));
  }

  /** It fails, and the failure looks so. */
  public Check fails(Consumer<FailureProbe> so) {
    return failsSo("is a failure that looks as described", so);
  }

  private Check failsSo(String text, Consumer<FailureProbe> so) {
    return new Outcome(
        name,
        text,
        happening -> {
          if (!(happening.failure() instanceof PythonFailure failure)) {
            throw new AssertionError("expected that it " + text + ", and " + happening);
          }
          so.accept(new FailureProbe("'" + name + "'", failure));
        });
  }

  /** It succeeds. */
  public Check isSuccess() {
    return new Outcome(
        name,
        "is success",
        happening -> {
          if (happening.failure() != null) {
            throw new AssertionError("expected success, and " + happening);
          }
        });
  }

  /** Its value, or that of its reply, is that one, as JSON compares. */
  public Check isValue(@Nullable Object value) {
    return new Outcome(
        name,
        "is the value " + value,
        happening -> {
          if (happening.failure() != null || !json(value).equals(json(happening.value()))) {
            throw new AssertionError("expected the value " + value + ", and " + happening);
          }
        });
  }

  private static String json(@Nullable Object value) {
    return value instanceof Reply reply
        ? reply.tree().toString()
        : Values.mapper().valueToTree(value).toString();
  }

  private record Outcome(String name, String text, Consumer<Happening> so) implements Check {
    @Override
    public void hold(Play play) {
      so.accept(play.ended(name));
    }

    @Override
    public String toString() {
      return "the outcome of '" + name + "' " + text;
    }
  }
}
