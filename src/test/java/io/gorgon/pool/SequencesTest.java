package io.gorgon.pool;

import org.junit.jupiter.api.Test;

/**
 * Seeded histories of up to 60 steps ({@code -Dgorgon.sequences}, 10 000, from seed {@code
 * -Dgorgon.sequences.seed}, 1), lived through by the pure core and compared with what the {@link
 * Reference} says after every step. One that differs is made as small as it can be and printed as
 * Java.
 */
class SequencesTest {

  private static final int SEQUENCES = Integer.getInteger("gorgon.sequences", 10_000);
  private static final long FIRST = Long.getLong("gorgon.sequences.seed", 1);

  @Test
  void theCoreDoesWhatTheReferenceSays() {
    long steps = 0;
    for (long seed = FIRST; seed < FIRST + SEQUENCES; seed++) {
      History history = History.of(seed);
      steps += history.steps().size();
      Comparison.check(seed, history, CoreSubject::new);
    }
    System.out.printf("[sequences] core: %,d sequences, %,d steps%n", SEQUENCES, steps);
  }
}
