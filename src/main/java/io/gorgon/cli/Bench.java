package io.gorgon.cli;

import io.gorgon.PythonPool;
import io.gorgon.cli.BenchCommand.Figure;
import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.WorkerId;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.pekko.stream.javadsl.Sink;

/**
 * The measurements behind {@code bench}. Floor and pool take turns within one run, so that a
 * machine whose speed drifts moves both; what is told are medians over the turns.
 */
final class Bench {

  private static final Call ECHO = Call.of("builtins:abs", 16);
  private static final int CALLS = 3_000;
  private static final int CALLERS = 64;
  private static final int KILLS = 25;
  private static final int STARTED = 8;
  private static final long TURN = TimeUnit.MILLISECONDS.toNanos(700);

  private final PoolOptions options;
  private final int rounds;
  private final PrintWriter err;
  private final List<Figure> figures = new ArrayList<>();

  Bench(PoolOptions options, int rounds, PrintWriter err) {
    this.options = options;
    this.rounds = Math.max(1, rounds);
    this.err = err;
  }

  List<Figure> run() throws Exception {
    say("calls, " + rounds + " rounds");
    calls();
    say("start of " + STARTED + " workers");
    starts();
    say("start of " + STARTED + " workers with modules, preloaded and fresh in turns");
    figures.addAll(new StartBench(options, rounds).run());
    say("arrays, through shared memory and through the socket");
    figures.addAll(new DataBench(options, rounds).run());
    say(KILLS + " kills (restart.budget raised, so that no slot is put to rest)");
    kills();
    return figures;
  }

  private void say(String what) {
    err.println("measuring " + what + " ...");
    err.flush();
  }

  private void calls() throws Exception {
    try (var running = new CommandPool(options, Map.of("min-workers", 2, "max-workers", 2));
        var floor = new Floor(running.pool().settings().python(), ECHO);
        var second = new Floor(running.pool().settings().python(), ECHO)) {
      PythonPool pool = running.pool();
      double[][] one = new double[4][rounds];
      double[][] many = new double[3][rounds];
      latencies(floor::exchange);
      latencies(() -> pool.call(ECHO).join());
      for (int round = 0; round < rounds; round++) {
        double[] raw = latencies(floor::exchange);
        double[] pooled = latencies(() -> pool.call(ECHO).join());
        one[0][round] = percentile(raw, 50);
        one[1][round] = percentile(raw, 99);
        one[2][round] = percentile(pooled, 50);
        one[3][round] = percentile(pooled, 99);
      }
      for (int round = 0; round < rounds; round++) {
        many[0][round] = floorThroughput(List.of(floor, second));
        many[1][round] = callbackThroughput(pool);
        many[2][round] = threadThroughput(pool);
      }
      oneAtATime(one);
      manyCallers(many);
    }
  }

  private void oneAtATime(double[][] one) {
    figures.add(Figure.plain("raw socket, one at a time, p50", median(one[0]), "us"));
    figures.add(Figure.plain("raw socket, one at a time, p99", median(one[1]), "us"));
    figures.add(Figure.plain("pool.call, one at a time, p50", median(one[2]), "us"));
    figures.add(Figure.plain("pool.call, one at a time, p99", median(one[3]), "us"));
    boolean oneProcessor = Runtime.getRuntime().availableProcessors() == 1;
    figures.add(
        new Figure(
            "  p50 against the raw socket",
            median(ratios(one[2], one[0])),
            "x",
            oneProcessor ? 3.2 : Double.NaN,
            true));
  }

