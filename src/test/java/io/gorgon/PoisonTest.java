package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure.WorkerLost;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import org.junit.jupiter.api.Test;

/** A call that kills every worker before it starts: one that is too much to be read, say. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class PoisonTest {

  private static final int DEATHS = 5;

  private static TestPool poisoned() {
    return TestPool.start(
            "min-workers = 1, max-workers = 1, entry = \"faulty_worker:main\"",
            "environment { GORGON_FAULT = \"die-after-header,at=targets:echo\" }")
        .awaitReady(1);
  }

  @Test
  void row26b_aCallThatKillsBeforeItStartsIsGivenUpAfterSomeDeaths() {
    try (var pool = poisoned().withBystanders(io.gorgon.proving.Bystanders.Expected.ANSWERS)) {
      var lost = (WorkerLost) failureOf(pool.pool().call(Call.of("targets:echo", 1)));

      assertThat(lost.started()).isFalse();
      pool.awaitEvents(PoolEvent.WorkerGone.class, DEATHS);
      assertThat(pool.eventsOf(PoolEvent.WorkerGone.class)).hasSize(DEATHS);
      assertThat(get(pool.pool().call(Call.of("targets:add", 1, 2))).as(Integer.class))
          .isEqualTo(3);
    }
  }

  @Test
  void row26c_soIsOneOfASession() {
    try (var pool = poisoned()) {
      var lost = (WorkerLost) failureOf(pool.pool().session("s").call(Call.of("targets:echo", 1)));

      assertThat(lost.started()).isFalse();
      pool.awaitEvents(PoolEvent.WorkerGone.class, DEATHS);
      assertThat(pool.eventsOf(PoolEvent.WorkerGone.class)).hasSize(DEATHS);
    }
  }
}
