package io.gorgon.cluster;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;

/**
 * This is a startup check for Pekko Management: whether each pool of this node has had the workers
 * that {@code cluster.ready-workers} asks for, once. What becomes of them later is the affair of
 * {@link WorkersReady}. Thread-safe.
 *
 * <pre>
 * pekko.management.health-checks.startup-checks.gorgon-workers = "io.gorgon.cluster.WorkersStarted"
 * </pre>
 */
public final class WorkersStarted implements Supplier<CompletionStage<Boolean>> {

  private final HostedWorkers workers;
  private volatile boolean started;

  /** Made by Pekko Management. */
  public WorkersStarted(ActorSystem system) {
    workers = HostedWorkers.of(Adapter.toTyped(system));
  }

  /** Completes within {@code gorgon.health.timeout}; once it has said yes, it says nothing else. */
  @Override
  public CompletionStage<Boolean> get() {
    if (started) {
      return CompletableFuture.completedFuture(true);
    }
    return workers
        .missing()
        .thenApply(
            missing -> {
              if (missing.isEmpty()) {
                started = true;
              }
              return started;
            });
  }
}
