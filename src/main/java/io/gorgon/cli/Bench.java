package io.gorgon.cli;

import io.gorgon.cli.BenchCommand.Figure;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.WorkerId;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.stream.javadsl.Sink;

/**
 * The measurements behind {@code bench}. Floor and pool take turns within one run, so that a
 * machine whose speed drifts moves both; what is told are medians over the turns.
 */
final class Bench {

  private static final int KILLS = 25;
  private static final int STARTED = 8;

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
    figures.addAll(new CallBench(options, rounds).run());
    say("streams");
    figures.addAll(new StreamBench(options, rounds).run());
    say("start of " + STARTED + " workers");
    starts();
    say("start of " + STARTED + " workers with modules, preloaded and fresh in turns");
    figures.addAll(new StartBench(options, rounds).run());
    say("arrays, through shared memory and through the socket");
    figures.addAll(new DataBench(options, rounds).run());
    say("one worker that runs several calls at once");
    figures.addAll(new ConcurrencyBench(options, rounds).run());
    say("sessions");
    figures.addAll(new SessionBench(options, rounds).run());
    say(KILLS + " kills (restart.budget raised, so that no slot is put to rest)");
    kills();
    return figures;
  }

  private void say(String what) {
    err.println("measuring " + what + " ...");
    err.flush();
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
    figures.add(
        Figure.plain("8 workers ready, keeper and system included", Statistics.median(all), "ms"));
    figures.add(Figure.plain("  one of them, 4 starting at once", Statistics.median(each), "ms"));
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
    figures.add(
        Figure.plain("kill noticed, calls answered, p50", Statistics.median(noticed), "ms"));
    figures.add(
        new Figure("worker ready by fork, p50", Statistics.median(readies), "ms", 10, true));
    figures.add(new Figure("kill to ready, p50", Statistics.median(recoveries), "ms", 30, true));
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
}
