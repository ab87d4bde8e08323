package io.gorgon.stream;

import io.gorgon.message.PythonFailure;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.apache.pekko.NotUsed;
import org.apache.pekko.japi.Pair;
import org.apache.pekko.stream.javadsl.Flow;
import org.apache.pekko.stream.javadsl.FlowWithContext;

/**
 * These are flows that make one call of each element. The calls that run when a stream is cancelled
 * or fails are cancelled with it.
 */
public final class CallFlow {

  /** A stage that can be given up. */
  public interface Cancellable<R> extends CompletionStage<R> {

    /** Gives it up; see {@link PythonFailure.Cancelled}. */
    boolean cancel();
  }

  private CallFlow() {}

  /** The results in the order of the elements. */
  public static <T, R> Flow<T, R, NotUsed> ordered(
      int parallelism, Function<? super T, ? extends Cancellable<R>> call) {
    return tracked(
        running -> Flow.<T>create().mapAsync(parallelism, element -> running.start(element, call)));
  }

  /** The results as they come. */
  public static <T, R> Flow<T, R, NotUsed> unordered(
      int parallelism, Function<? super T, ? extends Cancellable<R>> call) {
    return tracked(
        running ->
            Flow.<T>create()
                .mapAsyncUnordered(parallelism, element -> running.start(element, call)));
  }

  /** The results in order, each with what its element carried along. */
  public static <T, C, R> FlowWithContext<T, C, R, C, NotUsed> withContext(
      int parallelism, Function<? super T, ? extends Cancellable<R>> call) {
    return FlowWithContext.fromPairs(
        CallFlow.<Pair<T, C>, Pair<R, C>>tracked(
            running ->
                Flow.<Pair<T, C>>create()
                    .mapAsync(
                        parallelism,
                        pair ->
                            running
                                .start(pair.first(), call)
                                .thenApply(result -> Pair.create(result, pair.second())))));
  }

  private static <A, B> Flow<A, B, NotUsed> tracked(Function<Running, Flow<A, B, NotUsed>> flow) {
    return Flow.fromMaterializer(
            (materializer, attributes) -> {
              var running = new Running();
              return flow.apply(running)
                  .watchTermination(
                      (none, done) -> {
                        done.whenComplete((end, failure) -> running.cancelAll());
                        return none;
                      });
            })
        .mapMaterializedValue(any -> NotUsed.getInstance());
  }

  /** The calls of one materialization that have no answer yet. */
  private static final class Running {
    private final Set<Cancellable<?>> calls = ConcurrentHashMap.newKeySet();

    <T, R> CompletionStage<R> start(T element, Function<? super T, ? extends Cancellable<R>> call) {
      Cancellable<R> started = call.apply(element);
      calls.add(started);
      started.whenComplete((result, failure) -> calls.remove(started));
      return started;
    }

    void cancelAll() {
      calls.forEach(Cancellable::cancel);
    }
  }
}
