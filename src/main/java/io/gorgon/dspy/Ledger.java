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

  /** What one program did, from its creation to its end; a later one of its name has another. */
  static final class Account {
    private ProgramStatistics sum = ProgramStatistics.NONE;

    synchronized void add(Prediction prediction) {
      sum = sum.and(prediction, Instant.now());
    }

    synchronized ProgramStatistics sum() {
      return sum;
    }
  }

  private final Map<String, Account> byName = new ConcurrentHashMap<>();
  private final Deque<Exchange> history = new ArrayDeque<>();
  private final ReentrantLock lock = new ReentrantLock();

  /** The account of a program that is there now; what comes late is counted for no other. */
  Account account(String name) {
    return byName.computeIfAbsent(name, any -> new Account());
  }

  void count(Account account, Prediction prediction, int historyKept) {
    account.add(prediction);
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
    Account account = byName.get(name);
    return account == null ? ProgramStatistics.NONE : account.sum();
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
