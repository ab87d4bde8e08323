package io.gorgon.dspy;

import java.util.concurrent.CompletionStage;
import org.apache.pekko.stream.javadsl.Sink;

/**
 * This sums an evaluation up.
 *
 * @param examples how many there were
 * @param failed those where the program gave no answer; they count as 0
 * @param score the mean of all scores; 0 where there are none
 * @param tokens of all answers, both ways
 */
public record Evaluation(long examples, long failed, double score, long tokens) {

  private static final Evaluation NONE = new Evaluation(0, 0, 0, 0);

  /** Sums up what {@link Programs#evaluate} gives. */
  public static Sink<Scored, CompletionStage<Evaluation>> sink() {
    return Sink.fold(NONE, Evaluation::and);
  }

  private Evaluation and(Scored one) {
    return new Evaluation(
        examples + 1,
        failed + (one.failure().isPresent() ? 1 : 0),
        score + (one.score() - score) / (examples + 1),
        tokens + one.prediction().map(Prediction::tokens).orElse(0L));
  }
}
