package io.gorgon.cluster;

import io.gorgon.message.Payload;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * This has numbered values taken in their order, each when it has come as a whole: a big one holds
 * up those behind it. Thread-safe; takers run one after another.
 */
final class InOrder {

  private record Entry(
      CompletableFuture<Payload> value, BiConsumer<@Nullable Payload, @Nullable Throwable> taker) {}

  private final Deque<Entry> entries = new ArrayDeque<>(2);
  private long expected;
  private boolean taking;

  /**
   * Takes the value behind those before it.
   *
   * @param number from 0, without gaps
   * @return false if one before it is missing, and will not come any more
   */
  boolean add(
      long number,
      CompletionStage<Payload> value,
      BiConsumer<@Nullable Payload, @Nullable Throwable> taker) {
    var entry = new Entry(value.toCompletableFuture(), taker);
    synchronized (this) {
      if (number != expected) {
        return false;
      }
      expected++;
      entries.addLast(entry);
    }
    if (entry.value().isDone()) {
      takeThoseThere();
    } else {
      entry.value().whenComplete((payload, failure) -> takeThoseThere());
    }
    return true;
  }

  /** Takes the value behind those that were added before. */
  void addNext(
      CompletionStage<Payload> value, BiConsumer<@Nullable Payload, @Nullable Throwable> taker) {
    while (!add(nextNumber(), value, taker)) {
      Thread.onSpinWait(); // another one was added in between
    }
  }

  /** Whether one is still on its way as a whole, or is being taken. */
  synchronized boolean isBusy() {
    return taking || !entries.isEmpty();
  }

  /** How many have come. */
  synchronized long nextNumber() {
    return expected;
  }

  private void takeThoseThere() {
    for (Entry next = next(); next != null; next = next()) {
      Entry entry = next;
      try {
        entry.value().whenComplete(entry.taker());
      } finally {
        synchronized (this) {
          taking = false;
        }
      }
    }
  }

  private synchronized @Nullable Entry next() {
    Entry first = entries.peekFirst();
    if (taking || first == null || !first.value().isDone()) {
      return null;
    }
    taking = true;
    return entries.pollFirst();
  }
}
