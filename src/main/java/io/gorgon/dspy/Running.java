package io.gorgon.dspy;

import io.gorgon.RunningCall;
import io.gorgon.message.Progress;
import io.gorgon.message.PythonFailure;
import io.gorgon.stream.CallFlow;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;
import org.jspecify.annotations.Nullable;

/**
 * This is a command that was given and may not have its answer yet. It completes with the answer,
 * with a {@link ProgramFailure}, or with the {@link io.gorgon.message.PythonFailure} of its call.
 * Thread-safe.
 */
public final class Running<T> extends CompletableFuture<T> implements CallFlow.Cancellable<T> {

  private final CompletableFuture<RunningCall> call = new CompletableFuture<>();
  private volatile boolean cancelled;

  private Running() {}

  /** A command that is one call. */
  static <T> Running<T> of(RunningCall call, Function<io.gorgon.message.Reply, T> read) {
    return of(CompletableFuture.completedFuture(call), read);
  }

  /** A command whose call is made a little later. */
  static <T> Running<T> of(
      CompletionStage<RunningCall> later, Function<io.gorgon.message.Reply, T> read) {
    var running = new Running<T>();
    later.whenComplete(
        (made, failure) -> {
          if (failure == null) {
            running.begin(made, read);
          } else {
            running.call.completeExceptionally(unwrapped(failure));
            running.completeExceptionally(typed(failure));
          }
        });
    return running;
  }

  /** One that has its answer. */
  static <T> Running<T> completed(T value) {
    var running = new Running<T>();
    running.call.completeExceptionally(new IllegalStateException("no call was needed"));
    running.complete(value);
    return running;
  }

  /** The same, where a failure is a value too. */
  Running<T> otherwise(Function<RuntimeException, T> value) {
    var other = new Running<T>();
    call.whenComplete((made, none) -> relay(other.call, made, none));
    whenComplete(
        (found, failure) -> {
          if (failure == null) {
            other.complete(found);
          } else if (typed(failure) instanceof RuntimeException typed) {
            other.complete(value.apply(typed));
          } else {
            other.completeExceptionally(failure);
          }
        });
    return other;
  }

  private static <V> void relay(
      CompletableFuture<V> to, @Nullable V value, @Nullable Throwable failure) {
    if (failure != null) {
      to.completeExceptionally(typed(failure));
    } else {
      to.complete(value);
    }
  }

  private void begin(RunningCall made, Function<io.gorgon.message.Reply, T> read) {
    call.complete(made);
    if (cancelled) {
      made.cancel();
    }
    made.whenComplete(
        (reply, failure) -> {
          try {
            if (failure == null) {
              complete(read.apply(reply));
            } else {
              completeExceptionally(typed(failure));
            }
          } catch (RuntimeException unreadable) {
            completeExceptionally(unreadable);
          }
        });
  }

  static Throwable typed(Throwable failure) {
    Throwable cause = unwrapped(failure);
    return ProgramFailure.of(cause).<Throwable>map(ours -> ours).orElse(cause);
  }

  private static Throwable unwrapped(Throwable failure) {
    return failure instanceof CompletionException wrapped && wrapped.getCause() != null
        ? wrapped.getCause()
        : failure;
  }

  /** What follows this command and is given up with it. */
  <U> Running<U> then(Function<T, Running<U>> next) {
    var last = new Running<U>();
    call.whenComplete((made, none) -> relay(last.call, made, none));
    whenComplete(
        (value, failure) -> {
          if (failure != null) {
            last.completeExceptionally(typed(failure));
          } else {
            next.apply(value).whenComplete((result, second) -> relay(last, result, second));
          }
        });
    return last;
  }

  /**
   * Gives it up; see {@link RunningCall#cancel}. Harmless when it is done.
   *
   * @return false if it had its answer already
   */
  @Override
  public boolean cancel() {
    cancelled = true;
    RunningCall made = call.isCompletedExceptionally() ? null : call.getNow(null);
    return made == null ? !isDone() : made.cancel();
  }

  /** The same; the thread that waits for a model is interrupted as with any call. */
  @Override
  public boolean cancel(boolean mayInterrupt) {
    return cancel();
  }

  /**
   * How far it is, as Python tells it: an optimization counts the examples that were judged. See
   * {@link RunningCall#progress}. Empty where no call was made.
   */
  public Source<Progress, NotUsed> progress() {
    return Source.completionStageSource(
            call.handle(
                (made, failure) -> made == null ? Source.<Progress>empty() : made.progress()))
        .mapMaterializedValue(any -> NotUsed.getInstance());
  }

  /**
   * Waits for the answer; for threads that may block, never for actors.
   *
   * @throws ProgramFailure if the command failed
   * @throws PythonFailure if its call did
   */
  @Override
  public T join() {
    try {
      return super.join();
    } catch (CompletionException failed) {
      if (failed.getCause() instanceof RuntimeException typed) {
        throw typed;
      }
      throw failed;
    }
  }
}
