package io.gorgon;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * This is a stage whose dependents always run on one executor, whoever completes it: each plain
 * method does what its {@code Async} twin does. An I/O thread that completes it runs no code of its
 * users, so a user's callback that blocks holds up no worker.
 */
abstract class DispatchedStage<T> implements CompletionStage<T> {

  private final CompletableFuture<T> origin;
  private final Executor executor;

  DispatchedStage(CompletableFuture<T> origin, Executor executor) {
    this.origin = origin;
    this.executor = executor;
  }

  /** The same outcome as a future of its own; completing that by hand has no effect here. */
  @Override
  public CompletableFuture<T> toCompletableFuture() {
    var own = new CompletableFuture<T>();
    origin.whenCompleteAsync(
        (value, failure) -> {
          if (failure == null) {
            own.complete(value);
          } else {
            own.completeExceptionally(failure);
          }
        },
        executor);
    return own;
  }

  @Override
  public <U> CompletionStage<U> thenApply(Function<? super T, ? extends U> fn) {
    return origin.thenApplyAsync(fn, executor);
  }

  @Override
  public <U> CompletionStage<U> thenApplyAsync(Function<? super T, ? extends U> fn) {
    return origin.thenApplyAsync(fn, executor);
  }

  @Override
  public <U> CompletionStage<U> thenApplyAsync(Function<? super T, ? extends U> fn, Executor own) {
    return origin.thenApplyAsync(fn, own);
  }

  @Override
  public CompletionStage<Void> thenAccept(Consumer<? super T> action) {
    return origin.thenAcceptAsync(action, executor);
  }

  @Override
  public CompletionStage<Void> thenAcceptAsync(Consumer<? super T> action) {
    return origin.thenAcceptAsync(action, executor);
  }

  @Override
  public CompletionStage<Void> thenAcceptAsync(Consumer<? super T> action, Executor own) {
    return origin.thenAcceptAsync(action, own);
  }

  @Override
  public CompletionStage<Void> thenRun(Runnable action) {
    return origin.thenRunAsync(action, executor);
  }

  @Override
  public CompletionStage<Void> thenRunAsync(Runnable action) {
    return origin.thenRunAsync(action, executor);
  }

  @Override
  public CompletionStage<Void> thenRunAsync(Runnable action, Executor own) {
    return origin.thenRunAsync(action, own);
  }

  @Override
  public <U, V> CompletionStage<V> thenCombine(
      CompletionStage<? extends U> other, BiFunction<? super T, ? super U, ? extends V> fn) {
    return origin.thenCombineAsync(other, fn, executor);
  }

  @Override
  public <U, V> CompletionStage<V> thenCombineAsync(
      CompletionStage<? extends U> other, BiFunction<? super T, ? super U, ? extends V> fn) {
    return origin.thenCombineAsync(other, fn, executor);
  }

  @Override
  public <U, V> CompletionStage<V> thenCombineAsync(
      CompletionStage<? extends U> other,
      BiFunction<? super T, ? super U, ? extends V> fn,
      Executor own) {
    return origin.thenCombineAsync(other, fn, own);
  }

  @Override
  public <U> CompletionStage<Void> thenAcceptBoth(
      CompletionStage<? extends U> other, BiConsumer<? super T, ? super U> action) {
    return origin.thenAcceptBothAsync(other, action, executor);
  }

  @Override
  public <U> CompletionStage<Void> thenAcceptBothAsync(
      CompletionStage<? extends U> other, BiConsumer<? super T, ? super U> action) {
    return origin.thenAcceptBothAsync(other, action, executor);
  }

  @Override
  public <U> CompletionStage<Void> thenAcceptBothAsync(
      CompletionStage<? extends U> other, BiConsumer<? super T, ? super U> action, Executor own) {
    return origin.thenAcceptBothAsync(other, action, own);
  }

  @Override
  public CompletionStage<Void> runAfterBoth(CompletionStage<?> other, Runnable action) {
    return origin.runAfterBothAsync(other, action, executor);
  }

