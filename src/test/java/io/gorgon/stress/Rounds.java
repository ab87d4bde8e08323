package io.gorgon.stress;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Rounds in which several threads do something at once to something new, and after which all must
 * be well; for {@code -Dgorgon.stress.seconds} (1) each. A round that fails names its seed: {@code
 * -Dgorgon.stress.seed} begins with that one, though threads need not meet again as they met.
 */
public final class Rounds implements AutoCloseable {

  private static final long SECONDS = Long.getLong("gorgon.stress.seconds", 1);
  private static final long FIRST = Long.getLong("gorgon.stress.seed", 1);
  private static final long PATIENCE = 60;

  /** One round; throws if all is not well. */
  @FunctionalInterface
  public interface Round {
    void play(Random dice, Rounds crew) throws Exception;
  }

  /** What one thread does. */
  @FunctionalInterface
  public interface Part {
    void play() throws Exception;
  }

  private final ExecutorService threads = Executors.newCachedThreadPool();

  private Rounds() {}

  /** Plays rounds until the time is up; tells how many. */
  public static void play(String name, Round round) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    long seed = FIRST;
    try (var crew = new Rounds()) {
      do {
        try {
          round.play(new Random(seed * 0x9E3779B97F4A7C15L), crew);
        } catch (Exception | AssertionError broken) {
          throw new AssertionError(name + ", round of seed " + seed + ": " + broken, broken);
        }
        seed++;
      } while (System.nanoTime() - end < 0);
    }
    System.out.printf("[stress] %s: %,d rounds%n", name, seed - FIRST);
  }

  /** Does all parts at once, each on a thread of its own, and waits for their ends. */
  public void atOnce(List<Part> parts) throws Exception {
    var barrier = new CyclicBarrier(parts.size());
    List<Future<?>> playing = new ArrayList<>();
    for (Part part : parts) {
      playing.add(
          threads.submit(
              () -> {
                barrier.await(PATIENCE, TimeUnit.SECONDS);
                part.play();
                return null;
              }));
    }
    for (Future<?> each : playing) {
      each.get(PATIENCE, TimeUnit.SECONDS);
    }
  }

  /** For whatever else is to run on threads of its own. */
  public ExecutorService threads() {
    return threads;
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }
}
