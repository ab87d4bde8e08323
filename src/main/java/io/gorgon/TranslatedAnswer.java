package io.gorgon;

import io.gorgon.message.Exceptions;
import io.gorgon.message.PythonFailure.PythonRaised;
import io.gorgon.message.Reply;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/** This is an answer whose failure is what the user's own code makes of what Python raised. */
final class TranslatedAnswer {

  private TranslatedAnswer() {}

  /**
   * The answer itself where there is nothing to translate, so that it costs nothing there.
   *
   * @param callbacks runs the user's code, which must not hold up an I/O thread
   */
  static CompletableFuture<Reply> of(
      CompletableFuture<Reply> answer, Exceptions exceptions, Executor callbacks) {
    if (exceptions.isEmpty()) {
      return answer;
    }
    var translated = new CompletableFuture<Reply>();
    answer.whenComplete(
        (reply, failure) -> {
          if (failure == null) {
            translated.complete(reply);
          } else if (failure instanceof PythonRaised raised) {
            translate(translated, raised, exceptions, callbacks);
          } else {
            translated.completeExceptionally(failure);
          }
        });
    return translated;
  }

  private static void translate(
      CompletableFuture<Reply> translated,
      PythonRaised raised,
      Exceptions exceptions,
      Executor callbacks) {
    try {
      callbacks.execute(() -> translated.completeExceptionally(exceptions.translate(raised)));
    } catch (RejectedExecutionException stopped) {
      translated.completeExceptionally(raised);
    }
  }
}
