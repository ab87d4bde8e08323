package io.gorgon.pool;

import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * This remembers which process served which session last. Bounded: the least recently used binding
 * goes first, and each goes after it has not been used for a time. A part of {@link PoolState}.
 */
final class Bindings {

  /** Sessions remembered at once. */
  static final int CAPACITY = 100_000;

  /** A session's process. */
  record Binding(int slot, long generation, long usedAt) {}

  private final long idle;
  private final Map<String, Binding> bindings = new LinkedHashMap<>(16, 0.75f, true);

  Bindings(Duration idle) {
    this.idle = idle.toNanos();
  }

  @Nullable Binding get(String key) {
    return bindings.get(key);
  }

  void bind(String key, int slot, long generation, long now) {
    bindings.put(key, new Binding(slot, generation, now));
    if (bindings.size() > CAPACITY) {
      Iterator<?> oldest = bindings.entrySet().iterator();
      oldest.next();
      oldest.remove();
    }
  }

  void forget(String key) {
    bindings.remove(key);
  }

  /** Forgets what has not been used for long; looks at the oldest ones only. */
  void sweep(long now) {
    Iterator<Binding> oldest = bindings.values().iterator();
    while (oldest.hasNext() && now - oldest.next().usedAt() > idle) {
      oldest.remove();
    }
  }

  int size() {
    return bindings.size();
  }

  Bindings copy() {
    var copy = new Bindings(Duration.ofNanos(idle));
    copy.bindings.putAll(bindings);
    return copy;
  }
}
