package io.gorgon.scoreboard;

import io.gorgon.PythonPool;
import io.gorgon.message.Call;
import io.gorgon.testkit.TestPostgres;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.pattern.Patterns;

/** What it costs that a worker is on another node: for a small call, and for work that is none. */
final class ProofFigures {

  private static final int CALLS = 1_500;
  private static final int ROUNDS = 3;
  private static final int AT_A_TIME = 8;

  /** Some ten milliseconds of Python. */
  private static final int WORK = 150_000;

  private static final long WINDOW = TimeUnit.SECONDS.toNanos(3);
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private ProofFigures() {}

  /** One node with two workers against two nodes with one, on the same processors. */
  static Row[] measure(TestPostgres postgres) {
    try (var one = new ProofCluster("one", postgres, false, 1, 2);
        var two = new ProofCluster("two", postgres, false, 2, 1)) {
      return new Row[] {smallCalls(one), work(one, two)};
    }
  }

  private static Row smallCalls(ProofCluster cluster) {
    NodeProcess node = cluster.node(0);
    PythonPool pool = cluster.pool();
    ActorRef echo =
        Adapter.toClassic(cluster.front())
            .actorSelection("pekko://" + node.address() + "/system/" + ProofNode.ECHO)
            .resolveOne(PATIENCE)
            .toCompletableFuture()
            .join();
    long local = Long.MAX_VALUE;
    long remote = Long.MAX_VALUE;
    long ask = Long.MAX_VALUE;
    for (int i = 0; i < ROUNDS; i++) {
      node.tell("local " + CALLS);
      local = Math.min(local, Long.parseLong(node.await("p50 ").substring(4)));
      remote = Math.min(remote, ProofNode.p50(CALLS, () -> ProofNode.small(pool)));
      ask =
          Math.min(
              ask,
              ProofNode.p50(
                  CALLS, () -> Patterns.ask(echo, "small", PATIENCE).toCompletableFuture().join()));
    }
    return Row.of(
        33,
        "small call at another node, p50, against a bare remote ask and a local call",
        "≤ 1.5 × (ask + local)",
        Figure.within("", (double) remote / (ask + local), 1.5, "×"),
        micros("remote", remote),
        micros("ask", ask),
        micros("local", local),
        Figure.within("against the ask alone", (double) remote / ask, Double.MAX_VALUE, "×")
            .shown());
  }

  private static Figure micros(String name, long nanos) {
    return Figure.within(name, nanos / 1e3, Double.MAX_VALUE, "µs").shown();
  }

  private static Row work(ProofCluster one, ProofCluster two) {
    rate(one.pool());
    rate(two.pool());
    double single = 0;
    double spread = 0;
    for (int i = 0; i < ROUNDS; i++) {
      single += rate(one.pool());
      spread += rate(two.pool());
    }
    return Row.of(
        34,
        "work that needs a processor: two nodes with a worker each, against one with two",
        "≥ 0.85 ×",
        Figure.paced("", spread / single, 0.85, "×"),
        Figure.paced("two nodes", spread / ROUNDS, 0, "calls/s").shown(),
        Figure.paced("one", single / ROUNDS, 0, "calls/s").shown());
  }

  /** Calls in a second. */
  private static double rate(PythonPool pool) {
    Deque<CompletableFuture<?>> sent = new ArrayDeque<>();
    long begin = System.nanoTime();
    long done = 0;
    while (System.nanoTime() - begin < WINDOW) {
      while (sent.size() < AT_A_TIME) {
        sent.add(pool.call(Call.of("clustered:work", WORK)).toCompletableFuture());
      }
      sent.removeFirst().join();
      done++;
    }
    double rate = done * 1e9 / (System.nanoTime() - begin);
    sent.forEach(CompletableFuture::join);
    return rate;
  }
}
