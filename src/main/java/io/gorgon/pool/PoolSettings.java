package io.gorgon.pool;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigUtil;
import io.gorgon.message.PythonFailure.InvalidSettings;
import io.gorgon.process.Launch;
import io.gorgon.worker.WorkerSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * These are all settings of one pool. Made from the config block {@code gorgon.pools.NAME} over
 * {@code gorgon.default-pool}; see {@code reference.conf} for the meaning, unit and range of each.
 * Immutable; the {@code with...} methods give changed copies.
 *
 * @param name letters, digits, {@code -}, {@code _} and {@code .}
 * @param python the interpreter: a path, a command or {@code auto}
 * @param bridge whether this is a single worker without a line
 * @param minWorkers workers that are kept
 * @param maxWorkers workers that there are at most
 * @param eager whether the pool starts with {@code minWorkers} instead of none
 * @param queueCapacity calls, and likewise checkouts, that may wait
 * @param callTimeout the deadline of a call that names none
 * @param checkoutTimeout the deadline of a checkout that names none
 * @param leaseTtl how long a lease lasts that is not renewed
 * @param acknowledgeTimeout how long a granted lease waits for its acknowledgement
 * @param growAfter how long a call waits before the pool grows
 * @param idleTimeout how long a worker beyond the minimum may be idle; zero for ever
 * @param idleCheck how often an idle worker is asked whether it is there; zero for never
 * @param maxAge age at which an incarnation is replaced; zero for never
 * @param maxMemory bytes of its process group at which it is replaced; 0 for never
 * @param batch calls that a worker takes at a time if they are brief; a quarter if they are short
 * @param shortCall how long at most a call takes that counts as short
 * @param sessionIdle how long an unused session's worker is remembered
 * @param drainTimeout how long running calls may take when the pool stops
 * @param outputLinesPerSecond lines of one stream of one worker that reach the log in a second
 * @param streamWindow elements of a stream that may be on their way
 * @param maxNesting how deep Python and Java may call each other
 * @param session how the states of sessions are kept
 * @param languageModel the model of programs that are given no other; empty for none
 * @param worker times and limits of each worker's life
 * @param restart bounds of restarting
 * @param launch what a process is started with
 */
