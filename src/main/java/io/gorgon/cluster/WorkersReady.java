package io.gorgon.cluster;

import com.typesafe.config.Config;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This is a readiness check for Pekko Management: whether each pool of this node has the workers
 * that {@code cluster.ready-workers} asks for, and none drains. It says no while Python cannot be
 * started, and yes again when it can; it belongs to readiness alone, for a new JVM would mend
 * nothing. Thread-safe.
 *
 * <pre>
 * pekko.management.health-checks.readiness-checks.gorgon-workers = "io.gorgon.cluster.WorkersReady"
 * </pre>
 */
public final class WorkersReady implements Supplier<CompletionStage<Boolean>> {

  private static final Logger LOG = LoggerFactory.getLogger(WorkersReady.class);

  private final HostedWorkers workers;
  private final AtomicReference<String> told = new AtomicReference<>("");

  /** Made by Pekko Management. */
  public WorkersReady(ActorSystem system) {
    workers = HostedWorkers.of(Adapter.toTyped(system));
  }

  /**
   * Looks over the settings of the health checks, before anything starts.
   *
   * @throws io.gorgon.message.PythonFailure.InvalidSettings if a node with these would never be
   *     ready; names the key and what is allowed
   */
  public static void check(Config whole) {
    HealthSettings.from(whole);
  }

  /** Completes within {@code gorgon.health.timeout}; logs what is missing when that changes. */
  @Override
  public CompletionStage<Boolean> get() {
    return workers
        .missing()
        .thenApply(
            missing -> {
              String now = missing.orElse("");
              if (!now.equals(told.getAndSet(now))) {
                LOG.info(now.isEmpty() ? "ready" : "not ready: {}", now);
              }
              return missing.isEmpty();
            });
  }
}
