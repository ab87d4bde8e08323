package io.gorgon;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CallbacksTest {

  private final ExecutorService threads = Executors.newFixedThreadPool(4);

  @AfterEach
  void stop() {
    threads.shutdownNow();
  }

  @Test
  void aBurstWakesOneThreadAndRunsInOrder() {
    Deque<Runnable> dispatched = new ArrayDeque<>();
    var callbacks = new Callbacks(dispatched::add);
    List<Integer> ran = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      int number = i;
      callbacks.execute(() -> ran.add(number));
    }

    assertThat(dispatched.size()).as("one, and those for a slow machine").isBetween(1, 10);
    dispatched.removeFirst().run();
    assertThat(ran).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
  }

  @Test
  void eachRunsOnceHoweverManyBringThem() throws InterruptedException {
    var callbacks = new Callbacks(threads);
    var ran = new AtomicInteger();
    int all = 200_000;
    var done = new CountDownLatch(all);
    List<Thread> callers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      callers.add(
          new Thread(
              () -> {
                for (int n = 0; n < all / 4; n++) {
                  callbacks.execute(
                      () -> {
                        ran.incrementAndGet();
                        done.countDown();
                      });
                }
              }));
    }
    callers.forEach(Thread::start);

    assertThat(done.await(20, TimeUnit.SECONDS)).isTrue();
    assertThat(ran).hasValue(all);
  }

  @Test
  void oneThatBlocksHoldsUpNobodyForLong() throws InterruptedException {
    var callbacks = new Callbacks(threads);
    var never = new CountDownLatch(1);
    var began = new CountDownLatch(1);
    var ran = new CountDownLatch(2);
    callbacks.execute(
        () -> {
          began.countDown();
          awaitQuietly(never);
        });
    // Perhaps at once, while the first one still looks quick.
    callbacks.execute(ran::countDown);
    assertThat(began.await(5, TimeUnit.SECONDS)).isTrue();
    callbacks.execute(ran::countDown);

    assertThat(ran.await(5, TimeUnit.SECONDS)).isTrue();
    never.countDown();
  }

  @Test
  void oneThatThrowsTakesNoOtherWithIt() throws InterruptedException {
    var callbacks = new Callbacks(threads);
    var ran = new CountDownLatch(100);
    for (int i = 0; i < 100; i++) {
      int number = i;
      callbacks.execute(
          () -> {
            ran.countDown();
            if (number % 10 == 0) {
              throw new IllegalStateException("scripted");
            }
          });
    }

    assertThat(ran.await(20, TimeUnit.SECONDS)).isTrue();
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }
}