public record PoolSettings(
    String name,
    String python,
    boolean bridge,
    int minWorkers,
    int maxWorkers,
    boolean eager,
    int queueCapacity,
    Duration callTimeout,
    Duration checkoutTimeout,
    Duration leaseTtl,
    Duration acknowledgeTimeout,
    Duration growAfter,
    Duration idleTimeout,
    Duration idleCheck,
    Duration maxAge,
    long maxMemory,
    int batch,
    Duration shortCall,
    Duration sessionIdle,
    Duration drainTimeout,
    int outputLinesPerSecond,
    int streamWindow,
    int maxNesting,
    SessionSettings session,
    Optional<ModelSettings> languageModel,
    WorkerSettings worker,
    RestartSettings restart,
    Launch launch) {

  /** No pool has more workers than this. */
  public static final int MOST_WORKERS = 1024;

  /** No worker runs more calls at once: each has a word of its own on the status page. */
  public static final int MOST_AT_ONCE = 256;

  private static final Duration SOON = Duration.ofMillis(1);
  private static final Duration HOUR = Duration.ofHours(1);
  private static final Duration WEEK = Duration.ofDays(7);
  private static final long TEBI = 1L << 40;
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,63}");

  private static final Pattern MODULE =
      Pattern.compile("[\\p{L}_][\\p{L}\\p{N}_]*(\\.[\\p{L}_][\\p{L}\\p{N}_]*)*");

  /**
   * Reads the settings of the pool {@code name} from the system's whole config.
   *
   * @throws InvalidSettings with the key and what is allowed
   */
  public static PoolSettings from(String name, Config whole) {
    Config defaults = whole.getConfig("gorgon.default-pool");
    String path = "gorgon.pools." + ConfigUtil.quoteString(name);
    if (!whole.hasPath(path)) {
      throw new InvalidSettings(
          "gorgon.pools." + name,
          "does not exist: add a block of that name, empty for all defaults");
    }
    Config own = whole.getConfig(path);
    new SettingsReader("gorgon.pools." + name, own).refuseUnknown(defaults, OPEN_BLOCKS);
    return read(name, new SettingsReader("gorgon.pools." + name, own.withFallback(defaults)));
  }

  /**
   * Reads the settings of a pool that has no block of its own: {@code changes} over the defaults.
   *
   * @throws InvalidSettings with the key and what is allowed
   */
  public static PoolSettings of(String name, Config changes, Config whole) {
    Config defaults = whole.getConfig("gorgon.default-pool");
    new SettingsReader(name, changes).refuseUnknown(defaults, OPEN_BLOCKS);
    return read(name, new SettingsReader(name, changes.withFallback(defaults)));
  }

  private static final Set<String> OPEN_BLOCKS = Set.of("environment", "language-model.options");

  private static PoolSettings read(String name, SettingsReader in) {
    if (!NAME.matcher(name).matches()) {
      throw new InvalidSettings(
          "gorgon.pools." + name,
          "has a name that is not allowed: up to 64 letters, digits, '-', '_' and '.'");
    }
    boolean bridge = in.oneOf("mode", "pool", "bridge").equals("bridge");
    int min = bridge ? 1 : in.integer("min-workers", 1, MOST_WORKERS);
    int max = bridge ? 1 : in.integer("max-workers", 1, MOST_WORKERS);
    if (max < min) {
      throw in.invalid(
          "max-workers", "is " + max + "; allowed is min-workers (" + min + ") or more");
    }
    return new PoolSettings(
        name,
        in.text("python"),
        bridge,
        min,
        max,
        in.flag("eager"),
        bridge ? 0 : in.integer("queue-capacity", 0, 1_000_000),
        in.duration("call-timeout", SOON, WEEK),
        in.duration("checkout.timeout", SOON, WEEK),
        in.duration("checkout.lease-ttl", Duration.ofMillis(10), WEEK),
        in.duration("checkout.acknowledge-timeout", Duration.ofMillis(10), HOUR),
        in.duration("size.grow-after", Duration.ZERO, HOUR),
        in.duration("size.idle-timeout", Duration.ZERO, Duration.ofDays(30)),
        in.duration("size.idle-check", Duration.ZERO, Duration.ofDays(1)),
        in.duration("recycle.max-age", Duration.ZERO, Duration.ofDays(365)),
        in.bytes("recycle.max-memory", 0, TEBI),
        in.integer("batch", 1, 64),
        in.duration("short-call", Duration.ZERO, Duration.ofSeconds(1)),
        in.duration("checkout.session-idle", Duration.ofSeconds(1), Duration.ofDays(30)),
        in.duration("timeouts.drain", Duration.ZERO, HOUR),
        in.integer("output-lines-per-second", 0, 100_000),
        in.integer("stream-window", 1, 65_536),
        in.integer("max-nesting", 1, 100),
        sessions(in),
        ModelSettings.read(in),
        worker(in),
        restart(in),
        launch(in));
  }

  private static SessionSettings sessions(SettingsReader in) {
    long frame = in.bytes("frame-limit", 64 * 1024, 1L << 30);
    long maxState = in.bytes("session.max-state", 1024, 1L << 30);
    if (maxState > frame / 2) {
      throw in.invalid(
          "session.max-state",
          "is " + maxState + "; allowed is half of frame-limit (" + frame + ")");
    }
    return new SessionSettings(
        in.text("session.store"),
        in.duration("session.ttl", Duration.ZERO, Duration.ofDays(3650)),
        in.integer("session.quota", 0, 100_000_000),
        maxState,
        in.duration("session.sweep", Duration.ofMillis(100), Duration.ofDays(1)),
        in.duration("checkout.session-idle", Duration.ofSeconds(1), Duration.ofDays(30)));
  }

  private static WorkerSettings worker(SettingsReader in) {
    return new WorkerSettings(
        in.duration("timeouts.start", Duration.ofMillis(10), HOUR),
        in.duration("timeouts.cancel-grace", Duration.ZERO, HOUR),
        in.duration("timeouts.interrupt-grace", Duration.ZERO, HOUR),
        in.duration("timeouts.stop-grace", SOON, HOUR),
        in.duration("timeouts.ping", SOON, HOUR),
        in.integer("recycle.max-calls", 0, 1_000_000_000),
        in.fraction("recycle.jitter"),
        in.integer("concurrency", 1, MOST_AT_ONCE));
  }

  private static RestartSettings restart(SettingsReader in) {
    Duration backoffMin = in.duration("restart.backoff-min", SOON, HOUR);
    Duration backoffMax = in.duration("restart.backoff-max", SOON, HOUR);
    if (backoffMax.compareTo(backoffMin) < 0) {
      throw in.invalid("restart.backoff-max", "is below restart.backoff-min");
    }
    return new RestartSettings(
        in.integer("restart.concurrent", 1, 64),
        backoffMin,
        backoffMax,
        in.integer("restart.budget", 1, 100_000),
        in.duration("restart.window", Duration.ofSeconds(1), HOUR),
        in.duration("restart.quarantine", Duration.ofMillis(10), HOUR));
  }

  private static List<String> modules(SettingsReader in, String key) {
    List<String> modules = in.texts(key);
    for (String module : modules) {
      if (!MODULE.matcher(module).matches()) {
        throw in.invalid(
            key, "has '" + module + "'; allowed are names of modules, such as package.module");
      }
    }
    return modules;
  }

  private static Launch launch(SettingsReader in) {
    var limits = new LinkedHashMap<String, Long>();
    limits.put("memory", in.bytes("limits.memory", 0, TEBI));
    limits.put("open_files", (long) in.integer("limits.open-files", 0, 10_000_000));
    limits.put("processes", (long) in.integer("limits.processes", 0, 10_000_000));
    limits.put("cpu_seconds", (long) in.integer("limits.cpu-seconds", 0, Integer.MAX_VALUE));
    limits.put("file_size", in.bytes("limits.file-size", 0, TEBI));
    limits.values().removeIf(limit -> limit == 0);
    int threads = in.integer("threads", 0, 1024);
    String directory = in.text("directory");
    return new Launch(
        in.texts("path").stream().map(Path::of).map(Path::toAbsolutePath).toList(),
        in.environment("environment"),
        directory.isEmpty() ? Optional.empty() : Optional.of(Path.of(directory)),
        modules(in, "preload"),
        in.texts("imports"),
        limits,
        threads == 0 ? Optional.empty() : Optional.of(threads),
        in.oneOf("start-method", "auto", "fork", "fresh"),
        in.bytes("frame-limit", 64 * 1024, 1L << 30),
        in.bytes("shared-memory.threshold", 4 * 1024, 1L << 30),
        in.bytes("shared-memory.limit", 0, TEBI),
        in.oneOf("log.level", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
        in.integer("log.records-per-second", 0, 100_000),
        in.integer("concurrency", 1, MOST_AT_ONCE),
        in.text("entry"));
  }
}
