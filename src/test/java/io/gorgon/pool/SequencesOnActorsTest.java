package io.gorgon.pool;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.gorgon.testkit.Layer;
import io.gorgon.testkit.NeedsLayer;
import io.gorgon.testkit.VirtualTime;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/**
 * The histories of {@link SequencesTest} once more ({@code -Dgorgon.sequences.actor}, as many as
 * fit into {@code -Dgorgon.sequences.actor.seconds}, 15), lived through by the real actor, and
 * compared with what the {@link Reference} says after every step.
 */
@NeedsLayer(Layer.MOCK_ADAPTER)
class SequencesOnActorsTest {

  private static final Logger GORGON = (Logger) LoggerFactory.getLogger("io.gorgon");
  private static Level before;

  private static final int SEQUENCES = Integer.getInteger("gorgon.sequences.actor", 10_000);
  private static final long FIRST = Long.getLong("gorgon.sequences.seed", 1);
  private static final long SECONDS = Long.getLong("gorgon.sequences.actor.seconds", 15);

  /** Thousands of workers die here, each worth a line to an operator and none to a tester. */
  @BeforeAll
  static void silence() {
    before = GORGON.getLevel();
    GORGON.setLevel(Level.OFF);
  }

  @AfterAll
  static void speakAgain() {
    GORGON.setLevel(before);
  }

  @Test
  void theActorDoesWhatTheReferenceSays() {
    long end = System.nanoTime() + SECONDS * 1_000_000_000;
    int lived = 0;
    long steps = 0;
    try (var time = VirtualTime.begin()) {
      for (; lived < SEQUENCES && System.nanoTime() - end < 0; lived++) {
        History history = History.of(FIRST + lived);
        steps += history.steps().size();
        Comparison.check(FIRST + lived, history, lazy -> new ActorSubject(time, lazy));
      }
    }
    System.out.printf("[sequences] actor: %,d sequences, %,d steps%n", lived, steps);
  }
}
