package io.gorgon.scoreboard;

import io.gorgon.Checkout;
import io.gorgon.message.PythonFailure.CheckoutRefused;
import io.gorgon.message.PythonFailure.CheckoutRefused.Reason;
import io.gorgon.pool.CheckoutKind;
import io.gorgon.proving.TestPool;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.HdrHistogram.ConcurrentHistogram;

/**
 * Row 13: 10 000 checkouts at once against a line of 100, then 16 callers who are refused one time
 * after the other while it is full.
 */
final class CheckoutFlood {

  private static final int CHECKOUTS = 10_000;
  private static final int CAPACITY = 100;
  private static final int CALLERS = 16;
  private static final int WORKERS = 2;
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private CheckoutFlood() {}

  static Row measure() {
    try (var tested =
        TestPool.start("queue-capacity = " + CAPACITY, "checkout.lease-ttl = 1h").awaitReady(2)) {
      List<Checkout> held = new ArrayList<>();
      for (int i = 0; i < WORKERS; i++) {
        held.add(TestPool.get(ask(tested)));
      }
      var refusals = new ConcurrentHistogram(3);
      var outcomes = new ConcurrentLinkedQueue<CompletableFuture<Checkout>>();
      fromManyThreads(() -> outcomes.add(ask(tested)));
      long waiting = TestPool.get(tested.pool().stats()).waitingCheckouts();
      long odd =
          outcomes.stream()
              .filter(CompletableFuture::isCompletedExceptionally)
              .filter(one -> reasonOf(one) != Reason.QUEUE_FULL)
              .count();
      // One after the other each: how soon a caller is told while the line is full.
      fromManyThreads(
          () -> {
            long began = System.nanoTime();
            CompletableFuture<Checkout> refused = ask(tested);
            try {
              refused.join();
            } catch (CompletionException expected) {
              refusals.recordValue(System.nanoTime() - began);
            }
          });
      held.forEach(Checkout::close);
      // Each gives its worker back at once, or those behind it would wait for ever.
      var served = new AtomicInteger();
      for (CompletableFuture<Boolean> one :
          outcomes.stream()
              .map(
                  outcome ->
                      outcome.handle(
                          (checkout, refused) -> {
                            if (checkout != null) {
                              served.incrementAndGet();
                              checkout.close();
                            }
                            return true;
                          }))
              .toList()) {
        TestPool.get(one);
      }
      return Row.of(
          13,
          "10 000 checkouts at once, a line of 100: overshoot; refusal",
          "0; p99 ≤ 5 ms",
          Figure.none("", Math.max(0, waiting - CAPACITY) + Math.max(0, served.get() - CAPACITY)),
          Figure.none("odd refusals", odd),
          Figure.within("p99", refusals.getValueAtPercentile(99) / 1e6, 5, "ms"),
          Figure.atLeast("of", refusals.getTotalCount(), CHECKOUTS, "refusals"));
    }
  }

  private static CompletableFuture<Checkout> ask(TestPool tested) {
    return tested
        .pool()
        .checkout(CheckoutKind.anonymous(), Optional.empty(), Duration.ofHours(1))
        .toCompletableFuture();
  }

  private static Reason reasonOf(CompletableFuture<Checkout> refused) {
    try {
      refused.join();
      return Reason.STOPPED;
    } catch (CompletionException failed) {
      return failed.getCause() instanceof CheckoutRefused typed ? typed.reason() : Reason.STOPPED;
    }
  }

  private static void fromManyThreads(Runnable what) {
    var threads = Executors.newFixedThreadPool(CALLERS);
    try {
      List<CompletableFuture<Void>> all = new ArrayList<>();
      for (int i = 0; i < CALLERS; i++) {
        all.add(
            CompletableFuture.runAsync(
                () -> {
                  for (int n = 0; n < CHECKOUTS / CALLERS; n++) {
                    what.run();
                  }
                },
                threads));
      }
      // Longer than a test's patience: on a loaded machine this is much work.
      CompletableFuture.allOf(all.toArray(CompletableFuture[]::new))
          .orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS)
          .join();
    } finally {
      threads.shutdown();
    }
  }
}
