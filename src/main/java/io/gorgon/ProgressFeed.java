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
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** This hands on what one call tells of its progress. Listeners must not block. Thread-safe. */
final class ProgressFeed {

  /** Held while listeners are told: one who comes misses nothing, and hears all in its order. */
  private final ReentrantLock lock = new ReentrantLock();

  private final List<Consumer<Progress>> listeners = new CopyOnWriteArrayList<>();
  private @Nullable Progress last;

  /** Tells {@code listener} the last one, if there was one, and each from now on. */
  Runnable subscribe(Consumer<Progress> listener) {
    lock.lock();
    try {
      Progress known = last;
      if (known != null) {
        listener.accept(known);
      }
      listeners.add(listener);
    } finally {
      lock.unlock();
    }
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
    lock.lock();
    try {
      last = progress;
      listeners.forEach(listener -> listener.accept(progress));
    } finally {
      lock.unlock();
    }
  }
}
