package io.gorgon;

import io.gorgon.message.Call;
import io.gorgon.message.Chunk;
import io.gorgon.message.PythonFailure;
import io.gorgon.pool.CheckoutKind;
import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.pool.Pool;
import io.gorgon.tool.Tools;
import io.gorgon.worker.PendingCall;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.stream.javadsl.Source;

/**
 * These are calls that belong together: those of one key run one after another, in the order in
 * which they were sent, whoever sends them. How much it matters that the same process serves them
 * is the {@link Affinity}. Cheap to make, thread-safe, and without a life of its own.
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
   * @return completes with {@link PythonFailure.SessionLost} if the session is pinned and its
   *     process is gone
   */
  public RunningCall call(Call call) {
    return pool.desk().call(call, tools, this::submit);
  }

  /** Runs a generator in the session's order; see {@link PythonPool#stream}. */
  public Source<Chunk, RunningCall> stream(Call call) {
    return pool.desk().stream(call, tools, this::submit);
  }

  private void submit(PendingCall pending) {
    pool.tell(new Pool.Submit(pending, kind), pending);
  }

  /** Checks out the worker that the session prefers, or is pinned to. */
  public CompletionStage<Checkout> checkout() {
    return pool.checkout(kind);
  }

  /** Forgets which worker the session had; a pinned session that was lost can then start anew. */
  public void end() {
    pool.tell(new Pool.EndSession(key));
  }
}
