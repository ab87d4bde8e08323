package io.gorgon.cluster;

import io.gorgon.pool.PoolStats;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.slf4j.Logger;

/** This adds up what the nodes tell of their parts of a pool. Thread-safe. */
final class Census {

  /** Shorter than what users of a pool wait for its figures. */
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private final ActorSystem<?> system;
  private final Logger log;

  Census(ActorSystem<?> system, Logger log) {
    this.system = system;
    this.log = log;
  }

  /**
   * Asks all nodes. One that does not answer in time is left out, and named in the log.
   *
   * @param begin what this node knows by itself
   */
  CompletionStage<PoolStats> take(PoolStats begin, List<ActorRef<Gate.Command>> gates) {
    CompletionStage<PoolStats> sum = CompletableFuture.completedFuture(begin);
    for (ActorRef<Gate.Command> gate : gates) {
      sum = sum.thenCombine(ask(gate, begin), PoolStats::plus);
    }
    return sum;
  }

  private CompletionStage<PoolStats> ask(ActorRef<Gate.Command> gate, PoolStats begin) {
    PoolStats nothing = PoolStats.empty(begin.pool(), begin.status(), 0);
    return AskPattern.<Gate.Command, Gate.Counted>ask(
            gate, Gate.Count::new, PATIENCE, system.scheduler())
        .handle(
            (counted, failure) -> {
              PoolStats stats = counted == null ? null : counted.stats();
              if (stats == null) {
                log.warn(
                    "the figures of pool '{}' are without those of {}, which did not answer: {}",
                    begin.pool(),
                    gate.path().address(),
                    failure == null ? "no figures" : failure.getMessage());
                return nothing;
              }
              return stats;
            });
  }
}
