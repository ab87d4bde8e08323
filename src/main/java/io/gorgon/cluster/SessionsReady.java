package io.gorgon.cluster;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.cluster.sharding.ClusterSharding;
import org.apache.pekko.cluster.sharding.ShardRegion;
import org.apache.pekko.pattern.Patterns;

/**
 * This is a readiness check for Pekko Management: whether the coordinator knows the shard regions
 * of this node, so that sessions can be reached from here. A region that has registered once counts
 * for ever, for a coordinator that moves must not make all nodes unready. And one that does not
 * register within {@code gorgon.health.sharding-limit} counts no longer: the coordinator of a pool
 * that the older nodes do not have yet may be missing until they have gone, and they only go when
 * this node is ready. Thread-safe.
 *
 * <pre>
 * pekko.management.health-checks.readiness-checks.gorgon-sessions = "io.gorgon.cluster.SessionsReady"
 * </pre>
 */
public final class SessionsReady implements Supplier<CompletionStage<Boolean>> {

  private final Duration timeout;
  private final Duration limit;
  private final LongSupplier nanos;
  private final Supplier<Set<String>> regions;
  private final Registration registration;
  private final Set<String> registered = ConcurrentHashMap.newKeySet();
  private final AtomicLong firstAsked = new AtomicLong();

  /** Asks a region whether the coordinator knows it. */
  interface Registration {
    CompletionStage<Boolean> of(String region, Duration timeout);
  }

  /** Made by Pekko Management. */
  public SessionsReady(ActorSystem system) {
    this(
        HealthSettings.from(system.settings().config()),
        System::nanoTime,
        () -> ClusterSharding.get(system).getShardTypeNames(),
        (region, timeout) -> isRegistered(system, region, timeout));
  }

  SessionsReady(
      HealthSettings settings,
      LongSupplier nanos,
      Supplier<Set<String>> regions,
      Registration registration) {
    this.timeout = settings.timeout();
    this.limit = settings.shardingLimit();
    this.nanos = nanos;
    this.regions = regions;
    this.registration = registration;
  }

  /** Completes within {@code gorgon.health.timeout}. */
  @Override
  public CompletionStage<Boolean> get() {
    List<String> open = regions.get().stream().filter(name -> !registered.contains(name)).toList();
    if (open.isEmpty()) {
      return CompletableFuture.completedFuture(true);
    }
    long now = nanos.getAsLong();
    firstAsked.compareAndSet(0, now);
    boolean late = now - firstAsked.get() >= limit.toNanos();
    List<CompletableFuture<Void>> answers =
        open.stream().map(region -> ask(region).toCompletableFuture()).toList();
    return CompletableFuture.allOf(answers.toArray(CompletableFuture<?>[]::new))
        .thenApply(all -> late || registered.containsAll(open));
  }

  private CompletionStage<Void> ask(String region) {
    return registration
        .of(region, timeout)
        .exceptionally(silent -> false)
        .thenAccept(
            known -> {
              if (known) {
                registered.add(region);
              }
            });
  }

  /** A region answers for its coordinator, and with nobody where it has none. */
  private static CompletionStage<Boolean> isRegistered(
      ActorSystem system, String region, Duration timeout) {
    return Patterns.ask(
            ClusterSharding.get(system).shardRegion(region),
            ShardRegion.getCurrentRegionsInstance(),
            timeout)
        .thenApply(
            answer ->
                answer instanceof ShardRegion.CurrentRegions known
                    && !known.getRegions().isEmpty());
  }
}
