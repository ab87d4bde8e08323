package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.Checkout;
import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure.CheckoutRefused;
import io.gorgon.message.PythonFailure.CheckoutRefused.Reason;
import io.gorgon.message.PythonFailure.NoCapacity;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.testkit.Script;
import io.gorgon.testkit.ScriptedPool;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.ConcurrentHistogram;
import org.junit.jupiter.api.Test;

/** Too many callers, and processes that die at every start, on scripted workers. */
@NeedsLayer(Layer.MOCK_ADAPTER)
class PoolLoadTest {

  private static final int CHECKOUTS = 10_000;
  private static final int CAPACITY = 100;
  private static final int CLIENTS = 16;

  @Test
  void row16_ofTenThousandCheckoutsAtOnceExactlyAsManyWaitAsMay() throws Exception {
    try (var tested = ScriptedPool.start("queue-capacity = " + CAPACITY)) {
      List<Checkout> held = List.of(checkout(tested), checkout(tested));
      var refusals = new ConcurrentHistogram(3);
      var outcomes = new ConcurrentLinkedQueue<CompletableFuture<Checkout>>();

      fromManyThreads(
          CHECKOUTS / CLIENTS,
          () -> {
            long began = System.nanoTime();
            var outcome = ask(tested);
            outcome.whenComplete(
                (granted, refused) -> refusals.recordValue(System.nanoTime() - began));
            outcomes.add(outcome);
          });
      tested.time().settle();

      List<CompletableFuture<Checkout>> waiting =
          outcomes.stream().filter(outcome -> !outcome.isDone()).toList();
      assertThat(outcomes).hasSize(CHECKOUTS);
      assertThat(waiting).hasSize(CAPACITY);
      assertThat(outcomes.stream().filter(CompletableFuture::isDone))
          .allSatisfy(refused -> assertThat(reasonOf(refused)).isEqualTo(Reason.QUEUE_FULL));
      assertThat(tested.stats().waitingCheckouts()).isEqualTo(CAPACITY);
      print("all at once", refusals);

      held.forEach(Checkout::close);
      for (var left = new ArrayList<>(waiting); !left.isEmpty(); ) {
        tested.time().settle();
        List<CompletableFuture<Checkout>> served =
            left.stream().filter(CompletableFuture::isDone).toList();
        assertThat(served).isNotEmpty();
        left.removeAll(served);
        served.forEach(each -> each.join().close());
      }
    }
  }

  @Test
  void row16b_whileTheLineIsFullRefusalsComeAtOnce() throws Exception {
    try (var tested = ScriptedPool.start("queue-capacity = " + CAPACITY)) {
      List<CompletableFuture<Checkout>> taken = new ArrayList<>();
      for (int i = 0; i < CAPACITY + 2; i++) {
        taken.add(ask(tested));
      }
      tested.time().settle();
      var refusals = new ConcurrentHistogram(3);
      fromManyThreads(
          CHECKOUTS / CLIENTS,
          () -> {
            long began = System.nanoTime();
            assertThat(reasonOf(ask(tested))).isEqualTo(Reason.QUEUE_FULL);
            refusals.recordValue(System.nanoTime() - began);
          });

      assertThat(refusals.getTotalCount()).isEqualTo(CHECKOUTS);
      assertThat(tested.stats().waitingCheckouts()).isEqualTo(CAPACITY);
      print(CLIENTS + " callers, one after another each", refusals);
    }
  }

  @Test
  void row12_aBootCrashLoopIsBoundedFailsFastAndHeals() {
    try (var tested =
        ScriptedPool.start(Script.dyingAtStart(5), "min-workers = 4, max-workers = 4")) {
      long began = tested.time().clock().getAsLong();
      List<Integer> perTick = new ArrayList<>();
      for (int seen = 0, tick = 0; tick < 6_000; tick++) {
        tested.passes(10);
        perTick.add(tested.connector().attempts() - seen);
        seen = tested.connector().attempts();
        if (tick == 3_000) {
          assertThat(tested.failureNow(tested.pool().call(Call.of("m:f"))))
              .isInstanceOf(NoCapacity.class);
          assertThat(RawCheckout.sent(tested).refusal()).isEqualTo(Reason.NO_CAPACITY);
        }
      }
      int mostInOneSecond = 0;
      for (int from = 0; from + 100 <= perTick.size(); from++) {
        mostInOneSecond =
            Math.max(
                mostInOneSecond,
                perTick.subList(from, from + 100).stream().mapToInt(Integer::intValue).sum());
      }
      System.out.println(
          "[figures] boot crash loop, 4 slots, 60 s of virtual time: "
              + tested.connector().attempts()
              + " starts, most in any second "
              + mostInOneSecond);
      assertThat(tested.connector().attempts()).isLessThanOrEqualTo(60);
      assertThat(mostInOneSecond).isLessThanOrEqualTo(5);

      tested.connector().plays(Script.obliging());
      long mended = tested.time().clock().getAsLong();
      while (tested.eventsOf(PoolEvent.CircuitClosed.class).isEmpty()) {
        tested.passes(100);
        assertThat(tested.time().clock().getAsLong() - mended)
            .isLessThan(Duration.ofSeconds(11).toNanos());
      }
      assertThat(checkout(tested).isEnded()).isFalse();
      assertThat(mended - began).isEqualTo(Duration.ofSeconds(60).toNanos());
    }
  }

  private static Checkout checkout(ScriptedPool tested) {
    return tested.now(ask(tested));
  }

  private static CompletableFuture<Checkout> ask(ScriptedPool tested) {
    return tested
        .pool()
        .checkout(CheckoutKind.anonymous(), Optional.empty(), Duration.ofHours(1))
        .toCompletableFuture();
  }

  private static Reason reasonOf(CompletableFuture<Checkout> refused) {
    try {
      throw new AssertionError("granted: " + refused.join());
    } catch (CompletionException failed) {
      return ((CheckoutRefused) failed.getCause()).reason();
    }
  }

  private static void fromManyThreads(int timesEach, Runnable what) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(CLIENTS);
    try {
      var start = new CountDownLatch(1);
      CompletableFuture<?>[] all = new CompletableFuture<?>[CLIENTS];
      Arrays.setAll(
          all,
          i ->
              CompletableFuture.runAsync(
                  () -> {
                    try {
                      start.await();
                    } catch (InterruptedException stopped) {
                      throw new IllegalStateException(stopped);
                    }
                    for (int n = 0; n < timesEach; n++) {
                      what.run();
                    }
                  },
                  threads));
      start.countDown();
      CompletableFuture.allOf(all).get(60, TimeUnit.SECONDS);
    } finally {
      threads.shutdown();
    }
  }

  private static void print(String how, ConcurrentHistogram nanos) {
    System.out.printf(
        "[figures] %d refused checkouts, %s: p50 %.2f ms, p99 %.2f ms, most %.2f ms%n",
        nanos.getTotalCount(),
        how,
        nanos.getValueAtPercentile(50) / 1e6,
        nanos.getValueAtPercentile(99) / 1e6,
        nanos.getMaxValue() / 1e6);
  }
}
