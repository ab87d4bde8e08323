package io.gorgon.cluster;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * This compares what another node knows of the calls that it has with this one with what is known
 * here, time after time: what is on its way is there the next time, what was lost is not.
 */
final class RollCall {

  /** So often something has to be missing to count as lost. */
  private static final int TIMES = 3;

  private Map<Long, Integer> missed = new HashMap<>();

  /**
   * Compares.
   *
   * @param told what the other node says
   * @param heard by the numbers of the calls that are known here, how many messages have come
   * @return the calls of which something was lost
   */
  List<Long> lost(Roll told, Map<Long, Long> heard) {
    Map<Long, Long> calls = told.calls();
    Map<Long, Integer> misses = new HashMap<>();
    List<Long> lost = new ArrayList<>();
    heard.forEach(
        (number, count) -> {
          Long said = calls.get(number);
          boolean missing = said == null ? told.whole() : said > count;
          if (missing
              && misses.merge(number, missed.getOrDefault(number, 0) + 1, Integer::max) >= TIMES) {
            lost.add(number);
          }
        });
    missed = misses;
    return lost;
  }
}
