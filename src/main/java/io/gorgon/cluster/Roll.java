package io.gorgon.cluster;

import io.gorgon.message.ClusterMessage;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * These are the calls that one node has with another, as it knows them, and how much it has said in
 * each: so that the other notices what was lost, and would be waited for on both sides.
 *
 * @param numbers of the calls
 * @param said how many messages were sent in each
 * @param whole whether all are named
 */
record Roll(List<Long> numbers, List<Long> said, boolean whole) implements ClusterMessage {

  /** Keeps the message small. */
  private static final int MOST = 4_000;

  Roll {
    numbers = Objects.requireNonNullElse(numbers, List.of());
    said = Objects.requireNonNullElse(said, List.of());
  }

  static Roll of(Map<Long, Long> calls) {
    List<Long> numbers = new ArrayList<>();
    List<Long> said = new ArrayList<>();
    calls.entrySet().stream()
        .limit(MOST)
        .forEach(
            call -> {
              numbers.add(call.getKey());
              said.add(call.getValue());
            });
    return new Roll(numbers, said, calls.size() <= MOST);
  }

  Map<Long, Long> calls() {
    Map<Long, Long> calls = new HashMap<>();
    for (int i = 0; i < Math.min(numbers.size(), said.size()); i++) {
      calls.put(numbers.get(i), said.get(i));
    }
    return calls;
  }
}
