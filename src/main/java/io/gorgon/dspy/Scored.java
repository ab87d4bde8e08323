package io.gorgon.dspy;

import java.util.Optional;

/**
 * This is what became of one example in an evaluation.
 *
 * @param index its place among the examples, from 0
 * @param example the example
 * @param score what the metric said; 0 where the program failed
 * @param prediction the answer; empty where the program failed
 * @param failure why; empty where it did not
 */
public record Scored(
    long index,
    Example example,
    double score,
    Optional<Prediction> prediction,
    Optional<RuntimeException> failure) {}
