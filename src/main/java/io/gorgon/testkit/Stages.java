package io.gorgon.testkit;

import io.gorgon.message.PythonFailure;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** What stages come to, for threads that may wait in real time. */
final class Stages {

  /** How long tests wait for what takes milliseconds. */
  static final Duration PATIENCE = Duration.ofSeconds(20);

  private Stages() {}

  /**
   * Waits.
   *
   * @throws AssertionError if nothing comes, or a checked exception
   * @throws RuntimeException what it failed with, as it is
   */
  static <T> T get(CompletionStage<T> stage) {
    return get(stage, PATIENCE);
  }

  static <T> T get(CompletionStage<T> stage, Duration patience) {
    try {
      return stage.toCompletableFuture().get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException failed) {
      Throwable cause = failed.getCause();
      if (cause instanceof PythonFailure typed) {
        throw typed;
      }
      if (cause instanceof RuntimeException unchecked) {
        throw unchecked;
      }
      throw new AssertionError(cause);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while waiting for " + stage, interrupted);
    } catch (TimeoutException late) {
      throw new AssertionError("nothing came of " + stage + " within " + patience, late);
    }
  }
}
