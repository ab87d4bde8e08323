package io.gorgon.cli;

import io.gorgon.PythonPool;
import io.gorgon.RunningCall;
import io.gorgon.cli.BenchCommand.Figure;
import io.gorgon.message.Call;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Measures what {@code concurrency} gives programs that wait: a thousand calls that sleep 50 ms, on
 * one worker with 64 places. They cannot take less than 0.8 s.
 */
final class ConcurrencyBench {

  private static final int CALLS = 1_000;
  private static final int AT_ONCE = 64;
  private static final double SECONDS = 0.05;
  private static final double MOST_MILLIS = 1_500;

  private final PoolOptions options;
  private final int rounds;

  ConcurrencyBench(PoolOptions options, int rounds) {
    this.options = options;
    this.rounds = rounds;
  }

  List<Figure> run() {
    Map<String, Object> settings =
        Map.of("min-workers", 1, "max-workers", 1, "concurrency", AT_ONCE);
    try (var running = new CommandPool(options, settings)) {
      return List.of(
          figure("async", running.pool(), Call.of("asyncio:sleep", SECONDS)),
          figure("sync", running.pool(), Call.of("time:sleep", SECONDS)));
    }
  }

  private Figure figure(String kind, PythonPool pool, Call call) {
    turn(pool, call, AT_ONCE);
    double[] millis = new double[rounds];
    for (int round = 0; round < rounds; round++) {
      millis[round] = turn(pool, call, CALLS);
    }
    Arrays.sort(millis);
    String name = "1,000 " + kind + " calls of 50 ms, 1 worker, 64 at once";
    return new Figure(name, millis[rounds / 2], "ms", MOST_MILLIS, true);
  }

  private static double turn(PythonPool pool, Call call, int count) {
    long began = System.nanoTime();
    List<RunningCall> calls = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      calls.add(pool.call(call));
    }
    calls.forEach(RunningCall::join);
    return (System.nanoTime() - began) / 1e6;
  }
}
