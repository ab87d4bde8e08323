package io.gorgon.scoreboard;

import static io.gorgon.proving.history.Breach.*;

import com.typesafe.config.ConfigFactory;
import io.gorgon.proving.TestPool;
import io.gorgon.proving.history.Breach;
import io.gorgon.proving.history.Fact;
import io.gorgon.proving.history.Violation;
import io.gorgon.scoreboard.SessionPlan.What;
import io.gorgon.session.SessionStore;
import io.gorgon.session.durable.DurableStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/**
 * Rows 22 to 25: 24 callers race on the sessions of 4 workers, calls fail in every way there is,
 * workers and their keeper are killed, and the store is slow and away at times; then what callers
 * were told and what Python saw is held against what the store has.
 */
public final class SessionStorm {

  private static final int WORKERS = 4;
  private static final int CALLERS = 24;
  private static final int SESSIONS = 60;

  /** Of a thousand calls, how many a worker is killed besides. */
  private static final int KILLS = 10;

  private static final int KEEPERS = 2;

  private static final Set<Breach> LOST = EnumSet.of(CHANGE_LOST);
  private static final Set<Breach> DOUBLED =
      EnumSet.of(
          CHANGE_DOUBLED, CHANGE_KEPT_THOUGH_FAILED, CHANGE_TORN, CHANGE_UNDER_ANOTHER_VERSION);
  private static final Set<Breach> ORDER = EnumSet.of(SESSION_ORDER_BROKEN, SESSION_OVERLAP);
  private static final Set<Breach> SEEN =
      EnumSet.of(STATE_OF_ANOTHER, STATE_NEVER_KEPT, STATE_STALE);

  private final long seed;
  private final List<Violation> violations = new ArrayList<>();
  private long calls;
  private long kills;
  private long keepers;
  private long kept;
  private long dropped;
  private long runs;
  private long looks;

  /** Draws by that seed. */
  public SessionStorm(long seed) {
    this.seed = seed;
  }

  /**
   * One pool, one plan.
   *
   * @param durable whether the states are in an H2 file, else in memory
   * @param lies of a thousand states, how many the store says it has kept and has not
   */
  public void blow(int round, boolean durable, int size, int lies) {
    var random = new Random(31 * (seed + round) + (durable ? 1 : 0));
    List<String> keys = IntStream.range(0, SESSIONS).mapToObj(i -> "s" + i).toList();
    List<What> plan = SessionPlan.of(random, size);
    Path directory = directory();
    String settings =
        TriedStore.settings(durable, random.nextLong(), lies)
            + "\ngorgon.session-store { create-schema = on, url = \"jdbc:h2:file:"
            + directory.resolve("states")
            + ";WRITE_DELAY=0\" }";
    long began = System.nanoTime();
    ActorSystem<?> system = system(settings);
    RecordedPool pool =
        RecordedPool.startIn(
            system,
            "min-workers = " + WORKERS + ", max-workers = " + WORKERS,
            "entry = \"storm_worker:main\", imports = [journaled_sessions]",
            "restart.budget = 100000, output-lines-per-second = 0",
            "session { store = " + TriedStore.class.getName() + ", max-state = 256KiB }");
    pool.tested.awaitReady(WORKERS);
    try {
      run(pool, plan, keys, random);
    } finally {
      pool.close();
    }
    TestPool.get(TriedStore.memory(system).atRest());
    SessionStore store = TriedStore.memory(system).store;
    if (durable) {
      // As the next JVM would find it.
      end(system);
      system = system(settings);
      store = new DurableStore(system, pool.pool().name());
    }
    var sessions = new RecordedSessions(pool);
    for (String key : keys) {
      sessions.end(key, TestPool.get(store.load(key)).orElse(null));
    }
    end(system);
    delete(directory);
    judge(pool, "round " + round + (durable ? " on H2" : " in memory"), plan.size(), began);
  }

