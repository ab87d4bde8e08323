package io.gorgon.message;

import java.util.Optional;
import java.util.OptionalDouble;

/**
 * This is how far a call has come, as {@code gorgon.progress} told it.
 *
 * @param done what is done, in whatever unit the function counts
 * @param total what there is to do in all; empty where that is not known
 * @param note what the function says besides
 */
public record Progress(double done, OptionalDouble total, Optional<String> note) {}
