package io.gorgon.session;

import io.gorgon.message.Payload;
import io.gorgon.message.Values;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * This is the state of a session as it is kept: values as Python encoded them, by their names.
 * Immutable as long as nobody writes to the arrays; thread-safe.
 *
 * @param key names the session
 * @param birth a number that tells it from a former session of that key
 * @param version how often it was changed; 0 for one that was never kept
 * @param values each as {@link StateValue} reads it
 * @param touched when it was kept, or confirmed, last
 */
public record SessionState(
    String key, long birth, long version, Map<String, byte[]> values, Instant touched) {

  /** The values are copied, not their bytes. */
  public SessionState {
    values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
  }

  /** A session that nothing is known of. */
  static SessionState fresh(String key, long birth, Instant now) {
    return new SessionState(key, birth, 0, Map.of(), now);
  }

  SessionState with(StatePatch patch, Instant now) {
    var changed = new LinkedHashMap<>(values);
    patch.gone().forEach(changed::remove);
    changed.putAll(patch.set());
    return new SessionState(key, birth, version + 1, changed, now);
  }

  SessionState touchedAt(Instant now) {
    return new SessionState(key, birth, version + 1, values, now);
  }

  /** Bytes of all names and values. */
  public long size() {
    long size = 0;
    for (Map.Entry<String, byte[]> entry : values.entrySet()) {
      size += entry.getKey().length() + entry.getValue().length;
    }
    return size;
  }

  /**
   * The values as plain Java objects; see {@link io.gorgon.message.Reply#value}.
   *
   * @throws io.gorgon.message.PythonFailure.NotSerializable if one of them cannot be read
   */
  public Map<String, @Nullable Object> decoded() {
    Map<String, @Nullable Object> all = new LinkedHashMap<>();
    values.forEach(
        (name, bytes) -> {
          Payload payload = StateValue.payload(bytes);
          all.put(name, Values.decode("'" + name + "' of session " + key, payload, Object.class));
        });
    return all;
  }

  /** Prints sizes, never contents. */
  @Override
  public String toString() {
    return "SessionState[" + key + ", version " + version + ", bytes=" + size() + "]";
  }
}
