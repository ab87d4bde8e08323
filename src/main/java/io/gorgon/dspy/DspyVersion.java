package io.gorgon.dspy;

/**
 * This is what a worker has.
 *
 * @param dspy the version of DSPy
 * @param python the version of Python
 * @param worker who answered: {@code pool/slot.generation}
 */
public record DspyVersion(String dspy, String python, String worker) {}
