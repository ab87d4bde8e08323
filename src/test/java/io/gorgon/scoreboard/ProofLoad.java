package io.gorgon.scoreboard;

import io.gorgon.PythonPool;
import io.gorgon.message.Call;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.stream.javadsl.Sink;
import org.jspecify.annotations.Nullable;

/** The callers: some of sessions, several at a time on each; some of no session; one of streams. */
final class ProofLoad {

  static final int SESSIONS = 40;

  private static final int CALLERS = 4;
  private static final int STATELESS = 2;
  private static final int ELEMENTS = 20;

  /** After which a call that was never answered is taken for one that hangs. */
  private static final Duration HANGS = Duration.ofSeconds(30);

  private final ActorSystem<?> system;
  private final PythonPool pool;
  private final Path journal;
  private final long seed;
  private final Queue<Attempt> attempts = new ConcurrentLinkedQueue<>();
  private final AtomicLong brokenStreams = new AtomicLong();
  private final List<Thread> threads = new ArrayList<>();
  private volatile boolean over;

  ProofLoad(ActorSystem<?> system, PythonPool pool, Path journal, long seed) {
    this.system = system;
    this.pool = pool;
    this.journal = journal;
    this.seed = seed;
  }

  void start() {
    for (int i = 0; i < CALLERS; i++) {
      caller("s" + i, this::sessionCalls);
    }
    for (int i = 0; i < STATELESS; i++) {
      caller("c" + i, this::calls);
    }
    caller("t0", this::streams);
  }

  private interface Caller {
    List<CompletableFuture<Attempt>> call(String name, long number, Random random);
  }