  private void manyCallers(double[][] many) {
    figures.add(Figure.plain("raw socket, 2 workers, 1 in flight each", median(many[0]), "/s"));
    figures.add(Figure.plain("pool.call, 2 workers, 64 callbacks", median(many[1]), "/s"));
    figures.add(Figure.plain("pool.call, 2 workers, 64 threads", median(many[2]), "/s"));
    figures.add(
        new Figure(
            "  64 callbacks against the raw socket",
            median(ratios(many[1], many[0])),
            "x",
            2.0,
            false));
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

  private void starts() throws InterruptedException {
    Map<String, Object> size = Map.of("min-workers", STARTED, "max-workers", STARTED);
    double[] all = new double[rounds];
    List<Double> each = new ArrayList<>();
    for (int round = 0; round < rounds; round++) {
      long began = System.nanoTime();
      try (var running = new CommandPool(options, size)) {
        BlockingQueue<Seen> events = subscribe(running);
        Map<WorkerId, Long> starting = new HashMap<>();
        for (int ready = 0; ready < STARTED; ) {
          Seen seen = events.take();
          if (seen.event() instanceof PoolEvent.WorkerStarting start) {
            starting.put(start.worker(), seen.at());
          } else if (seen.event() instanceof PoolEvent.WorkerReady up) {
            ready++;
            Long started = starting.get(up.worker());
            if (started != null && ready > 1) {
              each.add((seen.at() - started) / 1e6);
            }
            all[round] = (seen.at() - began) / 1e6;
          }
        }
      }
    }
    figures.add(Figure.plain("8 workers ready, keeper and system included", median(all), "ms"));
    figures.add(Figure.plain("  one of them, 4 starting at once", median(each), "ms"));
  }

  private void kills() throws InterruptedException {
    Map<String, Object> settings =
        Map.of("min-workers", 2, "max-workers", 2, "restart", Map.of("budget", 10_000));
    List<Double> recoveries = new ArrayList<>();
    List<Double> readies = new ArrayList<>();
    List<Double> noticed = new ArrayList<>();
    try (var running = new CommandPool(options, settings)) {
      BlockingQueue<Seen> events = subscribe(running);
      int ready = 0;
      long killedAt = 0;
      long startedAt = 0;
      while (recoveries.size() < KILLS) {
        Seen seen = events.take();
        if (seen.event() instanceof PoolEvent.WorkerStarting) {
          startedAt = seen.at();
        } else if (seen.event() instanceof PoolEvent.WorkerGone) {
          noticed.add((seen.at() - killedAt) / 1e6);
        } else if (seen.event() instanceof PoolEvent.WorkerReady up && ++ready >= 2) {
          if (killedAt > 0) {
            recoveries.add((seen.at() - killedAt) / 1e6);
            readies.add((seen.at() - startedAt) / 1e6);
          }
          // As in life, a while lies between two deaths: the restart's own delay starts small
          // again.
          TimeUnit.MILLISECONDS.sleep(1_100);
          killedAt = System.nanoTime();
          ProcessHandle.of(up.pid()).ifPresent(ProcessHandle::destroyForcibly);
        }
      }
    }
    figures.add(Figure.plain("kill noticed, calls answered, p50", median(noticed), "ms"));
    figures.add(new Figure("worker ready by fork, p50", median(readies), "ms", 10, true));
    figures.add(new Figure("kill to ready, p50", median(recoveries), "ms", 30, true));
  }

  private record Seen(PoolEvent event, long at) {}

  private static BlockingQueue<Seen> subscribe(CommandPool running) {
    BlockingQueue<Seen> events = new LinkedBlockingQueue<>();
    running
        .pool()
        .events()
        .runWith(
            Sink.foreach(event -> events.add(new Seen(event, System.nanoTime()))),
            running.system());
    return events;
  }

  private static double[] ratios(double[] above, double[] below) {
    var ratios = new double[above.length];
    Arrays.setAll(ratios, i -> above[i] / below[i]);
    return ratios;
  }

  private static double median(List<Double> values) {
    return median(values.stream().mapToDouble(Double::doubleValue).toArray());
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return percentile(sorted, 50);
  }

  private static double percentile(double[] sorted, int percent) {
    return sorted.length == 0
        ? Double.NaN
        : sorted[Math.min(sorted.length - 1, sorted.length * percent / 100)];
  }
}
