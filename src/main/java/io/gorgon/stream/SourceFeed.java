package io.gorgon.stream;

import io.gorgon.message.Payload;
import io.gorgon.message.Values;
import io.gorgon.wire.Frame;
import io.gorgon.wire.FrameCodec;
import io.gorgon.worker.PendingCall;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.pekko.stream.Materializer;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.SinkQueueWithCancel;

/**
 * This sends the elements of one Java source to Python, as many as that can take. One element is
 * asked for at a time, so that nothing is taken from the source that Python does not want.
 * Thread-safe.
 */
final class SourceFeed {

  private final int number;
  private final PendingCall call;
  private final SinkQueueWithCancel<?> elements;
  private final Executor executor;
  private final long frameLimit;
  private final AtomicInteger wanted = new AtomicInteger();

  private SourceFeed(
      int number,
      PendingCall call,
      SinkQueueWithCancel<?> elements,
      Executor executor,
      long frameLimit) {
    this.number = number;
    this.call = call;
    this.elements = elements;
    this.executor = executor;
    this.frameLimit = frameLimit;
  }

  /** Runs the source until it ends, or the call does. */
  static SourceFeed run(
      int number, JavaSource source, PendingCall call, Materializer materializer, long frameLimit) {
    SinkQueueWithCancel<?> elements = source.source().runWith(Sink.queue(), materializer);
    call.answer().whenComplete((reply, failure) -> elements.cancel());
    return new SourceFeed(number, call, elements, materializer.executionContext(), frameLimit);
  }

  /** Python can take {@code count} more. */
  void pull(int count) {
    if (wanted.getAndAdd(count) == 0) {
      next();
    }
  }

  /** With an executor named, since the queue's stages take the JVM's common pool for theirs. */
  private void next() {
    elements
        .pull()
        .whenCompleteAsync(
            (element, failure) -> {
              if (failure == null) {
                send(element);
              } else {
                end(failure);
              }
            },
            executor);
  }

  private void send(Optional<?> element) {
    if (element.isEmpty()) {
      tell(Values.encode("the end of a source", Map.of("source", number, "end", true)));
    } else {
      try {
        String what = "an element of a source";
        Map<String, Object> item =
            Map.of("source", number, "values", List.of(element.orElseThrow()));
        tell(FrameCodec.fitting(what, Values.encode(what, item), frameLimit));
        if (wanted.decrementAndGet() > 0) {
          next();
        }
      } catch (RuntimeException unsendable) {
        elements.cancel();
        end(unsendable);
      }
    }
  }

  private void end(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException wrapped && wrapped.getCause() != null
            ? wrapped.getCause()
            : failure;
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("type", cause.getClass().getName());
    told.put("message", String.valueOf(cause.getMessage()));
    tell(Values.encode("a failure", Map.of("source", number, "failure", told)));
  }

  private void tell(Payload payload) {
    call.send(request -> Frame.of(Frame.Kind.ITEM, request, payload));
  }
}
