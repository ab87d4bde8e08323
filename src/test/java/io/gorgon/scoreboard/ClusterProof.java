package io.gorgon.scoreboard;

import io.gorgon.session.SessionState;
import io.gorgon.session.durable.DurableStore;
import io.gorgon.testkit.TestPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Three nodes under load, and what can happen to them: one is killed, one leaves, all are replaced,
 * one is cut off, the database is away. Then everything is held against everything.
 */
final class ClusterProof implements AutoCloseable {

  private static final int NODES = 3;
  private static final long CALM = TimeUnit.SECONDS.toNanos(3);

  private record Phase(String name, long from, long until) {}

  private final ProofCluster cluster;
  private final Path journal;
  private final ProofLoad load;
  private final List<Phase> phases = new ArrayList<>();
  private final Map<String, Long> deaths = new HashMap<>();
  private final List<Double> detections = new ArrayList<>();
  private final List<Double> recoveries = new ArrayList<>();
  private final List<Double> drains = new ArrayList<>();
  private final List<Double> movedBack = new ArrayList<>();
  private double selfDowned;
  private double afterPostgres;
  private long orphans;
  private long cutDrains;
  private int events;

  ClusterProof(TestPostgres postgres, Path directory, long seed) throws IOException {
    this.journal = Files.createFile(directory.resolve("journal"));
    this.cluster = new ProofCluster("node", postgres, true, NODES, 1);
    this.load = new ProofLoad(cluster.front(), cluster.pool(), journal, seed);
  }

  private static void calm() {
    LockSupport.parkNanos(CALM);
  }

  private static double seconds(long from, long until) {
    return (until - from) / 1e9;
  }

  private void phase(String name, Runnable event) {
    long from = System.nanoTime();
    System.out.println("[proof] " + name);
    event.run();
    calm();
    phases.add(new Phase(name, from, System.nanoTime()));
    System.out.printf("[proof] %s took %.1f s%n", name, seconds(from, System.nanoTime()));
  }

  private String next() {
    return "r" + ++events;
  }

  /** All of it, so many times. */
  void run(int rounds) {
    load.start();
    phase("calm", () -> {});
    for (int i = 0; i < rounds; i++) {
      phase("kill -9", () -> kill(busiest()));
      phase("leave", () -> leave(busiest()));
      phase("rolling restart", this::roll);
      phase("short partition", () -> blink(busiest()));
      phase("partition", () -> part(busiest()));
      phase("no database", this::withoutPostgres);
    }
    load.stop();
  }

  private NodeProcess busiest() {
    return cluster.nodes().stream()
        .max(Comparator.comparingInt(node -> load.sessionsAt(node.name()).size()))
        .orElseThrow();
  }

  private void kill(NodeProcess node) {
    List<String> sessions = load.sessionsAt(node.name());
    long killed = System.nanoTime();
    node.kill();
    orphans += node.orphans();
    // Its Python had a second; what is left would be an orphan, and is counted as one.
    deaths.put(node.name(), Math.min(System.nanoTime(), killed + 1_000_000_000L));
    recover(node, sessions, killed);
    cluster.replace(node);
  }

  private void recover(NodeProcess node, List<String> sessions, long since) {
    long unreachable = cluster.members().await(node.address(), Members.Seen.UNREACHABLE, since);
    long downed = cluster.members().await(node.address(), Members.Seen.DOWNED, since);
    long back = load.untilAllAnswer(next(), sessions, downed);
    detections.add(seconds(since, downed));
    recoveries.add(seconds(downed, back));
    System.out.printf(
        "[proof] %s: unreachable after %.2f s, downed after %.2f s, its %d sessions back %.2f s"
            + " later%n",
        node.name(),
        seconds(since, unreachable),
        seconds(since, downed),
        sessions.size(),
        seconds(downed, back));
  }

  private void leave(NodeProcess node) {
    goAway(node);
    cluster.replace(node);
  }

  private void goAway(NodeProcess node) {
    List<String> sessions = load.sessionsAt(node.name());
    long told = System.nanoTime();
    node.leave();
    long back = load.untilAllAnswer(next(), sessions, told);
    if (!node.awaitEnd(60)) {
      throw new AssertionError(node.name() + " does not end, see " + node.log());
    }
    deaths.put(node.name(), System.nanoTime());
    drains.add(seconds(told, System.nanoTime()));
    movedBack.add(seconds(told, back));
    cutDrains += node.logged("timed out after").size();
    orphans += node.orphans();
    System.out.printf(
        "[proof] %s: left in %.2f s, its %d sessions had answered by %.2f s%n",
        node.name(), drains.get(drains.size() - 1), sessions.size(), seconds(told, back));
  }

  private void roll() {
    cluster.raiseVersion();
    for (NodeProcess node : cluster.nodes()) {
      goAway(node);
      cluster.replace(node);
    }
  }

