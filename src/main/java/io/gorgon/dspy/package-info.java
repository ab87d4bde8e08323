/** DSPy programs from Java: definitions, language models, predictions, optimizers, evaluation. */
@NullMarked
package io.gorgon.dspy;

import org.jspecify.annotations.NullMarked;