  private void caller(String name, Caller caller) {
    var random = new Random(seed * 31 + name.hashCode());
    var thread =
        new Thread(
            () -> {
              long number = 0;
              while (!over) {
                for (CompletableFuture<Attempt> each : caller.call(name, number, random)) {
                  attempts.add(each.join());
                  number++;
                }
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5 + random.nextInt(20)));
              }
            },
            "proof-" + name);
    thread.setDaemon(true);
    threads.add(thread);
    thread.start();
  }

  /** Stops the callers, who wait for their last answers. */
  void stop() {
    over = true;
    for (Thread thread : threads) {
      try {
        thread.join(TimeUnit.MINUTES.toMillis(1));
      } catch (InterruptedException never) {
        throw new AssertionError(never);
      }
    }
  }

  List<Attempt> attempts() {
    return List.copyOf(attempts);
  }

  long brokenStreams() {
    return brokenStreams.get();
  }

  static String session(int index) {
    return "session-" + index;
  }

  private List<CompletableFuture<Attempt>> sessionCalls(String name, long number, Random random) {
    String session = session(random.nextInt(SESSIONS));
    int burst = 1 + random.nextInt(3);
    List<CompletableFuture<Attempt>> sent = new ArrayList<>();
    for (int i = 0; i < burst; i++) {
      Duration limit = Duration.ofMillis(1_500 + random.nextInt(3_000));
      sent.add(enter(session, name + ":" + (number + i), limit, random.nextInt(10) / 1_000.0));
    }
    return sent;
  }

  /** One call of a session. */
  CompletableFuture<Attempt> enter(String session, String id, Duration limit, double seconds) {
    Call call = Call.of("clustered:enter", journal.toString(), id, seconds).withTimeout(limit);
    return noted(
        id,
        session,
        limit,
        pool.session(session).call(call).thenApply(reply -> reply.as(String.class)));
  }

  private List<CompletableFuture<Attempt>> calls(String name, long number, Random random) {
    List<CompletableFuture<Attempt>> sent = new ArrayList<>();
    int burst = 1 + random.nextInt(4);
    for (int i = 0; i < burst; i++) {
      String id = name + ":" + (number + i);
      Duration limit = Duration.ofMillis(500 + random.nextInt(3_000));
      Call call =
          Call.of("clustered:once", journal.toString(), id, random.nextInt(30) / 1_000.0)
              .withTimeout(limit);
      sent.add(noted(id, null, limit, pool.call(call).thenApply(reply -> reply.as(String.class))));
    }
    return sent;
  }

  private List<CompletableFuture<Attempt>> streams(String name, long number, Random random) {
    String id = name + ":" + number;
    Duration limit = Duration.ofMillis(2_000 + random.nextInt(2_000));
    Call call =
        Call.of("clustered:numbers", journal.toString(), id, ELEMENTS)
            .withTimeout(limit)
            .withIdleTimeout(limit);
    List<Integer> seen = new ArrayList<>();
    CompletionStage<String> end =
        pool.stream(call)
            .map(chunk -> chunk.as(Integer.class))
            .runWith(Sink.foreach(seen::add), system)
            .handle(
                (done, failure) -> {
                  boolean inOrder = true;
                  for (int i = 0; i < seen.size(); i++) {
                    inOrder &= seen.get(i) == i;
                  }
                  if (!inOrder || (failure == null && seen.size() != ELEMENTS)) {
                    brokenStreams.incrementAndGet();
                    System.out.println("[proof] stream " + id + " gave " + seen);
                  }
                  if (failure != null) {
                    throw new CompletionException(cause(failure));
                  }
                  return "";
                });
    // Its limit is for the first element, then for each one: in all it may be this.
    return List.of(noted(id, null, limit.multipliedBy(2), end));
  }

  private static CompletableFuture<Attempt> noted(
      String id, @Nullable String session, Duration limit, CompletionStage<String> answer) {
    long sentAt = System.nanoTime();
    var copy = new CompletableFuture<String>();
    answer.whenComplete(
        (node, failure) -> {
          if (failure == null) {
            copy.complete(node);
          } else {
            copy.completeExceptionally(cause(failure));
          }
        });
    return copy.orTimeout(HANGS.toMillis(), TimeUnit.MILLISECONDS)
        .handle(
            (node, failure) ->
                new Attempt(
                    id,
                    session,
                    sentAt,
                    limit.toNanos(),
                    System.nanoTime(),
                    node,
                    failure == null ? null : cause(failure)));
  }

  private static Throwable cause(Throwable failure) {
    return failure instanceof CompletionException && failure.getCause() != null
        ? failure.getCause()
        : failure;
  }

  /**
   * Calls sessions until each has answered, over and over.
   *
   * @param name of this caller, unlike all others
   * @return when the last of them had answered for the first time; {@code since} if there are none
   */
  long untilAllAnswer(String name, List<String> sessions, long since) {
    List<CompletableFuture<Long>> all = new ArrayList<>();
    for (int i = 0; i < sessions.size(); i++) {
      all.add(untilItAnswers(sessions.get(i), name + "-" + i, 0));
    }
    long last = since;
    for (CompletableFuture<Long> each : all) {
      try {
        last = Math.max(last, each.get(60, TimeUnit.SECONDS));
      } catch (TimeoutException
          | InterruptedException
          | java.util.concurrent.ExecutionException e) {
        throw new AssertionError("a session does not come back", e);
      }
    }
    return last;
  }

  private CompletableFuture<Long> untilItAnswers(String session, String caller, long number) {
    return enter(session, caller + ":" + number, Duration.ofSeconds(2), 0)
        .thenCompose(
            attempt -> {
              attempts.add(attempt);
              return attempt.isAcknowledged()
                  ? CompletableFuture.completedFuture(attempt.endedAt())
                  : CompletableFuture.supplyAsync(
                          () -> 0, CompletableFuture.delayedExecutor(20, TimeUnit.MILLISECONDS))
                      .thenCompose(any -> untilItAnswers(session, caller, number + 1));
            });
  }

  /** The sessions whose last answer came from that node. */
  List<String> sessionsAt(String node) {
    var last = new java.util.HashMap<String, Attempt>();
    for (Attempt each : attempts) {
      if (each.session() != null && each.isAcknowledged()) {
        last.merge(each.session(), each, (a, b) -> a.endedAt() > b.endedAt() ? a : b);
      }
    }
    return last.values().stream()
        .filter(each -> node.equals(each.node()))
        .map(Attempt::session)
        .sorted()
        .toList();
  }
}
