package io.gorgon.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class SessionsReadyTest {

  private static final Duration LIMIT = Duration.ofSeconds(10);

  private final AtomicLong nanos = new AtomicLong(1);
  private final Set<String> regions = new HashSet<>();
  private final Set<String> known = new HashSet<>();
  private final Set<String> silent = new HashSet<>();

  private final SessionsReady check =
      new SessionsReady(
          new HealthSettings(Set.of(), Duration.ofMillis(500), LIMIT),
          nanos::get,
          () -> regions,
          (region, timeout) ->
              silent.contains(region)
                  ? CompletableFuture.failedFuture(new TimeoutException("after " + timeout))
                  : CompletableFuture.completedFuture(known.contains(region)));

  private boolean isReady() {
    return check.get().toCompletableFuture().join();
  }

  @Test
  void aNodeWithoutRegionsIsReady() {
    assertThat(isReady()).isTrue();
  }

  @Test
  void aRegionThatHasRegisteredOnceCountsForEver() {
    regions.add("a");
    assertThat(isReady()).isFalse();

    known.add("a");
    assertThat(isReady()).isTrue();

    known.clear();
    silent.add("a");
    assertThat(isReady()).isTrue();
  }

  @Test
  void aRegionWhoseCoordinatorIsMissingHoldsANodeBackForTheLimitOnly() {
    regions.addAll(Set.of("old", "new"));
    known.add("old");
    silent.add("new");
    assertThat(isReady()).isFalse();

    nanos.addAndGet(LIMIT.toNanos() - 1);
    assertThat(isReady()).isFalse();

    nanos.addAndGet(1);
    assertThat(isReady()).isTrue();
  }
}
