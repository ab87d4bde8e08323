package io.gorgon.pool;

import static io.gorgon.pool.Step.What.ASK;
import static io.gorgon.pool.Step.What.CALL;
import static io.gorgon.pool.Step.What.EXIT;
import static io.gorgon.pool.Step.What.MODE;
import static io.gorgon.pool.Step.What.RESIZE;
import static io.gorgon.pool.Step.What.START;
import static io.gorgon.pool.Step.What.SUBMIT;
import static io.gorgon.pool.Step.What.TIME;

import java.util.List;
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

  // ---- what was found so, each as it was printed

  /** Seed 1: the end of a lease was told of that nobody had been told of. */
  @Test
  void theLossOfASessionsCallIsNoEndOfALease() {
    check(new History(false, List.of(new Step(SUBMIT, 0, 0), new Step(EXIT, 0, 0))));
  }

  /** Seed 1015432: the circuit opened for a slot that a resize had taken away. */
  @Test
  void aSlotThatIsNotThereAnyMoreMakesNothingHopeless() {
    check(
        new History(
            false,
            List.of(
                new Step(MODE, 0, 1),
                new Step(ASK, 0, 0),
                new Step(CALL, 0, 0),
                new Step(TIME, 0, 5),
                new Step(START, 0, 2),
                new Step(RESIZE, 0, 0),
                new Step(EXIT, 0, 0))));
  }

  private static void check(History history) {
    Comparison.check(0, history, CoreSubject::new);
  }
}
