package io.gorgon.scoreboard;

import io.gorgon.message.PythonFailure;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;

/** What checkouts came to, which leave no line in Python's journal. Thread-safe. */
final class Outcomes {

  private static final Duration GRACE = Duration.ofMillis(250);

  final AtomicLong bad = new AtomicLong();
  final AtomicLong bareTimeouts = new AtomicLong();
  final AtomicLong givenUp = new AtomicLong();

  void refused(Throwable failure, long nanos, Duration limit) {
    if (failure instanceof TimeoutException) {
      bareTimeouts.incrementAndGet();
    } else if (!(failure instanceof PythonFailure) || nanos > limit.plus(GRACE).toNanos()) {
      bad.incrementAndGet();
      System.out.println("[storm] checkout of " + limit + " after " + nanos + " ns: " + failure);
    }
  }

  void unanswered() {
    bad.incrementAndGet();
  }

  void gaveUp() {
    givenUp.incrementAndGet();
  }
}
