package io.gorgon.cli;

import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * What one line of input is answered.
 *
 * @param json the line of output
 * @param failed whether it tells an error
 */
record LineAnswer(String json, boolean failed) {

  /**
   * An answer that comes, or its failure in its place.
   *
   * @param aboutEveryLine failures that end the whole command: no line can be answered
   */
  static <T> CompletionStage<LineAnswer> of(
      CompletionStage<T> asked,
      Function<T, String> told,
      Predicate<Throwable> aboutEveryLine,
      Function<Throwable, LineAnswer> error) {
    return asked.handle(
        (answer, failure) -> {
          if (failure == null) {
            return new LineAnswer(told.apply(answer), false);
          }
          Throwable cause =
              failure instanceof CompletionException && failure.getCause() != null
                  ? failure.getCause()
                  : failure;
          if (aboutEveryLine.test(cause)) {
            throw new CompletionException(cause);
          }
          return error.apply(cause);
        });
  }
}
