package io.gorgon.session.durable;

import io.gorgon.session.durable.StoreFailures.NothingChanged;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * This is something that is asked of the database, unless it was given up before: then nothing was
 * changed, and it is not asked any more. Thread-safe.
 */
final class Question<T> {

  private enum Stage {
    OPEN,
    ASKED,
    GIVEN_UP
  }

  private final Supplier<CompletionStage<T>> asking;
  private final CompletableFuture<T> answer = new CompletableFuture<>();
  private final AtomicReference<Stage> stage = new AtomicReference<>(Stage.OPEN);

  Question(Supplier<CompletionStage<T>> asking) {
    this.asking = asking;
  }

  CompletableFuture<T> answer() {
    return answer;
  }

  /** Asks it; the stage is for {@link #end}. */
  CompletionStage<T> ask() {
    if (!stage.compareAndSet(Stage.OPEN, Stage.ASKED)) {
      return CompletableFuture.failedFuture(new NothingChanged("it was given up"));
    }
    try {
      return asking.get();
    } catch (RuntimeException thrown) {
      return CompletableFuture.failedFuture(thrown);
    }
  }

  /** Answers with what came of it, unless it has an answer. */
  void end(@Nullable T value, @Nullable Throwable failure) {
    if (failure == null) {
      answer.complete(value);
    } else {
      answer.completeExceptionally(StoreFailures.named(StoreFailures.unwrapped(failure)));
    }
  }

  /** Answers that there was no answer; what was asked already may still come to its end. */
  void giveUp(String why) {
    boolean nothing = stage.compareAndSet(Stage.OPEN, Stage.GIVEN_UP);
    answer.completeExceptionally(nothing ? new NothingChanged(why) : new TimeoutException(why));
  }
}
