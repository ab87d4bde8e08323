package io.gorgon.cli;

import com.typesafe.config.Config;
import io.gorgon.message.PythonFailure.InvalidSettings;
import io.gorgon.pool.PoolSettings;
import java.time.Duration;

/**
 * The phases of Pekko's coordinated shutdown, as they are configured. A phase that is over its time
 * is cut, and what ran in it goes on while the next one takes the ground away from it.
 */
record ShutdownPhases(Config whole) {

  private static final String PHASES = "pekko.coordinated-shutdown.phases";

  /** The phase in which pools drain. */
  static final String DRAIN = "service-requests-done";

  /** For the answers, after the last process has ended. */
  private static final Duration SLACK = Duration.ofSeconds(1);

  /** How long a phase may take. */
  Duration timeout(String phase) {
    String own = PHASES + "." + phase + ".timeout";
    return whole.getDuration(
        whole.hasPath(own) ? own : "pekko.coordinated-shutdown.default-phase-timeout");
  }

  /** How long all of them may take, one after the other. */
  Duration sum() {
    return whole.getObject(PHASES).keySet().stream()
        .map(this::timeout)
        .reduce(Duration.ZERO, Duration::plus);
  }

  /** What a pool may take to drain: its calls, then the end of its processes, asked and told. */
  static Duration drain(PoolSettings pool) {
    return pool.drainTimeout().plus(pool.worker().stopGrace().multipliedBy(2)).plus(SLACK);
  }

  /** Refuses a phase that would cut a pool's drain. */
  void check(PoolSettings pool) {
    Duration phase = timeout(DRAIN);
    if (phase.compareTo(drain(pool)) < 0) {
      throw new InvalidSettings(
          PHASES + "." + DRAIN + ".timeout",
          "is "
              + phase.toMillis()
              + "ms, which would cut the drain of pool "
              + pool.name()
              + ": timeouts.drain + 2 x timeouts.stop-grace + 1s make "
              + drain(pool).toMillis()
              + "ms; set it to that or more, or lower these");
    }
  }
}
