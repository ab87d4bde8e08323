package io.gorgon.pool;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * This remembers which process served which session last. Bounded: the least recently used binding
 * goes first, and each goes after it has not been used for a time. A part of {@link PoolState}.
 */
final class Bindings {

  /** Sessions remembered at once. */
  static final int CAPACITY = 100_000;

  /** A session's process. */
  record Binding(int slot, long generation, long usedAt) {

    boolean isOf(Lease lease) {
      return slot == lease.slot() && generation == lease.generation();
    }
  }

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

  /** Takes back a {@link #bind}: the session has again what it had {@code before}, or nothing. */
  void restore(String key, @Nullable Binding before) {
    if (before == null) {
      bindings.remove(key);
    } else {
      bindings.put(key, before);
    }
  }

  void forget(String key) {
    bindings.remove(key);
  }

  /**
   * Forgets what has not been used for long; looks at the oldest ones only.
   *
   * @param inUse whether somebody has, or waits for, the process of the session of that key
   */
  void sweep(long now, Predicate<String> inUse) {
    List<String> kept = new ArrayList<>(0);
    for (var oldest = bindings.entrySet().iterator(); oldest.hasNext(); ) {
      Map.Entry<String, Binding> entry = oldest.next();
      if (now - entry.getValue().usedAt() <= idle) {
        break;
      }
      if (inUse.test(entry.getKey())) {
        kept.add(entry.getKey());
      } else {
        oldest.remove();
      }
    }
    for (String key : kept) {
      bindings.computeIfPresent(
          key, (same, bound) -> new Binding(bound.slot(), bound.generation(), now));
    }
  }

  int size() {
    return bindings.size();
  }

  /** Adds what decides about the near future. */
  void describe(StringBuilder text) {
    bindings.forEach(
        (key, bound) ->
            text.append(key).append(bound.slot()).append('.').append(bound.generation()));
  }

  Bindings copy() {
    var copy = new Bindings(Duration.ofNanos(idle));
    copy.bindings.putAll(bindings);
    return copy;
  }
}
