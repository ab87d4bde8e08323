package io.gorgon.pool;

import io.gorgon.connection.SharedFigures;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
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

  /**
   * This is what one slot did, over all its incarnations.
   *
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
      Duration p99) {}
}
