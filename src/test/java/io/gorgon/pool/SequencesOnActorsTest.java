package io.gorgon.pool;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.testkit.VirtualTime;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/**
 * The histories of {@link SequencesTest} once more, as many as {@code -Dgorgon.sequences.actor}
 * says (1 500; all 10 000 take about a minute), lived through by the real actor, and compared with
 * what the {@link Reference} says after every step.
 */
@NeedsLayer(Layer.MOCK_ADAPTER)
class SequencesOnActorsTest {

  private static final Logger GORGON = (Logger) LoggerFactory.getLogger("io.gorgon");
  private static Level before;

  private static final int SEQUENCES = Integer.getInteger("gorgon.sequences.actor", 1_500);
  private static final long FIRST = Long.getLong("gorgon.sequences.seed", 1);
  private static final int AT_ONCE = 3;
  private static final int SYSTEM_LIVES = 100;

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
  void theActorDoesWhatTheReferenceSays() throws Exception {
    var next = new AtomicInteger();
    var steps = new AtomicInteger();
    ExecutorService threads = Executors.newFixedThreadPool(AT_ONCE);
    try {
      List<Future<?>> lives = new ArrayList<>();
      for (int i = 0; i < AT_ONCE; i++) {
        lives.add(threads.submit(() -> live(next, steps)));
      }
      for (Future<?> life : lives) {
        life.get();
      }
    } finally {
      threads.shutdown();
    }
    System.out.printf("[sequences] actor: %,d sequences, %,d steps%n", SEQUENCES, steps.get());
  }

  /**
   * One after the other. A new actor system now and then: timers that were called off stay in it.
   */
  private static void live(AtomicInteger next, AtomicInteger steps) {
    while (next.get() < SEQUENCES) {
      try (var time = VirtualTime.begin()) {
        for (int lived = 0; lived < SYSTEM_LIVES; lived++) {
          int number = next.getAndIncrement();
          if (number >= SEQUENCES) {
            return;
          }
          History history = History.of(FIRST + number);
          steps.addAndGet(history.steps().size());
          Comparison.check(FIRST + number, history, lazy -> new ActorSubject(time, lazy));
        }
      }
    }
  }
}
