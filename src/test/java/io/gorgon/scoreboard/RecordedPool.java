package io.gorgon.scoreboard;

import io.gorgon.Checkout;
import io.gorgon.PythonPool;
import io.gorgon.RunningCall;
import io.gorgon.message.Call;
import io.gorgon.message.Chunk;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.message.WorkerId;
import io.gorgon.pool.Pool;
import io.gorgon.proving.TestPool;
import io.gorgon.proving.history.Fact;
import io.gorgon.proving.history.Fact.Terms;
import io.gorgon.proving.history.History;
import io.gorgon.proving.history.Violation;
import io.gorgon.tool.Tools;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.stream.javadsl.Keep;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.Source;
import org.jspecify.annotations.Nullable;

/**
 * A pool over real Python whose calls, elements, questions, leases and events are all written down,
 * to be joined with what its workers write. Its own subscriber to events misses none.
 */
final class RecordedPool implements AutoCloseable {

  private static final AtomicLong COUNT = new AtomicLong();

  /** The kit's pool under it; null for {@link #over}. */
  final @Nullable TestPool tested;

  private final ActorSystem<?> system;
  private final PythonPool pool;
  final History history = new History();
  private final Path journal;
  private final ActorRef<PoolEvent> listener;
  private final AtomicLong numbers = new AtomicLong();
  private final ConcurrentHashMap<Integer, Process> processes = new ConcurrentHashMap<>();

  private final CompletableFuture<Void> stopped = new CompletableFuture<>();

  /** What runs in a slot now. */
  record Process(WorkerId worker, long pid) {}

  private RecordedPool(ActorSystem<?> system, PythonPool pool, @Nullable TestPool tested) {
    this.system = system;
    this.pool = pool;
    this.tested = tested;
    try {
      this.journal = Files.createTempDirectory("gorgon-history-").resolve("journal");
      Files.createFile(journal);
    } catch (IOException failed) {
      throw new AssertionError(failed);
    }
    listener =
        system.systemActorOf(
            Behaviors.<PoolEvent>receiveMessage(this::listen),
            "listener-" + COUNT.incrementAndGet(),
            Props.empty());
    pool().ref().tell(new Pool.Subscribe(listener));
    pool()
        .offer(
            Tools.NONE.with(
                "answer",
                call -> {
                  history.add(
                      new Fact.Served(
                          now(),
                          call.argument(0, String.class),
                          call.argument(1, Long.class),
                          call.callId()));
                  return call.argument(2, String.class);
                }));
  }

  /** As {@link TestPool#start}. */
  static RecordedPool start(String... settings) {
    TestPool tested = TestPool.start(settings);
    return new RecordedPool(tested.system(), tested.pool(), tested);
  }

  /** As {@link TestPool#startIn}. */
  static RecordedPool startIn(ActorSystem<?> system, String... settings) {
    TestPool tested = TestPool.startIn(system, settings);
    return new RecordedPool(system, tested.pool(), tested);
  }

  /** Records what happens to a pool that goes on afterwards; see {@link #leave}. */
  static RecordedPool over(ActorSystem<?> system, PythonPool pool) {
    return new RecordedPool(system, pool, null);
  }

  /** Stops recording; leases that end later are not in the history. */
  void leave() {
    listener.tell(new PoolEvent.PoolStopped(""));
    TestPool.get(stopped);
    // Else the pool would hold on to this history by its tool.
    pool.offer(Tools.NONE.with("answer", call -> null));
  }

  PythonPool pool() {
    return pool;
  }

  /** An actor that stops when it is told anything. */
  ActorRef<String> mortal() {
    return system.systemActorOf(
        Behaviors.<String>receiveMessage(any -> Behaviors.stopped()),
        "mortal-" + COUNT.incrementAndGet(),
        Props.empty());
  }

  private Behavior<PoolEvent> listen(PoolEvent event) {
    if (event.pool().isEmpty()) {
      stopped.complete(null);
      return Behaviors.stopped();
    }
    onEvent(event);
    return event instanceof PoolEvent.PoolStopped ? Behaviors.stopped() : Behaviors.same();
  }

  private void onEvent(PoolEvent event) {
    history.add(new Fact.Event(now(), event));
    if (event instanceof PoolEvent.PoolStopped) {
      stopped.complete(null);
    }
    if (event instanceof PoolEvent.WorkerReady up) {
      processes.put(up.worker().slot(), new Process(up.worker(), up.pid()));
    } else if (event instanceof PoolEvent.WorkerGone gone) {
      processes.computeIfPresent(
          gone.worker().slot(),
          (slot, process) -> process.worker().equals(gone.worker()) ? null : process);
    }
  }

  /** What is known to run. */
  List<Process> processes() {
    return List.copyOf(processes.values());
  }

  /** Kills a process from outside. */
  boolean kill(Process process) {
    history.add(new Fact.Harm(now(), process.worker(), "SIGKILL"));
    return ProcessHandle.of(process.pid()).map(ProcessHandle::destroyForcibly).orElse(false);
  }

  static long now() {
    return System.nanoTime();
  }

  /** A call that was made, and when its caller had been told everything. */
  record Sent(String id, RunningCall running, CompletableFuture<Void> told) {}

  /** Calls a target of {@code journaled.py} with more arguments. */
  Sent call(
      Function<Call, RunningCall> road,
      Terms terms,
      String fault,
      String function,
      Object... more) {
    return call(road, id(), terms, fault, "journaled:" + function, more);
  }

