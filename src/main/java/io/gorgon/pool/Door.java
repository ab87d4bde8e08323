package io.gorgon.pool;

import io.gorgon.message.WorkerId;
import io.gorgon.worker.PendingCall;
import org.jspecify.annotations.Nullable;

/**
 * This is where the calls of a pool go that has no workers of its own: those of other nodes, say.
 * Implementations are thread-safe, do not block, and answer what they cannot take.
 */
public interface Door {

  /** Takes a one-shot call; {@code preferred} is the worker that should have it, if any. */
  void offer(PendingCall call, @Nullable WorkerId preferred);

  /** What the pool behind it is doing. */
  PoolStatus status();
}
