package io.gorgon.process;

import io.gorgon.message.Exit;
import io.gorgon.message.PythonFailure.NoDump;
import io.gorgon.message.PythonFailure.StartFailed;
import io.gorgon.message.WorkerId;
import io.gorgon.process.KeeperReport.Key;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This keeps a keeper: starts one when the first worker is wanted, hands its reports to the workers
 * they are about, and starts another one, in another run directory, should it die. Its workers die
 * with a keeper and are told so. Thread-safe; {@link #prepare} and {@link #describe} block.
 */
public final class Keeper implements MemoryMaker, AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Keeper.class);

  /** How long a keeper may take to end after its input was closed, before it is killed. */
  private static final Duration END_PATIENCE = Duration.ofSeconds(3);

  /** Memory that is being made. */
  private record Order(long size, CompletableFuture<KeptMemory> made) {}

  private final String pool;
  private final String python;
  private final Duration startTimeout;
  private final int linesPerSecond;
  private final AtomicLong template = new AtomicLong();
  private final ReentrantLock starting = new ReentrantLock();
  private final Map<Key, WorkerProcess> workers = new ConcurrentHashMap<>();
  private volatile CompletableFuture<Map<Key, Long>> memory =
      CompletableFuture.completedFuture(Map.of());
  private final AtomicLong orders = new AtomicLong();
  private final Map<Long, Order> ordered = new ConcurrentHashMap<>();
  private volatile @Nullable KeeperProcess process;
  private volatile @Nullable RunDirectory home;
  private boolean closed;

  /**
   * Prepares; starts nothing yet.
   *
   * @param python the setting that {@link Interpreter#find} resolves
   * @param startTimeout how long a keeper may take to speak, and a template to import its modules
   * @param linesPerSecond how many output lines of one stream reach the log in a second
   */
  public Keeper(String pool, String python, Duration startTimeout, int linesPerSecond) {
    this.pool = pool;
    this.python = python;
    this.startTimeout = startTimeout;
    this.linesPerSecond = linesPerSecond;
  }

  /**
   * Gives a place for one worker process, on a running keeper. Blocks while that one starts.
   *
   * @throws StartFailed if no keeper can be started
   */
  public WorkerProcess prepare(WorkerId id) {
    starting.lock();
    try {
      KeeperProcess keeper = running();
      var worker =
          new WorkerProcess(
              id,
              keeper,
              template.get(),
              startTimeout,
              java.util.Objects.requireNonNull(home),
              linesPerSecond);
      workers.put(new Key(id.slot(), id.generation()), worker);
      return worker;
    } finally {
      starting.unlock();
    }
  }

  /**
   * Has every worker that is prepared from now on come from a new template, which imports its
   * modules anew. The old one ends when the new one is ready. Does not block.
   */
  public void renewTemplate() {
    template.incrementAndGet();
  }

  /**
   * What the interpreter is, starting a keeper if none runs. Blocks.
   *
   * @throws StartFailed if no keeper can be started
   */
  public PythonDescription describe() {
    starting.lock();
    try {
      return running().description();
    } finally {
      starting.unlock();
    }
  }

  /**
   * Measures the memory (resident set, in bytes) of each worker's process group. Empty where the
   * system cannot tell or no keeper runs. Does not block.
   */
  public CompletableFuture<Map<WorkerId, Long>> memory() {
    KeeperProcess keeper = process;
    if (keeper == null) {
      return CompletableFuture.completedFuture(Map.of());
    }
    if (memory.isDone()) {
      memory = new CompletableFuture<>();
    }
    CompletableFuture<Map<Key, Long>> asked = memory;
    keeper.send(Map.of("op", "memory"));
    return asked.thenApply(
        bytes -> {
          var byWorker = new java.util.HashMap<WorkerId, Long>();
          bytes.forEach(
              (key, value) ->
                  byWorker.put(new WorkerId(pool, key.slot(), key.generation()), value));
          return byWorker;
        });
  }

  /**
   * Has the keeper make memory for sharing. Fails where the system has none, or no keeper runs.
   * Does not block; completes on the thread that reads the keeper's reports.
   */
  @Override
  public CompletableFuture<KeptMemory> memory(long size) {
    KeeperProcess keeper = process;
    if (keeper == null) {
      return CompletableFuture.failedFuture(new IOException("no keeper runs"));
    }
    long order = orders.incrementAndGet();
    var made = new CompletableFuture<KeptMemory>();
    ordered.put(order, new Order(size, made));
    keeper.send(Map.of("op", "segment", "order", order, "size", size));
    if (process != keeper) {
      failOrders();
    }
    return made;
  }

  /**
   * Has the keeper close memory that it made; who has mapped it keeps it. Does not block.
   *
   * @param empty whether nobody wants what is in it any more: its pages are the system's at once
   */
  @Override
  public void drop(KeptMemory kept, boolean empty) {
    KeeperProcess keeper = process;
    if (keeper != null && keeper.pid() == kept.keeper()) {
      keeper.send(Map.of("op", "drop", "descriptor", kept.descriptor(), "empty", empty));
    }
  }

  private void failOrders() {
    for (Long order : List.copyOf(ordered.keySet())) {
      Order left = ordered.remove(order);
      if (left != null) {
        left.made().completeExceptionally(new IOException("the keeper is gone"));
      }
    }
  }

  /**
   * Asks a worker for its stacks, see {@link StackDump}. Does not block.
   *
   * @param blocking runs what looks at files
   * @return fails with {@link NoDump}
   */
  public CompletableFuture<String> dump(WorkerId id, Executor blocking) {
    WorkerProcess worker =
        id.pool().equals(pool) ? workers.get(new Key(id.slot(), id.generation())) : null;
    return worker == null
        ? CompletableFuture.failedFuture(
            new NoDump(id, NoDump.Reason.GONE, "pool '" + pool + "' has no such process"))
        : worker.dump(blocking);
  }

  /** Ends the keeper and every worker; returns at once. */
  @Override
  public void close() {
    starting.lock();
    try {
      closed = true;
      if (process != null) {
        process.close();
      }
    } finally {
      starting.unlock();
    }
  }

  /** Waits, after {@link #close}, until every process is gone and the directory with it. Blocks. */
  public void awaitClosed() {
    KeeperProcess last = process;
    if (last != null) {
      last.awaitEnd(END_PATIENCE);
    }
    if (home != null) {
      home.delete();
    }
  }

  private KeeperProcess running() {
    if (closed) {
      throw new StartFailed(StartFailed.Kind.EXITED, "the pool is closed", "");
    }
    if (process == null) {
      RunDirectory directory = RunDirectory.create();
      try {
        process =
            KeeperProcess.start(
                pool,
                Interpreter.find(python),
                BridgePackage.unpack(directory.path()),
                directory,
                startTimeout,
                this::onReport,
                this::onEnd);
      } catch (RuntimeException failed) {
        directory.delete();
        throw failed;
      }
      home = directory;
      PythonDescription python = process.description();
      log.info(
          "pool '{}' keeps its workers with {} {} ({})",
          pool,
          python.implementation(),
          python.version(),
          python.executable());
    }
    return process;
  }

  private void onReport(KeeperReport report) {
    if (report instanceof KeeperReport.Spawned spawned) {
      WorkerProcess worker = workers.get(spawned.key());
      if (worker != null) {
        worker.onSpawned(spawned.pid());
      }
    } else if (report instanceof KeeperReport.Exited exited) {
      WorkerProcess worker = workers.remove(exited.key());
      if (worker != null) {
        worker.onExited(exited.exit());
      }
    } else if (report instanceof KeeperReport.SpawnFailed failed) {
      WorkerProcess worker = workers.remove(failed.key());
      if (worker != null) {
        worker.onSpawnFailed(failed.failure());
      }
    } else if (report instanceof KeeperReport.Memory measured) {
      memory.complete(measured.bytes());
    } else if (report instanceof KeeperReport.Template made) {
      log.info(
          "pool '{}' forks its workers from process {}, which took {} ms to import {}{}",
          pool,
          made.pid(),
          made.millis(),
          made.modules(),
          made.printed().isEmpty() ? "" : " and printed: " + made.printed());
    } else if (report instanceof KeeperReport.MadeMemory made) {
      onMade(made);
    } else if (report instanceof KeeperReport.Notice notice) {
      log.warn("keeper of pool '{}': {}", pool, notice.message());
    }
  }

  private void onMade(KeeperReport.MadeMemory made) {
    Order order = ordered.remove(made.order());
    if (order != null && made.problem().isEmpty()) {
      order.made().complete(new KeptMemory(made.pid(), made.descriptor(), order.size()));
    } else if (order != null) {
      order.made().completeExceptionally(new IOException(made.problem()));
    }
  }

  /** The keeper is gone; its workers died with it, by the system's hand or by ours. */
  private void onEnd(KeeperProcess ended) {
    RunDirectory left = null;
    starting.lock();
    try {
      if (process == ended) {
        if (!closed) {
          log.error(
              "the keeper of pool '{}' died; its workers are lost: {}", pool, ended.errorText());
        }
        process = null;
        left = home;
        home = null;
      }
    } finally {
      starting.unlock();
    }
    ended.close();
    memory.complete(Map.of());
    failOrders();
    workers
        .values()
        .removeIf(
            worker -> {
              worker.onExited(Exit.UNKNOWN);
              return true;
            });
    if (left != null) {
      left.delete();
    }
  }
}
