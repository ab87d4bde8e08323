package io.gorgon.pool;

import io.gorgon.message.WorkerId;
import io.gorgon.worker.Retirement;
import io.gorgon.worker.Runner;
import java.time.Duration;
import java.util.Map;

/** This looks after a {@link Pool} as time passes: deadlines, idle workers, memory. */
final class Upkeep {

  private static final Duration MEMORY_CHECK = Duration.ofSeconds(1);
  private static final Duration RELEASE = Duration.ofSeconds(1);

  private final PoolSettings settings;
  private final Lane lane;
  private final Hands hands;
  private final Decisions decisions;
  private final Runnable measureMemory;
  private final Runnable releaseMemory;
  private long memoryCheckAt;
  private long releaseAt;

  /**
   * Nothing is due yet.
   *
   * @param measureMemory brings about {@link #onMemoryMeasured}
   * @param releaseMemory gives back what nobody has needed for a while
   */
  Upkeep(
      PoolSettings settings,
      Lane lane,
      Hands hands,
      Decisions decisions,
      Runnable measureMemory,
      Runnable releaseMemory) {
    this.settings = settings;
    this.lane = lane;
    this.hands = hands;
    this.decisions = decisions;
    this.measureMemory = measureMemory;
    this.releaseMemory = releaseMemory;
  }

  void onTick(long now) {
    decisions.feed(new PoolInput.Ticked());
    lane.expire(now);
    hands.expire(now);
    lane.waitingSince().ifPresent(since -> decisions.feed(new PoolInput.Pressed(since)));
    lookAtIdle(now);
    if (settings.maxMemory() > 0 && now - memoryCheckAt >= 0) {
      memoryCheckAt = now + MEMORY_CHECK.toNanos();
      measureMemory.run();
    }
    if (now - releaseAt >= 0) {
      releaseAt = now + RELEASE.toNanos();
      releaseMemory.run();
    }
  }

  private void lookAtIdle(long now) {
    long check = settings.idleCheck().toNanos();
    long shrink = settings.idleTimeout().toNanos();
    for (Runner runner : lane.idle()) {
      WorkerId id = runner.id();
      if (shrink > 0 && now - runner.idleSince() >= shrink) {
        decisions.feed(new PoolInput.Idled(id.slot(), id.generation(), PoolInput.IdleStep.SHRINK));
      }
      if (check > 0 && now - runner.unheardSince() >= check) {
        decisions.feed(new PoolInput.Idled(id.slot(), id.generation(), PoolInput.IdleStep.CHECK));
      }
    }
  }

  void onMemoryMeasured(Map<WorkerId, Long> measured) {
    measured.forEach(
        (worker, bytes) -> {
          if (bytes > settings.maxMemory()) {
            decisions.feed(
                new PoolInput.RetireDue(
                    worker.slot(), worker.generation(), Retirement.Reason.MEMORY));
          }
        });
  }
}
