package io.gorgon.pool;

import io.gorgon.message.PythonFailure.CheckoutRefused;
import org.jspecify.annotations.Nullable;

/**
 * This is why a request gets no worker.
 *
 * @param reason for the caller to decide by
 * @param details for people
 * @param lostSlot the slot that a pinned session had, -1 if it is not about one
 * @param lostGeneration its generation
 */
record Refusal(
    CheckoutRefused.Reason reason, @Nullable String details, int lostSlot, long lostGeneration) {

  static Refusal of(CheckoutRefused.Reason reason, String details) {
    return new Refusal(reason, details, -1, 0);
  }

  /** The process of a pinned session is gone. */
  static Refusal sessionLost(int slot, long generation) {
    return new Refusal(CheckoutRefused.Reason.LEASE_ENDED, null, slot, generation);
  }

  boolean isSessionLost() {
    return lostSlot >= 0;
  }
}
