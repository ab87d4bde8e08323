package io.gorgon.pool;

import io.gorgon.message.PythonFailure.StartFailed;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * This bounds how often processes are started: a cap on starts at once, a growing delay after
 * failed starts (per slot, and a gate that failing slots share), a budget of crashes per slot. A
 * part of {@link PoolState}.
 */
final class Restarts {

  /** Failed starts in a row, without one that worked, after which nobody should wait for a slot. */
  static final int PATIENCE = 3;

  private static final int LARGEST_SHIFT = 20;

  private final RestartSettings settings;
  private int starting;
  private int failuresInARow;
  private long gate = Long.MIN_VALUE;

  Restarts(RestartSettings settings) {
    this.settings = settings;
  }

  /** Whether this slot may start a process now. */
  boolean permits(Slot slot, long now) {
    return starting < settings.concurrent()
        && isPast(slot.restUntil, now)
        && (slot.failures == 0 || isPast(gate, now));
  }

  private static boolean isPast(long time, long now) {
    return time == Long.MIN_VALUE || now - time >= 0;
  }

  void onStart(Slot slot, long now) {
    starting++;
    if (slot.failures > 0) {
      gate = now + delay(failuresInARow);
    }
  }

  void onReady(Slot slot) {
    starting--;
    failuresInARow = 0;
    slot.failures = 0;
    slot.lastFailure = null;
    slot.quarantined = false;
  }

  /** A start was given up on purpose. */
  void onStartStopped() {
    starting--;
  }

  /** A process never became ready; the time in nanoseconds until the next try. */
  long onStartFailed(Slot slot, @Nullable StartFailed failure, List<String> tail, long now) {
    starting--;
    failuresInARow++;
    slot.failures++;
    slot.lastFailure = failure;
    slot.lastTail = tail;
    boolean permanent = failure != null && failure.kind().permanent();
    long delay = permanent ? settings.backoffMax().toNanos() : delay(slot.failures);
    slot.restUntil = now + delay;
    return delay;
  }

  /**
   * A process died that had been ready; the time in nanoseconds that its slot rests, 0 for none.
   */
  long onCrash(Slot slot, List<String> tail, long now) {
    slot.lastTail = tail;
    slot.crashes.addLast(now);
    while (now - slot.crashes.getFirst() > settings.window().toNanos()) {
      slot.crashes.removeFirst();
    }
    if (slot.crashes.size() <= settings.budget()) {
      return 0;
    }
    slot.crashes.removeFirst();
    slot.quarantined = true;
    slot.restUntil = now + settings.quarantine().toNanos();
    return settings.quarantine().toNanos();
  }

  /** Processes that are starting. */
  int starting() {
    return starting;
  }

  /** Failed starts of the whole pool since one worked. */
  int failuresInARow() {
    return failuresInARow;
  }

  private long delay(int failures) {
    long doubled =
        settings.backoffMin().toNanos() << Math.min(LARGEST_SHIFT, Math.max(0, failures - 1));
    return Math.min(settings.backoffMax().toNanos(), doubled);
  }

  Restarts copy() {
    var copy = new Restarts(settings);
    copy.starting = starting;
    copy.failuresInARow = failuresInARow;
    copy.gate = gate;
    return copy;
  }

  /** The same for two that decide alike from {@code now} on. */
  String fingerprint(long now) {
    return "starting="
        + starting
        + " failures="
        + failuresInARow
        + " gate="
        + (isPast(gate, now) ? 0 : gate - now);
  }
}
