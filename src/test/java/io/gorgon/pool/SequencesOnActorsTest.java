package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.gorgon.testkit.Layer;
import io.gorgon.testkit.NeedsLayer;
import io.gorgon.testkit.VirtualTime;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
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
  private static final int AT_ONCE = 3;
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
    var next = new AtomicInteger();
    var steps = new AtomicInteger();
    List<CompletableFuture<Void>> lives = new ArrayList<>();
    for (int i = 0; i < AT_ONCE; i++) {
      lives.add(CompletableFuture.runAsync(() -> live(next, steps, end)));
    }
    lives.forEach(CompletableFuture::join);
    System.out.printf("[sequences] actor: %,d sequences, %,d steps%n", next.get(), steps.get());
    assertThat(next.get()).isGreaterThan(100);
  }

  private static void live(AtomicInteger next, AtomicInteger steps, long end) {
    try (var time = VirtualTime.begin()) {
      while (System.nanoTime() - end < 0) {
        int number = next.getAndIncrement();
        if (number >= SEQUENCES) {
          next.set(SEQUENCES);
          return;
        }
        History history = History.of(FIRST + number);
        steps.addAndGet(history.steps().size());
        Comparison.check(FIRST + number, history, lazy -> new ActorSubject(time, lazy));
      }
    }
  }
}
