package io.gorgon;

import io.gorgon.message.Call;
import io.gorgon.message.Chunk;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.WorkerId;
import io.gorgon.pool.Granted;
import io.gorgon.pool.Lease;
import io.gorgon.pool.Pool;
import io.gorgon.pool.Verdict;
import io.gorgon.tool.Tools;
import io.gorgon.worker.PendingCall;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.pekko.stream.javadsl.Source;
import org.jspecify.annotations.Nullable;

/**
 * This is a worker that nobody else uses until it is given back. Calls run on it one after another.
 * The lease ends by {@link #close}, when its time to live is over without {@link #renew}, or with
 * its owner. Thread-safe.
 */
public final class Checkout implements AutoCloseable {

  private final PythonPool pool;
  private final Granted granted;
  private final Set<RunningCall> running = ConcurrentHashMap.newKeySet();
  private final AtomicReference<@Nullable Verdict> verdict = new AtomicReference<>();
  private final AtomicBoolean returned = new AtomicBoolean();

  Checkout(PythonPool pool, Granted granted) {
    this.pool = pool;
    this.granted = granted;
  }

  /** The incarnation that was checked out. */
  public WorkerId worker() {
    return granted.worker();
  }

  /** The lease, for those who speak the pool's protocol. */
  public Lease lease() {
    return granted.lease();
  }

  /** Whether the lease has ended, or its worker has died. */
  public boolean isEnded() {
    return verdict.get() != null || !granted.isCurrent();
  }

  /**
   * Runs a call on this worker, behind those that were sent before.
   *
   * @return completes with {@link PythonFailure.CheckoutRefused} (LEASE_ENDED) if the lease has
   *     ended
   */
  public RunningCall call(Call call) {
    return track(pool.desk().call(call, Tools.NONE, this::submit));
  }

  /**
   * Runs a generator on this worker, behind the calls that were sent before; see {@link
   * PythonPool#stream}. Close the checkout when the stream has ended.
   */
  public Source<Chunk, RunningCall> stream(Call call) {
    return pool.desk().stream(call, Tools.NONE, this::submit).mapMaterializedValue(this::track);
  }

  /** The worker is given back when nothing runs on it any more. */
  private RunningCall track(RunningCall started) {
    running.add(started);
    started.whenComplete(
        (reply, failure) -> {
          running.remove(started);
          returnIfDone();
        });
    return started;
  }

  private void submit(PendingCall pending) {
    if (verdict.get() != null || !granted.start(pending)) {
      pending.fail(
          new PythonFailure.CheckoutRefused(
              granted.worker().pool(),
              PythonFailure.CheckoutRefused.Reason.LEASE_ENDED,
              granted.lease() + " has ended: check out again"));
    }
  }

  /** Starts the lease's time to live anew. */
  public void renew() {
    pool.tell(new Pool.Renew(granted.lease()));
  }

  /** Gives the worker back as {@link Verdict#CLEAN}, when the calls that run have ended. */
  @Override
  public void close() {
    close(Verdict.CLEAN);
  }

  /** Gives the worker back with a verdict, when the calls that run have ended. Once is enough. */
  public void close(Verdict of) {
    if (verdict.compareAndSet(null, of)) {
      returnIfDone();
    }
  }

  private void returnIfDone() {
    Verdict given = verdict.get();
    if (given != null && running.isEmpty() && returned.compareAndSet(false, true)) {
      pool.tell(new Pool.Return(granted.lease(), given));
    }
  }

  @Override
  public String toString() {
    return "Checkout[" + granted.lease() + "]";
  }
}
