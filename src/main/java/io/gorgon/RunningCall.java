package io.gorgon;

import io.gorgon.message.PythonFailure;
import io.gorgon.message.Reply;
import io.gorgon.worker.PendingCall;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;

/**
 * This is a call that has been made and may not have its answer yet. It completes with a {@link
 * Reply} or a {@link PythonFailure}, once, not later than 250 ms after its deadline.
 *
 * <p>What is hung on it ({@code thenApply} and so on) runs on the pool's callback dispatcher, never
 * on an I/O thread. Thread-safe.
 */
public final class RunningCall extends DispatchedStage<Reply> {

  private final PendingCall call;

  RunningCall(PendingCall call, Executor callbacks) {
    super(call.answer(), callbacks);
    this.call = call;
  }

  /** Names this call in failures, in logs and in Python: {@code POOL-NUMBER}. */
  public String id() {
    return call.id();
  }

  /** Whether it has its answer. */
  public boolean isDone() {
    return call.answer().isDone();
  }

  /**
   * Gives the call up. It is answered with {@link PythonFailure.Cancelled} at once; if it runs,
   * Python is told, interrupted after a grace and killed after another. Harmless when it is done.
   *
   * @return false if it had its answer already
   */
  public boolean cancel() {
    return call.cancel("by its caller");
  }

  /**
   * Waits for the answer; for threads that may block, never for actors.
   *
   * @throws PythonFailure if the call failed
   */
  public Reply join() {
    try {
      return call.answer().join();
    } catch (CompletionException failed) {
      if (failed.getCause() instanceof PythonFailure typed) {
        throw typed;
      }
      throw failed;
    }
  }

  @Override
  public String toString() {
    return "RunningCall[" + call.id() + " " + call.call().target() + "]";
  }
}
