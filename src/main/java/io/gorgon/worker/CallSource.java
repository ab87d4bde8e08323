package io.gorgon.worker;

import java.util.List;

/** This is where an idle worker gets its next calls from. Implementations are thread-safe. */
public interface CallSource {

  /**
   * Gives the next calls for {@code idle}; called on its I/O thread. Empty means that the worker
   * was put to rest, or taken out, and will be started by somebody else.
   */
  List<PendingCall> next(Runner idle);

  /** Takes back calls that a worker did not start; they go before all others, in this order. */
  void giveBack(List<PendingCall> calls);

  /** Learns how long a call was at its worker. */
  void measured(PendingCall call, long nanos);
}
