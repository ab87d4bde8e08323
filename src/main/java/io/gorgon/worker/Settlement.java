package io.gorgon.worker;

import io.gorgon.message.Reply;
import io.gorgon.message.WorkerId;
import io.gorgon.wire.Frame;
import org.jspecify.annotations.Nullable;

/**
 * This stands between Python's answer and the caller's: what the call has changed is settled first,
 * so that an answered call is never forgotten. Called by the I/O thread of whoever has the call, by
 * one at a time; must not block.
 */
public interface Settlement {

  /**
   * What the worker must know before the request: a frame that goes out ahead of it.
   *
   * @param request the id of the request
   * @param worker who is going to run it
   * @param leased whether it runs under a lease, and cannot be sent again
   */
  @Nullable Frame opening(long request, WorkerId worker, boolean leased);

  /** The worker did not run it: it lacks what {@link #opening} took for granted. */
  void onOpeningRefused(WorkerId worker);

  /** Python tells what the call has changed. */
  void onPatch(PendingCall call, Frame patch);

  /**
   * Settles what was changed, and then gives the answer by {@link PendingCall#settled} or {@link
   * PendingCall#unsettled}. From now on nobody else answers the call, not even when its deadline
   * has passed.
   */
  void settle(PendingCall call, Reply reply);

  /** No worker has it any more; whether it has its answer is another matter. */
  void onLeft(PendingCall call);
}
