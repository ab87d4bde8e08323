package io.gorgon;

import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.Progress;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Values;
import io.gorgon.wire.Frame;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** This hands on what one call tells of its progress. Thread-safe. */
final class ProgressFeed {

  private final List<Consumer<Progress>> listeners = new CopyOnWriteArrayList<>();
  private final AtomicReference<@Nullable Progress> last = new AtomicReference<>();

  /** Tells {@code listener} the last one, if there was one, and each from now on. */
  Runnable subscribe(Consumer<Progress> listener) {
    Progress known = last.get();
    if (known != null) {
      listener.accept(known);
    }
    listeners.add(listener);
    return () -> listeners.remove(listener);
  }

  void onProgress(Frame frame) {
    JsonNode body;
    try {
      body = Values.mapper().readTree(frame.body());
    } catch (IOException unreadable) {
      throw new PythonFailure.ProtocolViolation("progress that cannot be read: " + unreadable);
    }
    var progress =
        new Progress(
            body.path("done").asDouble(),
            body.path("total").isNumber()
                ? OptionalDouble.of(body.path("total").asDouble())
                : OptionalDouble.empty(),
            Optional.ofNullable(body.path("note").asText(null)));
    last.set(progress);
    listeners.forEach(listener -> listener.accept(progress));
  }
}
