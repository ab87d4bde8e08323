package io.gorgon.message;

/**
 * This names one incarnation of one worker: a Python process from its start to its end. A slot
 * keeps its number for the life of the pool; each process that fills it gets the next generation.
 *
 * @param pool the pool's name
 * @param slot from 0
 * @param generation from 1, never used twice in a slot
 */
public record WorkerId(String pool, int slot, long generation) {

  /** Prints as {@code default/0.3}: pool, slot, generation. */
  @Override
  public String toString() {
    return pool + "/" + slot + "." + generation;
  }
}
