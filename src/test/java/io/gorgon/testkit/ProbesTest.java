package io.gorgon.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent.CircuitOpened;
import io.gorgon.message.PoolEvent.LeaseEnded;
import io.gorgon.message.PoolEvent.LeaseGranted;
import io.gorgon.message.PoolEvent.WorkerGone;
import io.gorgon.message.PoolEvent.WorkerReady;
import io.gorgon.message.PoolEvent.WorkerStarting;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.PythonRaised;
import io.gorgon.message.PythonFailure.WorkerLost;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What probes see, and what they say where they do not. */
class ProbesTest {

  private static final Duration SECOND = Duration.ofSeconds(1);

  @Test
  void eventsAreReadLikeAPage() {
    try (var kit = GorgonTestKit.scripted()) {
      kit.events().expectInOrder(WorkerStarting.class, WorkerReady.class, WorkerReady.class);
      kit.events().expectNone(WorkerReady.class, WorkerGone.class);
      kit.worker(1).dieBy(9);

      assertThat(kit.events().expect(WorkerGone.class).worker().slot()).isEqualTo(1);
      kit.events().expect(WorkerReady.class, ready -> ready.worker().generation() == 2);
      kit.events().expectNoneFor(SECOND, WorkerGone.class);
      assertThat(kit.events().rewind().expect(WorkerReady.class).worker().generation())
          .isEqualTo(1);
      kit.events().skip().expectNone(WorkerReady.class);
    }
  }

  @Test
  void anEventThatDoesNotComeIsTold() {
    try (var kit = GorgonTestKit.scripted()) {
      kit.events().expect(WorkerReady.class);

      assertThatThrownBy(() -> kit.events().expectWithin(SECOND, CircuitOpened.class, any -> true))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("no CircuitOpened that fits came within 1000 ms")
          .hasMessageContaining("read before:\n  WorkerStarting")
          .hasMessageContaining("since then:\n  WorkerReady");
      assertThatThrownBy(() -> kit.events().expectNone(WorkerReady.class))
          .hasMessageContaining("expected no WorkerReady: WorkerReady[worker=scripted/");
    }
  }

  @Test
  void anEventMayComeLater() {
    try (var kit = GorgonTestKit.scripted("checkout.lease-ttl = 30s")) {
      kit.get(kit.pool().checkout());

      long before = kit.nanoTime();
      kit.events().expectInOrder(LeaseGranted.class, LeaseEnded.class);
      assertThat(Duration.ofNanos(kit.nanoTime() - before).toSeconds()).isBetween(30L, 31L);
    }
  }

  @Test
  void figuresAreWaitedForAndShown() {
    try (var kit = GorgonTestKit.scripted("min-workers = 1, max-workers = 1")) {
      var call = kit.pool().call(Call.of("m:f").withTimeout(SECOND));
      assertThat(kit.figures().awaitIdle().leased()).isZero();
      kit.failure(call).is(DeadlineExceeded.class);

      assertThatThrownBy(() -> kit.figures().awaitWithin(SECOND, "rain", stats -> false))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("waited 1000 ms for rain, and got pool scripted RUNNING: 1 of 1..1")
          .hasMessageContaining("slot 0, generation ");
    }
  }

  @Test
  void aFailureIsLookedAtFromAllSides() {
    try (var kit = GorgonTestKit.scripted()) {
      kit.raises("m:raise", "shop.OutOfStock", "no tea", "LookupError");
      var raised = kit.pool().call(Call.of("m:raise"));
      var hanging = kit.pool().call(Call.of("m:hang"));
      kit.settle();
      hanging.cancel();

      kit.failure(raised)
          .is(PythonRaised.class)
          .raised("shop.OutOfStock")
          .raised("LookupError")
          .raised("Exception")
          .hadStarted(true)
          .isRetryable(false)
          .says("no tea");
      assertThat(kit.failure(hanging).hadStarted(true).as(Cancelled.class).started()).isTrue();
      FailureProbe probe = kit.failure(raised);
      assertThatThrownBy(() -> probe.is(WorkerLost.class))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("expected a WorkerLost of ")
          .hasMessageContaining("and it failed with PythonRaised: m:raise raised")
          .hasCause(probe.get());
      assertThatThrownBy(() -> probe.raised("KeyError")).hasMessageContaining("KeyError");
      assertThatThrownBy(() -> probe.says("coffee")).hasMessageContaining("'coffee'");
      assertThatThrownBy(() -> probe.isRetryable(true)).hasMessageContaining("a retryable one");
      assertThatThrownBy(() -> probe.hadStarted(false)).hasMessageContaining("had not started");
    }
  }

  @Test
  void aSuccessWhereAFailureIsExpectedIsShown() {
    try (var kit = GorgonTestKit.scripted()) {
      var call = kit.pool().call(Call.of("gorgon_testkit:echo", 1));

      assertThatThrownBy(() -> kit.failure(call))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("expected a failure of RunningCall[scripted-")
          .hasMessageContaining("and it succeeded with Reply[");
    }
  }
}
