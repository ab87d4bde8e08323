package io.gorgon.testkit;

import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.Values;
import io.gorgon.wire.Frame;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a scripted worker has in memory of the sessions that it served, as {@code gorgon/_shelf.py}
 * has it in a real one: a state is sent to it once, and only versions after that. Thread-safe.
 */
final class ScriptedShelf {

  /**
   * Which session a request belongs to.
   *
   * @param values null if the worker should have them
   */
  record Opening(String key, long birth, long version, @Nullable Map<String, byte[]> values) {

    static Opening read(Frame frame) {
      JsonNode body = tree(frame);
      Map<String, byte[]> values = null;
      if (body.has("names")) {
        values = new LinkedHashMap<>();
        List<ByteBuffer> attachments = frame.payload().attachments();
        for (int i = 0; i < attachments.size(); i++) {
          ByteBuffer in = attachments.get(i).duplicate();
          var bytes = new byte[in.remaining()];
          in.get(bytes);
          values.put(body.path("names").path(i).asText(), bytes);
        }
      }
      return new Opening(
          body.path("session").asText(),
          body.path("birth").asLong(),
          body.path("version").asLong(),
          values);
    }
  }

  /** A state, at the version that it will have if the pool keeps what it was told. */
  static final class Copy {
    private final long birth;
    private long version;
    private Map<String, byte[]> values;

    private Copy(long birth, long version, Map<String, byte[]> values) {
      this.birth = birth;
      this.version = version;
      this.values = values;
    }

    synchronized long version() {
      return version;
    }

    synchronized Map<String, byte[]> values() {
      return values;
    }

    synchronized boolean has(String name, byte[] value) {
      return Arrays.equals(values.get(name), value);
    }

    synchronized void change(Map<String, byte[]> set, Set<String> gone) {
      var next = new LinkedHashMap<>(values);
      next.keySet().removeAll(gone);
      next.putAll(set);
      values = next;
      version++;
    }
  }

  private final Map<Long, ScriptedSession> sessions = new HashMap<>();
  private final Map<String, Copy> copies = new HashMap<>();
  private final Consumer<Frame> say;

  /** Whose patches go out by {@code say}. */
  ScriptedShelf(Consumer<Frame> say) {
    this.say = say;
  }

  /** Looks at what comes: a session at once, ahead of its request; an answer on the wire's turn. */
  void take(Frame frame, Executor wire) {
    if (frame.kind() == Frame.Kind.SESSION) {
      receive(frame);
    } else if (frame.kind() == Frame.Kind.HOST_REPLY) {
      wire.execute(() -> told(frame));
    }
  }

  /** A request belongs to a session. */
  synchronized void receive(Frame frame) {
    sessions.put(frame.id(), new ScriptedSession(frame.id(), Opening.read(frame), this, say));
  }

  /** The session of a request; null if it belongs to none. */
  synchronized @Nullable ScriptedSession of(long request) {
    return sessions.get(request);
  }

  /** The pool answers what a call has asked; only checkpoints are looked for. */
  private void told(Frame frame) {
    ScriptedSession session = of(frame.id());
    if (session != null) {
      session.told(tree(frame));
    }
  }

  synchronized @Nullable Copy open(Opening opening) {
    if (opening.values() != null) {
      copies.put(opening.key(), new Copy(opening.birth(), opening.version(), opening.values()));
    }
    Copy copy = copies.get(opening.key());
    return copy != null && copy.birth == opening.birth() && copy.version() == opening.version()
        ? copy
        : null;
  }

  private static JsonNode tree(Frame frame) {
    try {
      return Values.mapper().readTree(frame.body());
    } catch (IOException unreadable) {
      throw new AssertionError("a frame that cannot be read: " + frame, unreadable);
    }
  }
}
