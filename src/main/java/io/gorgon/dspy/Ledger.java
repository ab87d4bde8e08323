package io.gorgon.dspy;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * This counts what global programs did: their executions change no state, so that any number of
 * them may run at once. Thread-safe.
 */
final class Ledger {

  private final Map<String, ProgramStatistics> byName = new ConcurrentHashMap<>();
  private final Deque<Exchange> history = new ArrayDeque<>();
  private final ReentrantLock lock = new ReentrantLock();

  void count(String name, Prediction prediction, int historyKept) {
    Instant now = Instant.now();
    byName.merge(
        name,
        ProgramStatistics.NONE.and(prediction, now),
        (before, first) -> before.and(prediction, now));
    if (historyKept > 0) {
      lock.lock();
      try {
        history.addAll(prediction.history());
        while (history.size() > historyKept) {
          history.removeFirst();
        }
      } finally {
        lock.unlock();
      }
    }
  }

  ProgramStatistics of(String name) {
    return byName.getOrDefault(name, ProgramStatistics.NONE);
  }

  List<Exchange> history() {
    lock.lock();
    try {
      return new ArrayList<>(history);
    } finally {
      lock.unlock();
    }
  }

  void forget(String name) {
    byName.remove(name);
  }

  void forgetAll() {
    byName.clear();
    lock.lock();
    try {
      history.clear();
    } finally {
      lock.unlock();
    }
  }
}
