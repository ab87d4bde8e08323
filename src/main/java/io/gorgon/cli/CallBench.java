package io.gorgon.cli;

import io.gorgon.PythonPool;
import io.gorgon.cli.BenchCommand.Figure;
import io.gorgon.message.Call;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Measures small calls, one at a time and from many callers, against raw sockets to the same
 * interpreter. The floor of many callers is 64 threads that check one of two sockets out for each
 * exchange; two threads with a socket each, which nobody shares, are told beside it.
 */
final class CallBench {

  private static final Call ECHO = Call.of("builtins:abs", 16);
  private static final int CALLS = 3_000;
  private static final int CALLERS = 64;
  private static final int WARM_UP = 6;
  private static final long TURN = TimeUnit.MILLISECONDS.toNanos(700);

  private final PoolOptions options;
  private final int rounds;
  private final List<Figure> figures = new ArrayList<>();

  CallBench(PoolOptions options, int rounds) {
    this.options = options;
    this.rounds = rounds;
  }

  List<Figure> run() throws Exception {
    try (var running = new CommandPool(options, Map.of("min-workers", 2, "max-workers", 2));
        var floor = new Floor(running.pool().settings().python(), ECHO);
        var second = new Floor(running.pool().settings().python(), ECHO)) {
      PythonPool pool = running.pool();
      double[][] one = new double[4][rounds];
      double[][] many = new double[4][rounds];
      latencies(floor::exchange);
      latencies(() -> pool.call(ECHO).join());
      for (int round = 0; round < rounds; round++) {
        double[] raw = latencies(floor::exchange);
        double[] pooled = latencies(() -> pool.call(ECHO).join());
        one[0][round] = Statistics.percentile(raw, 50);
        one[1][round] = Statistics.percentile(raw, 99);
        one[2][round] = Statistics.percentile(pooled, 50);
        one[3][round] = Statistics.percentile(pooled, 99);
      }
      // Turns that do not count: the JVM's compilers take as much of the machine as the calls do.
      for (int turn = 0; turn < WARM_UP; turn++) {
        callbackThroughput(pool);
        threadThroughput(pool);
        floorOfCallers(List.of(floor, second));
      }
      for (int round = 0; round < rounds; round++) {
        many[0][round] = floorThroughput(List.of(floor, second));
        many[1][round] = callbackThroughput(pool);
        many[2][round] = threadThroughput(pool);
        many[3][round] = floorOfCallers(List.of(floor, second));
      }
      oneAtATime(one);
      manyCallers(many);
    }
    return figures;
  }

  private void oneAtATime(double[][] one) {
    figures.add(Figure.plain("raw socket, one at a time, p50", Statistics.median(one[0]), "us"));
    figures.add(Figure.plain("raw socket, one at a time, p99", Statistics.median(one[1]), "us"));
    figures.add(Figure.plain("pool.call, one at a time, p50", Statistics.median(one[2]), "us"));
    figures.add(Figure.plain("pool.call, one at a time, p99", Statistics.median(one[3]), "us"));
    boolean oneProcessor = Runtime.getRuntime().availableProcessors() == 1;
    figures.add(
        new Figure(
            "  p50 against the raw socket",
            Statistics.median(Statistics.ratios(one[2], one[0])),
            "x",
            oneProcessor ? 2.8 : Double.NaN,
            true));
  }

  private void manyCallers(double[][] many) {
    figures.add(Figure.plain("raw socket, 2 workers, 2 threads", Statistics.median(many[0]), "/s"));
    figures.add(
        Figure.plain(
            "raw socket, 2 workers, 64 threads in turns", Statistics.median(many[3]), "/s"));
    figures.add(
        Figure.plain("pool.call, 2 workers, 64 callbacks", Statistics.median(many[1]), "/s"));
    figures.add(Figure.plain("pool.call, 2 workers, 64 threads", Statistics.median(many[2]), "/s"));
    figures.add(
        new Figure(
            "  64 callbacks against 64 threads on the socket",
            Statistics.median(Statistics.ratios(many[1], many[3])),
            "x",
            3.0,
            false));
    figures.add(
        Figure.plain(
            "  64 callbacks against 2 threads on the socket",
            Statistics.median(Statistics.ratios(many[1], many[0])),
            "x"));
  }

  /** Something that is timed. */
  private interface Exchange {
    void run() throws IOException;
  }

  private static double[] latencies(Exchange exchange) throws IOException {
    var micros = new double[CALLS];
    for (int i = 0; i < CALLS; i++) {
      long began = System.nanoTime();
      exchange.run();
      micros[i] = (System.nanoTime() - began) / 1_000.0;
    }
    Arrays.sort(micros);
    return micros;
  }

  private static double floorThroughput(List<Floor> floors) throws InterruptedException {
    var done = new AtomicLong();
    long end = System.nanoTime() + TURN;
    List<Thread> threads = new ArrayList<>();
    for (Floor floor : floors) {
      threads.add(
          new Thread(
              () -> {
                try {
                  while (System.nanoTime() < end) {
                    floor.exchange();
                    done.incrementAndGet();
                  }
                } catch (IOException ended) {
                  throw new IllegalStateException(ended);
                }
              }));
    }
    return perSecond(threads, done);
  }

  /** 64 callers who check a socket out, use it once and give it back: what a pool replaces. */
  private static double floorOfCallers(List<Floor> floors) throws InterruptedException {
    var done = new AtomicLong();
    long end = System.nanoTime() + TURN;
    var free = new ArrayBlockingQueue<Floor>(floors.size());
    free.addAll(floors);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < CALLERS; i++) {
      threads.add(
          new Thread(
              () -> {
                try {
                  while (System.nanoTime() < end) {
                    Floor mine = free.take();
                    mine.exchange();
                    free.put(mine);
                    done.incrementAndGet();
                  }
                } catch (IOException | InterruptedException ended) {
                  throw new IllegalStateException(ended);
                }
              }));
    }
    return perSecond(threads, done);
  }

  private static double threadThroughput(PythonPool pool) throws InterruptedException {
    var done = new AtomicLong();
    long end = System.nanoTime() + TURN;
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < CALLERS; i++) {
      threads.add(
          new Thread(
              () -> {
                while (System.nanoTime() < end) {
                  pool.call(ECHO).join();
                  done.incrementAndGet();
                }
              }));
    }
    return perSecond(threads, done);
  }

  private static double perSecond(List<Thread> threads, AtomicLong done)
      throws InterruptedException {
    long began = System.nanoTime();
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    return done.get() * 1e9 / (System.nanoTime() - began);
  }

  private static double callbackThroughput(PythonPool pool) throws InterruptedException {
    var done = new AtomicLong();
    var finished = new CountDownLatch(CALLERS);
    long began = System.nanoTime();
    for (int i = 0; i < CALLERS; i++) {
      again(pool, done, finished, began + TURN);
    }
    finished.await();
    return done.get() * 1e9 / (System.nanoTime() - began);
  }

  private static void again(PythonPool pool, AtomicLong done, CountDownLatch finished, long end) {
    pool.call(ECHO)
        .whenComplete(
            (reply, failure) -> {
              done.incrementAndGet();
              if (System.nanoTime() < end && failure == null) {
                again(pool, done, finished, end);
              } else {
                finished.countDown();
              }
            });
  }
}
