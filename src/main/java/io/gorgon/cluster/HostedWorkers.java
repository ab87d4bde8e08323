package io.gorgon.cluster;

import com.typesafe.config.Config;
import io.gorgon.PythonPool;
import io.gorgon.pool.PoolStats;
import io.gorgon.pool.PoolStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.pekko.actor.CoordinatedShutdown;
import org.apache.pekko.actor.typed.ActorSystem;

/** This tells what the pools of this node lack. Thread-safe. */
final class HostedWorkers {

  private final Config whole;
  private final HealthSettings settings;
  private final Supplier<Map<String, PythonPool>> hosted;
  private final BooleanSupplier ending;

  HostedWorkers(Config whole, Supplier<Map<String, PythonPool>> hosted, BooleanSupplier ending) {
    this.whole = whole;
    this.settings = HealthSettings.from(whole);
    this.hosted = hosted;
    this.ending = ending;
  }

  static HostedWorkers of(ActorSystem<?> system) {
    return new HostedWorkers(
        system.settings().config(),
        () -> ClusteredPools.get(system).hosted(),
        () -> CoordinatedShutdown.get(system).getShutdownReason().isPresent());
  }

  /** What is missing, in words; empty if nothing. Completes within the check's timeout. */
  CompletionStage<Optional<String>> missing() {
    if (ending.getAsBoolean()) {
      return CompletableFuture.completedFuture(Optional.of("this node is shutting down"));
    }
    Map<String, PythonPool> here = hosted.get();
    List<String> absent =
        settings.pools().stream().filter(name -> !here.containsKey(name)).sorted().toList();
    if (!absent.isEmpty()) {
      return CompletableFuture.completedFuture(
          Optional.of("not started yet: " + String.join(", ", absent)));
    }
    List<CompletableFuture<Optional<String>>> each = new ArrayList<>();
    here.values().forEach(pool -> each.add(missing(pool).toCompletableFuture()));
    return CompletableFuture.allOf(each.toArray(CompletableFuture<?>[]::new))
        .thenApply(
            all ->
                Optional.of(
                        each.stream()
                            .flatMap(one -> one.join().stream())
                            .collect(Collectors.joining("; ")))
                    .filter(text -> !text.isEmpty()));
  }

  private CompletionStage<Optional<String>> missing(PythonPool pool) {
    int enough = HealthSettings.enough(pool.settings(), whole);
    return pool.stats()
        .toCompletableFuture()
        .thenApply(stats -> missing(stats, enough))
        .exceptionally(stopped -> Optional.of("pool " + pool.name() + " has stopped"))
        .completeOnTimeout(
            Optional.of("pool " + pool.name() + " does not answer"),
            settings.timeout().toMillis(),
            TimeUnit.MILLISECONDS);
  }

  private static Optional<String> missing(PoolStats stats, int enough) {
    String pool = "pool " + stats.pool();
    if (stats.status() == PoolStatus.DRAINING || stats.status() == PoolStatus.STOPPED) {
      return Optional.of(pool + " drains");
    }
    if (stats.status() == PoolStatus.BROKEN) {
      return Optional.of(pool + " has no worker that can serve");
    }
    // Somebody may have made the pool smaller than the settings had it.
    int wanted = Math.min(enough, stats.minWorkers());
    return stats.ready() >= wanted
        ? Optional.empty()
        : Optional.of(pool + " has " + stats.ready() + " of " + wanted + " workers");
  }
}
