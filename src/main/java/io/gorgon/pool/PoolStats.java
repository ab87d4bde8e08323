package io.gorgon.pool;

import io.gorgon.connection.SharedFigures;
import io.gorgon.message.WorkerId;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * This is what a pool looked like at one moment.
 *
 * @param pool the pool's name
 * @param status what it is doing
 * @param minWorkers workers that are kept
 * @param maxWorkers workers that there are at most
 * @param ready workers that serve
 * @param leased workers that are checked out
 * @param waitingCalls one-shot calls that wait
 * @param waitingCheckouts checkouts and session calls that wait
 * @param accepted one-shot calls taken in since the start
 * @param refused one-shot calls refused at the door since the start
 * @param staleMessages messages dropped since the start because they came too late
 * @param shared the memory that it shares with its workers
 * @param workers one entry a slot
 */
public record PoolStats(
    String pool,
    PoolStatus status,
    int minWorkers,
    int maxWorkers,
    int ready,
    int leased,
    int waitingCalls,
    int waitingCheckouts,
    long accepted,
    long refused,
    long staleMessages,
    SharedFigures shared,
    List<WorkerStats> workers) {

  /** Copies. */
  public PoolStats {
    shared = Objects.requireNonNullElse(shared, SharedFigures.NONE);
    workers = workers == null ? List.of() : List.copyOf(workers);
  }

  /** The same figures, told of a pool of that name. */
  public PoolStats named(String name) {
    return new PoolStats(
        name,
        status,
        minWorkers,
        maxWorkers,
        ready,
        leased,
        waitingCalls,
        waitingCheckouts,
        accepted,
        refused,
        staleMessages,
        shared,
        workers.stream().map(each -> each.named(name)).toList());
  }

  /** What two pools have together, with the name and the status of this one. */
  public PoolStats plus(PoolStats other) {
    return new PoolStats(
        pool,
        status,
        minWorkers + other.minWorkers,
        maxWorkers + other.maxWorkers,
        ready + other.ready,
        leased + other.leased,
        waitingCalls + other.waitingCalls,
        waitingCheckouts + other.waitingCheckouts,
        accepted + other.accepted,
        refused + other.refused,
        staleMessages + other.staleMessages,
        shared.plus(other.shared),
        Stream.concat(workers.stream(), other.workers.stream()).toList());
  }

  /** A pool that has nothing, and lets so many calls wait. */
  public static PoolStats empty(String pool, PoolStatus status, int waitingCalls) {
    return new PoolStats(
        pool, status, 0, 0, 0, 0, waitingCalls, 0, 0, 0, 0, SharedFigures.NONE, List.of());
  }

  /**
   * This is what one slot did, over all its incarnations.
   *
   * @param pool the pool that it is of; over many nodes with the node, as {@code default@host:port}
   * @param slot from 0
   * @param generation the incarnation that serves, 0 if none does
   * @param pid its process, 0 if there is none
   * @param state what it is doing, in words
   * @param running whether Python is in a call right now
   * @param restarts processes that were lost and replaced
   * @param answered calls that were answered, by a value or a failure
   * @param failed calls among them that Python answered with a failure
   * @param lost calls that a worker's death ended
   * @param checkouts leases and session calls
   * @param cleanReturns leases that came back clean
   * @param failedReturns leases that ended otherwise
   * @param lastActivity when the last call ended, or null
   * @param p50 median time at the worker
   * @param p99 time at the worker that 99 in 100 calls stayed within
   */
  public record WorkerStats(
      String pool,
      int slot,
      long generation,
      long pid,
      String state,
      boolean running,
      int restarts,
      long answered,
      long failed,
      long lost,
      long checkouts,
      long cleanReturns,
      long failedReturns,
      @Nullable Instant lastActivity,
      Duration p50,
      Duration p99) {

    /** The incarnation that serves, as events and replies name it; generation 0 if none does. */
    public WorkerId worker() {
      return new WorkerId(pool, slot, generation);
    }

    WorkerStats named(String name) {
      return new WorkerStats(
          name,
          slot,
          generation,
          pid,
          state,
          running,
          restarts,
          answered,
          failed,
          lost,
          checkouts,
          cleanReturns,
          failedReturns,
          lastActivity,
          p50,
          p99);
    }
  }
}
