package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.Checkout;
import io.gorgon.RunningCall;
import io.gorgon.message.Call;
import io.gorgon.pool.PoolStats.WorkerStats;
import io.gorgon.testkit.Script;
import io.gorgon.testkit.ScriptedPool;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The figures of a pool whose past is known. */
class StatsReportTest {

  private static final String TWO = "min-workers = 2, max-workers = 2";
  private static final Call SLOW = Call.of("m:slow");

  @Test
  void aPoolAtRestHasItsWorkersReadyAndAllCountsAtZero() {
    try (var tested = ScriptedPool.start("min-workers = 2, max-workers = 3")) {
      PoolStats stats = tested.stats();

      assertThat(stats.status()).isEqualTo(PoolStatus.RUNNING);
      assertThat(List.of(stats.minWorkers(), stats.maxWorkers())).containsExactly(2, 3);
      assertThat(stats.ready()).isEqualTo(2);
      assertThat(stats.leased()).isZero();
      assertThat(List.of(stats.waitingCalls(), stats.waitingCheckouts())).containsExactly(0, 0);
      assertThat(List.of(stats.accepted(), stats.refused(), stats.staleMessages()))
          .containsExactly(0L, 0L, 0L);
      assertThat(stats.workers()).extracting(WorkerStats::slot).containsExactly(0, 1);
      assertThat(stats.workers())
          .allSatisfy(
              one -> {
                assertThat(one.generation()).isEqualTo(1);
                assertThat(one.pid()).isEqualTo(1_000L * one.slot() + 1);
                assertThat(one.state()).isEqualTo("in_lane");
                assertThat(one.running()).isFalse();
                assertThat(one.lastActivity()).isNull();
                assertThat(one.p99()).isEqualTo(Duration.ZERO);
              });
    }
  }

  @Test
  void aWorkerThatIsCheckedOutServesAndIsCountedAsLeased() {
    try (var tested = ScriptedPool.start(TWO)) {
      Checkout mine = tested.now(tested.pool().checkout());
      PoolStats during = tested.stats();
      assertThat(during.ready()).isEqualTo(2);
      assertThat(during.leased()).isEqualTo(1);
      assertThat(during.workers().get(mine.worker().slot()).state()).isEqualTo("leased");

      mine.close();

      WorkerStats after = tested.stats().workers().get(mine.worker().slot());
      assertThat(after.state()).isEqualTo("in_lane");
      assertThat(List.of(after.checkouts(), after.cleanReturns(), after.failedReturns()))
          .containsExactly(1L, 1L, 0L);
    }
  }

  @Test
  void callsAreCountedWhereTheyRunWaitAndAreRefused() {
    try (var tested = ScriptedPool.start("min-workers = 1, max-workers = 1, queue-capacity = 1")) {
      tested.stats();
      RunningCall runs = tested.pool().call(SLOW);
      RunningCall waits = tested.pool().call(SLOW);
      tested.failureNow(tested.pool().call(SLOW));

      PoolStats during = tested.stats();
      assertThat(during.waitingCalls()).isEqualTo(1);
      assertThat(List.of(during.accepted(), during.refused())).containsExactly(2L, 1L);
      assertThat(during.workers().get(0).running()).isTrue();

      tested.worker(0).answer(1);
      tested.now(runs);
      tested.worker(0).raise("ValueError", "no");
      tested.failureNow(waits);
      WorkerStats after = tested.stats().workers().get(0);
      assertThat(List.of(after.answered(), after.failed(), after.lost()))
          .containsExactly(2L, 1L, 0L);
      assertThat(after.running()).isFalse();
      assertThat(after.lastActivity()).isNotNull();
    }
  }

  @Test
  void aSlotCountsOverAllThatWereInIt() {
    try (var tested = ScriptedPool.start("min-workers = 1, max-workers = 1")) {
      tested.stats();
      RunningCall lost = tested.pool().call(SLOW);
      assertThat(tested.isDone(lost)).isFalse();
      tested.worker(0).dieBy(11);
      tested.failureNow(lost);
      tested.passes(5_000);

      WorkerStats after = tested.stats().workers().get(0);
      assertThat(after.generation()).isEqualTo(2);
      assertThat(after.pid()).isEqualTo(2);
      assertThat(after.restarts()).isEqualTo(1);
      assertThat(after.lost()).isEqualTo(1);
    }
  }

  @Test
  void aWorkerThatIsNotReadyYetHasNoProcessToShow() {
    try (var tested = ScriptedPool.start(Script.silent(), TWO)) {
      PoolStats stats = tested.stats();

      assertThat(stats.ready()).isZero();
      assertThat(stats.workers())
          .allSatisfy(
              one -> {
                assertThat(one.state()).isEqualTo("starting");
                assertThat(one.running()).isFalse();
              });
    }
  }
}
