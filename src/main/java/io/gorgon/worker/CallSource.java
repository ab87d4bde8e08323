package io.gorgon.worker;

import java.util.List;

/** This is where a worker gets its next calls from. Implementations are thread-safe. */
public interface CallSource {

  /**
   * Gives the next calls for a worker that has room: for one call, or for several short ones if it
   * runs one at a time. Empty means that this room was put to rest, or taken out, and will be
   * filled by somebody else.
   */
  List<PendingCall> next(Runner free);

  /**
   * Gives more short calls to a worker that runs one at a time and has {@code left} of them; empty
   * if there are none. Called on its I/O thread.
   */
  List<PendingCall> more(Runner busy, int left);

  /**
   * Takes back calls that a worker did not start; they go before all that came after them, in this
   * order.
   */
  void giveBack(List<PendingCall> calls);

  /** Learns how long a call was at its worker. */
  void measured(PendingCall call, long nanos);
}