  /** It comes back before anybody decides about it. */
  private void blink(NodeProcess node) {
    long cut = System.nanoTime();
    cluster.wires().cut(node.host());
    cluster.members().await(node.address(), Members.Seen.UNREACHABLE, cut);
    LockSupport.parkNanos(200_000_000L);
    cluster.wires().heal(node.host());
    cluster.members().await(node.address(), Members.Seen.REACHABLE, cut);
  }

  private void part(NodeProcess node) {
    List<String> sessions = load.sessionsAt(node.name());
    long cut = System.nanoTime();
    cluster.wires().cut(node.host());
    recover(node, sessions, cut);
    if (!node.awaitEnd(30)) {
      throw new AssertionError(node.name() + " was downed and goes on, see " + node.log());
    }
    long ended = System.nanoTime();
    selfDowned = Math.max(selfDowned, seconds(cut, ended));
    deaths.put(node.name(), ended);
    orphans += node.orphans();
    System.out.printf(
        "[proof] %s had ended %.2f s after the cut%n", node.name(), seconds(cut, ended));
    cluster.wires().heal(node.host());
    cluster.replace(node);
  }

  private void withoutPostgres() {
    cluster.postgres().stop();
    LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(10));
    cluster.postgres().startAgain();
    long again = System.nanoTime();
    List<String> all = new ArrayList<>();
    for (int i = 0; i < ProofLoad.SESSIONS; i++) {
      all.add(ProofLoad.session(i));
    }
    afterPostgres =
        Math.max(afterPostgres, seconds(again, load.untilAllAnswer(next(), all, again)));
  }

  /** What each session has in the database. */
  private Map<String, List<String>> states() {
    var store = new DurableStore(cluster.front(), ProofNode.POOL);
    Map<String, List<String>> states = new LinkedHashMap<>();
    for (int i = 0; i < ProofLoad.SESSIONS; i++) {
      String session = ProofLoad.session(i);
      List<String> ids = new ArrayList<>();
      SessionState state = store.load(session).toCompletableFuture().join().orElse(null);
      if (state != null) {
        for (Object id : (List<?>) state.decoded().getOrDefault("ids", List.of())) {
          ids.add(String.valueOf(id));
        }
        if (!Integer.valueOf(ids.size()).equals(state.decoded().get("count"))) {
          throw new AssertionError(session + " has a change in part: " + state.decoded());
        }
      }
      states.put(session, ids);
    }
    return states;
  }

  /** The rows, from 26. */
  Row[] rows() throws IOException {
    var ledger = new Ledger(load.attempts(), journal, states(), deaths);
    for (Phase phase : phases) {
      System.out.println(
          "[proof] " + phase.name() + ": " + ledger.outcomes(phase.from(), phase.until()));
      ledger.outcomes(phase.from(), phase.until()).keySet().stream()
          .filter(outcome -> !outcome.equals("answers"))
          .flatMap(outcome -> ledger.examples(outcome, phase.from(), phase.until()).stream())
          .forEach(line -> System.out.println("[proof]   " + line));
    }
    ledger.print();
    int calls = load.attempts().size();
    return new Row[] {
      Row.of(
          26,
          "three nodes: calls without exactly one typed outcome by deadline + 250 ms",
          "0",
          Figure.none("", ledger.untyped.size()),
          Figure.atLeast("of", calls, 1_000, "calls")),
      Row.of(
          27,
          "committed session changes lost, doubled, kept though told otherwise, out of order",
          "0, 0, 0, 0",
          Figure.none("", ledger.lost.size()),
          Figure.none("", ledger.doubled.size()),
          Figure.none("", ledger.unexpected.size()),
          Figure.none("", ledger.disordered.size())),
      Row.of(
          28,
          "sessions that two nodes ran at once; calls run twice or told wrongly; broken streams",
          "0, 0, 0",
          Figure.none("", ledger.ownedTwice.size()),
          Figure.none("", ledger.ranTwice.size()),
          Figure.none("", load.brokenStreams())),
      Row.of(
          29,
          "Python processes left a second after the end of their node",
          "0",
          Figure.none("", orphans)),
      Row.of(
          30,
          "node seen as downed → its last session answers elsewhere",
          "≤ 3 s",
          Figure.within("", most(recoveries), 3, "s"),
          Figure.within("downed", most(detections), 10, "s after the event").shown()),
      Row.of(
          31,
          "graceful leave: cut by a shutdown phase; until the JVM has ended",
          "0, ≤ 10 s",
          Figure.none("", cutDrains),
          Figure.within("", most(drains), 10, "s"),
          Figure.within("sessions answer within", most(movedBack), 3, "s").shown()),
      Row.of(
          32,
          "downed by a partition → its JVM has ended; database back → all sessions answer",
          "≤ 10 s, ≤ 3 s",
          Figure.within("", selfDowned, 10, "s"),
          Figure.within("", afterPostgres, 3, "s"))
    };
  }

  private static double most(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).max().orElse(Double.MAX_VALUE);
  }

  @Override
  public void close() {
    cluster.close();
  }
}