  @Override
  public CompletionStage<Void> runAfterBothAsync(CompletionStage<?> other, Runnable action) {
    return origin.runAfterBothAsync(other, action, executor);
  }

  @Override
  public CompletionStage<Void> runAfterBothAsync(
      CompletionStage<?> other, Runnable action, Executor own) {
    return origin.runAfterBothAsync(other, action, own);
  }

  @Override
  public <U> CompletionStage<U> applyToEither(
      CompletionStage<? extends T> other, Function<? super T, U> fn) {
    return origin.applyToEitherAsync(other, fn, executor);
  }

  @Override
  public <U> CompletionStage<U> applyToEitherAsync(
      CompletionStage<? extends T> other, Function<? super T, U> fn) {
    return origin.applyToEitherAsync(other, fn, executor);
  }

  @Override
  public <U> CompletionStage<U> applyToEitherAsync(
      CompletionStage<? extends T> other, Function<? super T, U> fn, Executor own) {
    return origin.applyToEitherAsync(other, fn, own);
  }

  @Override
  public CompletionStage<Void> acceptEither(
      CompletionStage<? extends T> other, Consumer<? super T> action) {
    return origin.acceptEitherAsync(other, action, executor);
  }

  @Override
  public CompletionStage<Void> acceptEitherAsync(
      CompletionStage<? extends T> other, Consumer<? super T> action) {
    return origin.acceptEitherAsync(other, action, executor);
  }

  @Override
  public CompletionStage<Void> acceptEitherAsync(
      CompletionStage<? extends T> other, Consumer<? super T> action, Executor own) {
    return origin.acceptEitherAsync(other, action, own);
  }

  @Override
  public CompletionStage<Void> runAfterEither(CompletionStage<?> other, Runnable action) {
    return origin.runAfterEitherAsync(other, action, executor);
  }

  @Override
  public CompletionStage<Void> runAfterEitherAsync(CompletionStage<?> other, Runnable action) {
    return origin.runAfterEitherAsync(other, action, executor);
  }

  @Override
  public CompletionStage<Void> runAfterEitherAsync(
      CompletionStage<?> other, Runnable action, Executor own) {
    return origin.runAfterEitherAsync(other, action, own);
  }

  @Override
  public <U> CompletionStage<U> thenCompose(Function<? super T, ? extends CompletionStage<U>> fn) {
    return origin.thenComposeAsync(fn, executor);
  }

  @Override
  public <U> CompletionStage<U> thenComposeAsync(
      Function<? super T, ? extends CompletionStage<U>> fn) {
    return origin.thenComposeAsync(fn, executor);
  }

  @Override
  public <U> CompletionStage<U> thenComposeAsync(
      Function<? super T, ? extends CompletionStage<U>> fn, Executor own) {
    return origin.thenComposeAsync(fn, own);
  }

  @Override
  public <U> CompletionStage<U> handle(BiFunction<? super T, Throwable, ? extends U> fn) {
    return origin.handleAsync(fn, executor);
  }

  @Override
  public <U> CompletionStage<U> handleAsync(BiFunction<? super T, Throwable, ? extends U> fn) {
    return origin.handleAsync(fn, executor);
  }

  @Override
  public <U> CompletionStage<U> handleAsync(
      BiFunction<? super T, Throwable, ? extends U> fn, Executor own) {
    return origin.handleAsync(fn, own);
  }

  @Override
  public CompletionStage<T> whenComplete(BiConsumer<? super T, ? super Throwable> action) {
    return origin.whenCompleteAsync(action, executor);
  }

  @Override
  public CompletionStage<T> whenCompleteAsync(BiConsumer<? super T, ? super Throwable> action) {
    return origin.whenCompleteAsync(action, executor);
  }

  @Override
  public CompletionStage<T> whenCompleteAsync(
      BiConsumer<? super T, ? super Throwable> action, Executor own) {
    return origin.whenCompleteAsync(action, own);
  }

  @Override
  public CompletionStage<T> exceptionally(Function<Throwable, ? extends T> fn) {
    return origin.exceptionallyAsync(fn, executor);
  }
}