  /** Calls a target that begins as those of {@code journaled.py}, under an id of {@link #id}. */
  Sent call(
      Function<Call, RunningCall> road,
      String id,
      Terms terms,
      String fault,
      String target,
      Object... more) {
    String nonce = nonce(id, fault);
    history.add(new Fact.Asked(now(), id, nonce, terms));
    RunningCall running = road.apply(request(terms, id, nonce, target, more));
    return new Sent(id, running, note(id, running, false));
  }

  private Call request(Terms terms, String id, String nonce, String target, Object... more) {
    var arguments = new java.util.ArrayList<Object>();
    arguments.addAll(List.of(journal.toString(), id, nonce));
    arguments.addAll(List.of(more));
    return Call.of(target, arguments.toArray())
        .withTimeout(terms.limit())
        .idempotent(terms.runs() - 1);
  }

  /** Of a call that is about to be made. */
  String id() {
    return Long.toString(numbers.incrementAndGet());
  }

  private static String nonce(String id, String fault) {
    return "n" + id + (fault.isEmpty() ? "" : ":fault:" + fault);
  }

  /**
   * Notes what the caller is told.
   *
   * @param mayBeCancelled by others than {@link #cancel}: a consumer that leaves, an owner that
   *     dies
   */
  private CompletableFuture<Void> note(String id, RunningCall running, boolean mayBeCancelled) {
    var told = new CompletableFuture<Void>();
    running.whenComplete(
        (reply, failure) -> {
          Throwable why = unwrapped(failure);
          if (mayBeCancelled && why instanceof Cancelled) {
            history.add(new Fact.CancelTaken(now(), id));
          }
          history.add(
              new Fact.Told(
                  now(),
                  id,
                  reply == null ? null : reply.as(String.class),
                  reply == null ? null : reply.worker(),
                  why));
          told.complete(null);
        });
    return told;
  }

  /** Cancels, as a caller who changed his mind. */
  void cancel(Sent sent) {
    if (sent.running().cancel()) {
      history.add(new Fact.CancelTaken(now(), sent.id()));
    }
  }

  /**
   * Runs a stream.
   *
   * @param failAt where Python fails, -1 for nowhere
   * @param leaveAfter when the consumer leaves
   */
  CompletableFuture<Void> stream(Terms terms, String fault, long failAt, long leaveAfter) {
    Function<Call, Source<Chunk, RunningCall>> road = call -> pool().stream(call);
    String target = "journaled:stream";
    return stream(road, id(), terms, fault, leaveAfter, target, terms.elements(), failAt);
  }

  /** Runs a stream of another target. */
  CompletableFuture<Void> stream(
      Function<Call, Source<Chunk, RunningCall>> road,
      String id,
      Terms terms,
      String fault,
      long leaveAfter,
      String target,
      Object... more) {
    String nonce = nonce(id, fault);
    history.add(new Fact.Asked(now(), id, nonce, terms));
    var ran =
        road.apply(request(terms, id, nonce, target, more))
            .take(leaveAfter)
            .toMat(
                Sink.foreach(
                    chunk ->
                        history.add(
                            new Fact.Element(now(), id, chunk.index(), chunk.as(String.class)))),
                Keep.both())
            .run(system);
    CompletableFuture<Void> told = note(id, ran.first(), leaveAfter < terms.elements());
    CompletableFuture<Done> over = ran.second().toCompletableFuture();
    return over.handle(
            (done, failure) -> {
              history.add(new Fact.StreamOver(now(), id, unwrapped(failure)));
              return done;
            })
        .thenCombine(told, (done, any) -> null);
  }

  /** Runs calls under a checkout; a call may end with its owner. */
  CompletableFuture<Void> callUnder(Checkout checkout, Terms terms, double seconds) {
    String id = id();
    String nonce = nonce(id, "");
    Terms own = terms.under(checkout.lease().sequence());
    history.add(new Fact.Asked(now(), id, nonce, own));
    return note(id, checkout.call(request(own, id, nonce, "journaled:call", seconds)), true);
  }

  void held(Checkout checkout) {
    history.add(new Fact.Held(now(), checkout.lease().sequence(), checkout.worker()));
  }

  void givenBack(Checkout checkout) {
    history.add(new Fact.GivenBack(now(), checkout.lease().sequence(), checkout.worker()));
  }

  static @Nullable Throwable unwrapped(@Nullable Throwable failure) {
    return failure instanceof CompletionException && failure.getCause() != null
        ? failure.getCause()
        : failure;
  }

  /**
   * What a call that has started may be told when its worker dies or writes garbage, by whosever
   * fault: what it did is done, and its answer cannot be had any more.
   */
  static boolean isLost(PythonFailure failure) {
    return failure instanceof PythonFailure.ProtocolViolation
        || (failure instanceof PythonFailure.WorkerLost lost && lost.started());
  }

  /** What is wrong with its history; after {@link #close}. */
  List<Violation> violations() {
    try {
      history.addJournal(journal);
      try (Stream<Path> files = Files.list(journal.getParent())) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(journal.getParent());
      return history.violations();
    } catch (IOException failed) {
      throw new AssertionError(failed);
    }
  }

  /** Where workers write. */
  Path journal() {
    return journal;
  }

  /** Stops the pool; its end is in the history then. */
  @Override
  public void close() {
    TestPool.get(pool().drain(Duration.ofSeconds(1)));
    TestPool.get(stopped);
    if (tested != null) {
      tested.close();
    }
  }
}
