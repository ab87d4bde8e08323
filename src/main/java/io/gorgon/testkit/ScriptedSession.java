package io.gorgon.testkit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gorgon.message.Payload;
import io.gorgon.message.Values;
import io.gorgon.session.StateValue;
import io.gorgon.wire.Frame;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A session as a scripted function sees it, like {@code gorgon.session} in Python: what the
 * function changes is told to the pool with its answer, and lost if it raises or its worker dies.
 *
 * <pre>{@code
 * python.answers("shop:add", request -> {
 *   ScriptedSession session = request.session();
 *   int things = session.getOr("things", 0) + 1;
 *   session.put("things", things);
 *   return things;
 * });
 * }</pre>
 *
 * <p>What it gives are copies: a change is one that {@link #put} says. Thread-safe.
 */
public final class ScriptedSession {

  private final long request;
  private final ScriptedShelf.Opening opening;
  private final ScriptedShelf shelf;
  private final Consumer<Frame> say;
  private final Map<String, byte[]> changed = new LinkedHashMap<>();
  private final Set<String> gone = new LinkedHashSet<>();
  private ScriptedShelf.@Nullable Copy copy;

  /** Checkpoints that have no answer; the first has been said. */
  private final Deque<Frame> checkpoints = new ArrayDeque<>();

  private long numbers;
  private @Nullable String refusal;
  private @Nullable Runnable afterwards;

  ScriptedSession(
      long request, ScriptedShelf.Opening opening, ScriptedShelf shelf, Consumer<Frame> say) {
    this.request = request;
    this.opening = opening;
    this.shelf = shelf;
    this.say = say;
  }

  // ---- what a function does

  /** The session's key. */
  public String id() {
    return opening.key();
  }

  /** The version of the state that the call has started from, or that it made a checkpoint of. */
  public synchronized long version() {
    return copy().version();
  }

  /** The names that there are. */
  public synchronized Set<String> names() {
    Set<String> names = new LinkedHashSet<>(copy().values().keySet());
    names.removeAll(gone);
    names.addAll(changed.keySet());
    return names;
  }

  /** Whether there is a value of that name. */
  public boolean has(String name) {
    return names().contains(name);
  }

  /**
   * A value, read as {@code type}.
   *
   * @return null if there is none of that name, or if it is Python's {@code None}
   * @throws io.gorgon.message.PythonFailure.NotSerializable if it is something else
   */
  public synchronized <T> @Nullable T get(String name, Class<T> type) {
    byte[] bytes = changed.get(name);
    if (bytes == null && !gone.contains(name)) {
      bytes = copy().values().get(name);
    }
    return bytes == null
        ? null
        : Values.decode("'" + name + "' of session " + id(), StateValue.payload(bytes), type);
  }

  /** The same for numbers and texts: read as what {@code otherwise} is, which stands for none. */
  public <T> T getOr(String name, T otherwise) {
    @SuppressWarnings("unchecked")
    T value = get(name, (Class<T>) otherwise.getClass());
    return value == null ? otherwise : value;
  }

  /** Sets a value: whatever can travel. */
  public synchronized void put(String name, @Nullable Object value) {
    byte[] bytes = StateValue.bytes(Values.encode("state['" + name + "']", value));
    gone.remove(name);
    changed.put(name, bytes);
  }

  /** Removes a value; harmless if there is none. */
  public synchronized void remove(String name) {
    changed.remove(name);
    if (copy().values().containsKey(name)) {
      gone.add(name);
    }
  }

  /**
   * Has what was changed so far kept now, whatever becomes of the rest of the call. Other than in
   * Python the function goes on at once; the call is answered when that is kept, and raises {@code
   * gorgon.HostError} if it cannot be.
   */
  public synchronized void checkpoint() {
    Frame patch = patch(numbers + 1);
    if (patch != null) {
      numbers++;
      checkpoints.addLast(patch);
      if (checkpoints.size() == 1) {
        say.accept(patch);
      }
    }
  }

  // ---- what its worker does

  /** Begins the call; false if the worker has not that state, and was not sent it. */
  synchronized boolean open() {
    copy = shelf.open(opening);
    return copy != null;
  }

  private ScriptedShelf.Copy copy() {
    if (copy == null) {
      throw new IllegalStateException("the call of session '" + id() + "' has not started");
    }
    return copy;
  }

  /**
   * What the call has changed, if anything: the worker goes on to that version.
   *
   * @param checkpoint its number; 0 at the end of the call
   */
  synchronized @Nullable Frame patch(long checkpoint) {
    ScriptedShelf.Copy base = copy;
    if (base == null) {
      return null;
    }
    changed.entrySet().removeIf(entry -> base.has(entry.getKey(), entry.getValue()));
    if (changed.isEmpty() && gone.isEmpty()) {
      return null;
    }
    ObjectNode body = Values.mapper().createObjectNode().put("version", base.version());
    changed.keySet().forEach(body.putArray("set")::add);
    gone.forEach(body.putArray("gone")::add);
    if (checkpoint > 0) {
      body.put("host", checkpoint);
    }
    List<ByteBuffer> values = new ArrayList<>();
    changed.values().forEach(value -> values.add(ByteBuffer.wrap(value)));
    base.change(changed, gone);
    changed.clear();
    gone.clear();
    return Frame.of(Frame.Kind.PATCH, request, new Payload(ScriptedAnswer.of(body), false, values));
  }

  /** Whether a checkpoint has no answer yet; then {@code next} runs when all have theirs. */
  synchronized boolean isWaiting(Runnable next) {
    if (checkpoints.isEmpty()) {
      return false;
    }
    afterwards = next;
    return true;
  }

  /** Why a checkpoint was not kept; null if all were. */
  synchronized @Nullable String refusal() {
    return refusal;
  }

  /** The pool answers the oldest checkpoint. */
  void told(JsonNode answer) {
    Runnable next = null;
    synchronized (this) {
      if (checkpoints.pollFirst() == null) {
        return; // what it answers is no checkpoint, but a tool
      }
      if (answer.has("failure")) {
        JsonNode failure = answer.path("failure");
        refusal = failure.path("type").asText() + ": " + failure.path("message").asText();
        checkpoints.clear(); // they would start from what was not kept
      } else if (!checkpoints.isEmpty()) {
        say.accept(checkpoints.getFirst());
      }
      if (checkpoints.isEmpty()) {
        next = afterwards;
        afterwards = null;
      }
    }
    if (next != null) {
      next.run();
    }
  }

  @Override
  public String toString() {
    return "session '" + id() + "'";
  }
}
