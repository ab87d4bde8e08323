package io.gorgon.stream;

import io.gorgon.message.Chunk;
import io.gorgon.message.Reply;
import io.gorgon.worker.Dialogue;
import io.gorgon.worker.PendingCall;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.LongSupplier;
import org.apache.pekko.japi.Pair;
import org.apache.pekko.stream.Attributes;
import org.apache.pekko.stream.Outlet;
import org.apache.pekko.stream.SourceShape;
import org.apache.pekko.stream.stage.AbstractGraphStageWithMaterializedValue;
import org.apache.pekko.stream.stage.AbstractOutHandler;
import org.apache.pekko.stream.stage.AsyncCallback;
import org.apache.pekko.stream.stage.GraphStageLogic;
import org.jspecify.annotations.Nullable;

/**
 * This is a Python generator as a source: each materialization is a call of its own. Demand becomes
 * credit; a cancel closes the generator; the call's failure fails the stream, behind the chunks
 * that came before it.
 *
 * @param <M> what the stream materializes to
 */
public final class ChunkSource<M>
    extends AbstractGraphStageWithMaterializedValue<SourceShape<Chunk>, M> {

  /** Prepares and sends the call of one materialization. */
  public interface Caller<M> {

    /** Makes the call, to be sent later; its chunks are told to {@code chunks}. */
    Prepared<M> prepare(Dialogue chunks);

    /** Sends it on its road. */
    void send(PendingCall call);
  }

  /**
   * A call, and what the user has of it.
   *
   * @param answer the call's own, or what the user is told instead: how the stream ends
   * @param held what the stream materializes to
   */
  public record Prepared<M>(PendingCall call, CompletionStage<Reply> answer, M held) {}

  private final Outlet<Chunk> out = Outlet.create("Chunks.out");
  private final Caller<M> caller;
  private final int window;
  private final @Nullable Duration idleLimit;
  private final LongSupplier nanoTime;

  /**
   * For a stream with so many chunks on the way at most.
   *
   * @param idleLimit how long neither side may move between two chunks; null for ever
   */
  public ChunkSource(
      Caller<M> caller, int window, @Nullable Duration idleLimit, LongSupplier nanoTime) {
    this.caller = caller;
    this.window = window;
    this.idleLimit = idleLimit;
    this.nanoTime = nanoTime;
  }

  @Override
  public SourceShape<Chunk> shape() {
    return SourceShape.of(out);
  }

  @Override
  public Pair<GraphStageLogic, M> createLogicAndMaterializedValuePair(Attributes attributes) {
    var queue = new ChunkQueue(window, idleLimit, nanoTime);
    Prepared<M> prepared = caller.prepare(queue);
    return Pair.create(new Logic(queue, prepared.call(), prepared.answer()), prepared.held());
  }

  private final class Logic extends GraphStageLogic {

    private final ChunkQueue queue;
    private final PendingCall call;
    private final CompletionStage<Reply> answer;
    private boolean ended;
    private @Nullable Throwable failure;

    Logic(ChunkQueue queue, PendingCall call, CompletionStage<Reply> answer) {
      super(ChunkSource.this.shape());
      this.queue = queue;
      this.call = call;
      this.answer = answer;
      setHandler(
          out,
          new AbstractOutHandler() {
            @Override
            public void onPull() {
              pushNext();
            }

            @Override
            public void onDownstreamFinish(Throwable cause) {
              call.cancel("its stream was cancelled");
              completeStage();
            }
          });
    }

    @Override
    public void preStart() {
      AsyncCallback<Logic> arrived = createAsyncCallback(any -> pushNext());
      AsyncCallback<Outcome> answered = createAsyncCallback(this::onAnswered);
      queue.whenWanted(() -> arrived.invoke(this));
      answer.whenComplete((reply, cause) -> answered.invoke(new Outcome(reply, cause)));
      caller.send(call);
    }

    private void pushNext() {
      if (!isAvailable(out)) {
        return;
      }
      Chunk chunk = queue.poll();
      if (chunk != null) {
        push(out, chunk);
      }
      endIfEmpty();
    }

    private void onAnswered(Outcome outcome) {
      ended = true;
      failure =
          outcome.failure() instanceof CompletionException wrapped && wrapped.getCause() != null
              ? wrapped.getCause()
              : outcome.failure();
      endIfEmpty();
    }

    private void endIfEmpty() {
      if (!ended || !queue.isEmpty()) {
        return;
      }
      if (failure == null) {
        completeStage();
      } else {
        failStage(failure);
      }
    }

    @Override
    public void postStop() {
      call.cancel("its stream was stopped");
    }
  }

  /** How a stream's call ended; exactly one is set. */
  private record Outcome(@Nullable Reply reply, @Nullable Throwable failure) {}
}
