package io.gorgon;

import io.gorgon.message.Exceptions;
import io.gorgon.message.Progress;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Reply;
import io.gorgon.stream.CallFlow;
import io.gorgon.worker.PendingCall;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.OverflowStrategy;
import org.apache.pekko.stream.javadsl.Source;

/**
 * This is a call that has been made and may not have its answer yet. It completes with a {@link
 * Reply} or a {@link PythonFailure}, once, not later than 250 ms after its deadline. What Python
 * raised is a {@link PythonFailure.PythonRaised}, or what {@link PythonPool#translate} makes of it.
 *
 * <p>What is hung on it ({@code thenApply} and so on) runs on the pool's callback dispatcher, never
 * on an I/O thread. Thread-safe.
 */
public final class RunningCall extends DispatchedStage<Reply>
    implements CallFlow.Cancellable<Reply> {

  private static final int PROGRESS_KEPT = 16;

  private final PendingCall call;
  private final CallDialogue dialogue;
  private final Exceptions exceptions;
  private final CompletableFuture<Reply> answer;

  RunningCall(PendingCall call, CallDialogue dialogue, Exceptions exceptions, Executor callbacks) {
    this(
        call,
        dialogue,
        exceptions,
        TranslatedAnswer.of(call.answer(), exceptions, callbacks),
        callbacks);
  }

  private RunningCall(
      PendingCall call,
      CallDialogue dialogue,
      Exceptions exceptions,
      CompletableFuture<Reply> answer,
      Executor callbacks) {
    super(answer, callbacks);
    this.call = call;
    this.dialogue = dialogue;
    this.exceptions = exceptions;
    this.answer = answer;
  }

  /** Names this call in failures, in logs and in Python: {@code POOL-NUMBER}. */
  public String id() {
    return call.id();
  }

  /** Its answer as its stages are told it. */
  CompletableFuture<Reply> answer() {
    return answer;
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
  @Override
  public boolean cancel() {
    return call.cancel("by its caller");
  }

  /**
   * Waits for the answer; for threads that may block, never for actors. What Python raised has the
   * stack of this thread behind Python's frames.
   *
   * @throws PythonFailure if the call failed
   * @throws RuntimeException what {@link PythonPool#translate} made of what was raised, made anew
   *     for each that waits
   */
  public Reply join() {
    try {
      return call.answer().join();
    } catch (CompletionException failed) {
      if (failed.getCause() instanceof PythonFailure.PythonRaised raised) {
        throw exceptions.translate(raised.calledFrom(new Throwable().getStackTrace()));
      }
      if (failed.getCause() instanceof PythonFailure typed) {
        throw typed;
      }
      throw failed;
    }
  }

  /**
   * What the function tells by {@code gorgon.progress}: the last value that there is already, then
   * each from now on, at most some twenty in a second; it completes with the call, however that
   * ends. One who falls {@value #PROGRESS_KEPT} behind misses the oldest.
   */
  public Source<Progress, NotUsed> progress() {
    return Source.<Progress>queue(PROGRESS_KEPT, OverflowStrategy.dropHead())
        .mapMaterializedValue(
            queue -> {
              Runnable end = dialogue.progress().subscribe(queue::offer);
              call.answer()
                  .whenComplete(
                      (reply, failure) -> {
                        end.run();
                        queue.complete();
                      });
              return NotUsed.getInstance();
            });
  }

  @Override
  public String toString() {
    return "RunningCall[" + call.id() + " " + call.call().target() + "]";
  }
}
