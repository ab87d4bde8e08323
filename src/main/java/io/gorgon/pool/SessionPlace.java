package io.gorgon.pool;

import io.gorgon.worker.PendingCall;
import java.util.function.Consumer;

/** This is a call's place in its session's line. Thread-safe. */
final class SessionPlace implements PendingCall.Holder {

  private final long request;
  private final Consumer<PoolInput> later;

  /**
   * The place of a call that waits.
   *
   * @param request the number that the call waits by
   * @param later feeds the pool, from any thread
   */
  SessionPlace(long request, Consumer<PoolInput> later) {
    this.request = request;
    this.later = later;
  }

  @Override
  public void onAbandoned(PendingCall abandoned, boolean dirty) {
    later.accept(new PoolInput.Withdrawn(request));
  }

  @Override
  public boolean hasStarted(PendingCall waiting) {
    return false;
  }

  @Override
  public String toString() {
    return "the session's line";
  }
}