  private static Path directory() {
    try {
      return Files.createTempDirectory("gorgon-sessions-");
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  private static void delete(Path directory) {
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
      Files.delete(directory);
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  private static ActorSystem<?> system(String settings) {
    return ActorSystem.create(
        Behaviors.empty(),
        "sessions",
        ConfigFactory.parseString(settings).withFallback(ConfigFactory.load()));
  }

  private static void end(ActorSystem<?> system) {
    system.terminate();
    TestPool.get(system.getWhenTerminated());
  }

  private void run(RecordedPool pool, List<What> plan, List<String> keys, Random random) {
    var next = new AtomicInteger();
    var threads = Executors.newFixedThreadPool(CALLERS + 1);
    try {
      // A JVM that loads its classes is late by itself.
      var first = new SessionCaller(pool, keys, random);
      SessionPlan.EACH_WITHOUT_A_SHORT_DEADLINE.forEach(first::make);
      List<CompletableFuture<?>> all = new ArrayList<>();
      for (int i = 0; i < CALLERS; i++) {
        var caller = new SessionCaller(pool, keys, new Random(random.nextLong()));
        all.add(
            CompletableFuture.runAsync(
                () -> {
                  for (int n; (n = next.getAndIncrement()) < plan.size(); ) {
                    caller.make(plan.get(n));
                  }
                },
                threads));
      }
      var killer = new Random(random.nextLong());
      all.add(CompletableFuture.runAsync(() -> kill(pool, killer, next, plan.size()), threads));
      CompletableFuture.allOf(all.toArray(CompletableFuture[]::new)).join();
    } finally {
      threads.shutdown();
    }
  }

  /** Kills at any moment, evenly over the calls; the keeper too, a few times. */
  private void kill(RecordedPool pool, Random random, AtomicInteger next, int size) {
    int wanted = size * KILLS / 1_000;
    Set<Long> victims = new HashSet<>();
    int killed = 0;
    int ended = 0;
    while (killed < wanted && next.get() < size) {
      LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(500 + random.nextInt(8_000)));
      List<RecordedPool.Process> processes = pool.processes();
      if ((long) killed * size > (long) next.get() * wanted || processes.isEmpty()) {
        continue;
      }
      var victim = processes.get(random.nextInt(processes.size()));
      boolean keeper = ended < KEEPERS && killed * (KEEPERS + 1) > wanted * (ended + 1);
      if (keeper && killKeeper(victim.pid())) {
        ended++;
        killed++;
      } else if (!keeper && victims.add(victim.pid()) && pool.kill(victim)) {
        killed++;
      }
    }
    kills += killed;
    keepers += ended;
  }

  /** The parent of a worker, if that is still a child of ours. */
  private static boolean killKeeper(long worker) {
    return ProcessHandle.of(worker)
        .flatMap(ProcessHandle::parent)
        .filter(keeper -> keeper.parent().equals(Optional.of(ProcessHandle.current())))
        .map(ProcessHandle::destroyForcibly)
        .orElse(false);
  }

  private void judge(RecordedPool pool, String what, int size, long began) {
    List<Violation> found = pool.violations();
    long changed =
        pool.history.all(Fact.Changed.class).stream().map(Fact.Changed::change).distinct().count();
    long there = 0;
    for (Fact.StateRead read : pool.history.all(Fact.StateRead.class)) {
      there += read.last() ? read.changes().size() : 0;
      looks++;
    }
    looks += pool.history.all(Fact.Saw.class).size();
    runs += pool.history.all(Fact.Started.class).size();
    calls += size;
    kept += there;
    dropped += changed - there;
    violations.addAll(found);
    found.stream().limit(20).forEach(one -> System.out.println("[sessions] " + one));
    System.out.printf(
        "[sessions] %s, seed %d: %,d calls, %,d changes kept, %,d not, %,d kills, %d keepers,"
            + " %,d facts, %d violations, %.0f s%n",
        what,
        seed,
        size,
        there,
        changed - there,
        kills,
        keepers,
        pool.history.all(Fact.class).size(),
        found.size(),
        (System.nanoTime() - began) / 1e9);
  }

  /** What went wrong, with sessions and otherwise. */
  public List<Violation> violations() {
    return List.copyOf(violations);
  }

  long calls() {
    return calls;
  }

  /** The kinds of violation that its own rows count. */
  static Set<Breach> breaches() {
    EnumSet<Breach> all = EnumSet.copyOf(LOST);
    all.addAll(DOUBLED);
    all.addAll(ORDER);
    all.addAll(SEEN);
    return all;
  }

  private Figure none(Set<Breach> breaches) {
    return Figure.none(
        "", violations.stream().filter(one -> breaches.contains(one.breach())).count());
  }

  /** Its rows, for so many calls. */
  Row[] rows(int wanted) {
    return new Row[] {
      Row.of(
          22,
          "session changes lost that were acknowledged, in memory and on H2",
          "0",
          none(LOST),
          Figure.atLeast("of", kept, wanted / 2, "kept"),
          Figure.atLeast("with", kills, wanted * KILLS / 2_000, "SIGKILL"),
          Figure.atLeast("", keepers, 1, "of keepers")),
      Row.of(
          23,
          "session changes doubled, kept in part, or kept though the failure said they were not",
          "0",
          none(DOUBLED),
          Figure.atLeast("of", dropped, wanted / 20, "that failed")),
      Row.of(
          24,
          "calls of a session out of order, or two of them at once",
          "0",
          none(ORDER),
          Figure.atLeast("of", runs, wanted / 2, "runs")),
      Row.of(
          25,
          "looks at the state of another session, at one never kept, or at an old one",
          "0",
          none(SEEN),
          Figure.atLeast("of", looks, wanted / 2, "looks"))
    };
  }
}
