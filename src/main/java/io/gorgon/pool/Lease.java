package io.gorgon.pool;

/**
 * This is the right to use one incarnation of one worker, alone. Every message about a checked-out
 * worker carries it; one that does not match is counted and dropped.
 *
 * @param slot the worker's slot
 * @param generation its incarnation
 * @param sequence never used twice in a pool
 */
public record Lease(int slot, long generation, long sequence) {

  /** Prints as {@code lease 17 on 0.3}. */
  @Override
  public String toString() {
    return "lease " + sequence + " on " + slot + "." + generation;
  }
}
