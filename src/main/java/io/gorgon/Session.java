package io.gorgon;

import io.gorgon.message.Call;
import io.gorgon.message.Chunk;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.CheckoutRefused;
import io.gorgon.message.WorkerId;
import io.gorgon.pool.CheckoutKind;
import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.pool.Pool;
import io.gorgon.session.SessionState;
import io.gorgon.tool.Tools;
import io.gorgon.worker.PendingCall;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;
import org.apache.pekko.stream.javadsl.Source;
import org.jspecify.annotations.Nullable;

/**
 * These are calls that belong together: those of one key run one after another, in the order in
 * which they were sent, whoever sends them. In Python they share {@code gorgon.session.state}: what
 * a call changes there is kept before it is answered, and a call that fails changes nothing. Any
 * worker can run them; the one that served the session last goes before, and {@link Affinity} asks
 * for more than that. Cheap to make, thread-safe, and without a life of its own.
 */
public final class Session {

  private final PythonPool pool;
  private final CheckoutKind kind;
  private final String key;
  private final Tools tools;

  Session(PythonPool pool, String key, Affinity affinity, Tools tools) {
    this.pool = pool;
    this.key = key;
    this.kind = CheckoutKind.session(key, affinity);
    this.tools = tools;
  }

  public String key() {
    return key;
  }

  /** The same session with another affinity. */
  public Session with(Affinity affinity) {
    return new Session(pool, key, affinity, tools);
  }

  /**
   * The same session, whose calls may use these Java functions besides the pool's; where names are
   * the same, these go before.
   */
  public Session with(Tools more) {
    return new Session(pool, key, kind.affinity(), tools.with(more));
  }

  /**
   * Runs a call in the session's order.
   *
   * @return completes when what it changed is kept; with {@link PythonFailure.SessionConflict},
   *     {@link PythonFailure.StoreUnavailable}, {@link PythonFailure.CommitUnknown} or {@link
   *     PythonFailure.TooLarge} if that could not be; with {@link PythonFailure.SessionExpired} or
   *     {@link PythonFailure.SessionQuota} if it did not run for that; with {@link
   *     PythonFailure.SessionLost} if the session is pinned and its process is gone
   */
  public RunningCall call(Call call) {
    return pool.desk().call(call, tools, this::submit);
  }

  /**
   * Runs a generator in the session's order; see {@link PythonPool#stream}. What it changed is kept
   * when it has ended, and whenever it calls {@code gorgon.session.checkpoint()}.
   */
  public Source<Chunk, RunningCall> stream(Call call) {
    return pool.desk().stream(call, tools, this::submit);
  }

  /** Runs a call that was made already; for those who extend Gorgon. */
  public void submit(PendingCall pending) {
    if (key.isBlank() || key.length() > CheckoutKind.LONGEST_KEY) {
      pending.fail(
          new CheckoutRefused(
              pool.name(),
              CheckoutRefused.Reason.INVALID_KIND,
              "a session's key has 1 to " + CheckoutKind.LONGEST_KEY + " characters"));
      return;
    }
    pool.sessions().submit(key, pending, kind.affinity(), this::send);
  }

  private void send(PendingCall pending, @Nullable WorkerId preferred) {
    if (kind.affinity() == Affinity.PREFER) {
      pool.offer(pending, preferred);
    } else {
      pool.tell(new Pool.Submit(pending, kind), pending);
    }
  }

  /**
   * The state that was kept last; calls that run are not waited for.
   *
   * @return completes with {@link PythonFailure.SessionExpired} if its time to live is over, with
   *     {@link PythonFailure.StoreUnavailable} if it cannot be read
   */
  public CompletionStage<SessionState> state() {
    return pool.onCallbacks(pool.sessions().read(key));
  }

  /**
   * Checks out the worker that the session is pinned to, or another one. Calls on a checkout are
   * outside the session's order, and do not see its state.
   */
  public CompletionStage<Checkout> checkout() {
    return pool.checkout(kind);
  }

  /**
   * Forgets the session behind the calls that were sent before: its state, and which worker it had;
   * a pinned session that was lost can then start anew. The state is gone whatever it is, also one
   * that a newer version of this library has written, and that is refused to calls.
   *
   * @return completes when the state is gone; with {@link PythonFailure.StoreUnavailable} if that
   *     cannot be
   */
  public CompletionStage<Done> end() {
    CompletableFuture<Done> ended =
        pool.sessions()
            .end(key)
            .thenApply(
                done -> {
                  pool.tell(new Pool.EndSession(key));
                  return done;
                })
            .toCompletableFuture();
    return pool.onCallbacks(ended);
  }
}
