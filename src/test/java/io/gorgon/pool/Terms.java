package io.gorgon.pool;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.gorgon.pool.CheckoutKind.Affinity;
import java.time.Duration;
import java.util.List;

/**
 * What the numbers of a {@link Step} stand for, and the settings that histories are lived under.
 */
final class Terms {

  static final long TICK = Duration.ofMillis(20).toNanos();
  static final int CAPACITY = 2;
  static final int MIN = 1;
  static final int MAX = 2;
  static final long ACKNOWLEDGE = Duration.ofMillis(340).toNanos();
  static final long LEASE = Duration.ofMillis(700).toNanos();
  static final long BACKOFF_MIN = Duration.ofMillis(100).toNanos();
  static final long BACKOFF_MAX = Duration.ofMillis(400).toNanos();
  static final int BUDGET = 2;
  static final long WINDOW = Duration.ofSeconds(1).toNanos();
  static final long QUARANTINE = Duration.ofMillis(500).toNanos();
  static final long GROW_AFTER = Duration.ofMillis(100).toNanos();
  static final long HOUR = Duration.ofHours(1).toNanos();

  /** All at once: in which order several would start is nobody's promise. */
  private static final String SETTINGS =
      """
      min-workers = 1, max-workers = 2, queue-capacity = 2, batch = 1, call-timeout = 1h
      checkout.acknowledge-timeout = 340ms, checkout.lease-ttl = 700ms
      restart.concurrent = 64, restart.backoff-min = 100ms, restart.backoff-max = 400ms
      restart.budget = 2, restart.window = 1s, restart.quarantine = 500ms
      size.grow-after = 100ms, size.idle-timeout = 0s, size.idle-check = 0s
      timeouts.start = 1h, timeouts.ping = 1h
      """;

  private static final List<CheckoutKind> KINDS =
      List.of(
          CheckoutKind.anonymous(),
          CheckoutKind.session("a", Affinity.PREFER),
          CheckoutKind.session("a", Affinity.PINNED),
          CheckoutKind.session("a", Affinity.PINNED_FAIL_FAST),
          CheckoutKind.session("b", Affinity.PREFER),
          CheckoutKind.session("b", Affinity.PINNED),
          CheckoutKind.session(" ", Affinity.PREFER),
          new CheckoutKind(java.util.Optional.empty(), Affinity.PINNED));

  private static final int[][] LIMITS = {{1, 1}, {1, 2}, {2, 2}, {1, 3}, {2, 3}};

  private Terms() {}

  static CheckoutKind kindOfCheckout(int how) {
    return KINDS.get(how % 8);
  }

  static CheckoutKind kindOfCall(int how) {
    return KINDS.get(1 + how % 5);
  }

  /** How long somebody waits who asks so. */
  static long patience(int how) {
    return new long[] {Duration.ofSeconds(5).toNanos(), Duration.ofMillis(300).toNanos(), 0}
        [how / 8 % 3];
  }

  static int min(int how) {
    return LIMITS[how % LIMITS.length][0];
  }

  static int max(int how) {
    return LIMITS[how % LIMITS.length][1];
  }

  static long drainTime(int how) {
    return how == 0 ? 0 : Duration.ofMillis(400).toNanos();
  }

  static String session(int who) {
    return who % 2 == 0 ? "a" : "b";
  }

  static String settings(boolean lazy) {
    return SETTINGS + "eager = " + !lazy;
  }

  private static final PoolSettings EAGER = parsed(false);
  private static final PoolSettings LAZY = parsed(true);

  private static PoolSettings parsed(boolean lazy) {
    Config whole = ConfigFactory.load();
    return PoolSettings.of("told", ConfigFactory.parseString(settings(lazy)), whole);
  }

  static PoolSettings parsedSettings(boolean lazy) {
    return lazy ? LAZY : EAGER;
  }
}
