package io.gorgon.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.Checkout;
import io.gorgon.RunningCall;
import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.CheckoutRefused.Reason;
import io.gorgon.message.PythonFailure.WorkerLost;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.testkit.Mortal;
import io.gorgon.testkit.ScriptedConnection;
import io.gorgon.testkit.ScriptedPool;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Grants and leases, on scripted workers. */
@NeedsLayer(Layer.MOCK_ADAPTER)
class PoolGrantsTest {

  private static final String ONE = "min-workers = 1, max-workers = 1";

  private static ScriptedPool one(String... settings) {
    var all = new ArrayList<>(List.of(settings));
    all.add(ONE);
    return ScriptedPool.start(all.toArray(String[]::new));
  }

  private static String lastEnd(ScriptedPool tested) {
    List<PoolEvent.LeaseEnded> ends = tested.eventsOf(PoolEvent.LeaseEnded.class);
    return ends.get(ends.size() - 1).how();
  }

  @Test
  void row01_aGrantThatNobodyAcknowledgesIsRevokedAndItsWorkerIsFreeWithoutARestart() {
    try (var tested = one("checkout.acknowledge-timeout = 2s")) {
      RawCheckout lost = RawCheckout.sent(tested);
      assertThat(lost.granted().worker().generation()).isEqualTo(1);
      RawCheckout next = RawCheckout.sent(tested);
      tested.passes(1_980);
      assertThat(next.isAnswered()).isFalse();

      tested.passes(20);

      assertThat(next.granted().worker()).isEqualTo(lost.granted().worker());
      assertThat(lost.granted().isCurrent()).isFalse();
      assertThat(lastEnd(tested)).isEqualTo("revoked unused");
      assertThat(tested.eventsOf(PoolEvent.WorkerGone.class)).isEmpty();
    }
  }

  @Test
  void row01b_aLeaseThatIsNotRenewedExpiresAndTakesItsRunningCallWithIt() {
    try (var tested = one("checkout.lease-ttl = 5s")) {
      Checkout mine = tested.now(tested.pool().checkout());
      tested.passes(4_000);
      mine.renew();
      RunningCall call = mine.call(Call.of("m:slow"));
      tested.passes(4_980);
      assertThat(tested.isDone(call)).isFalse();

      tested.passes(40);

      assertThat(tested.failureNow(call)).isInstanceOf(PythonFailure.Cancelled.class);
      assertThat(lastEnd(tested)).isEqualTo("revoked in use");
      assertThat(tested.worker(0).id().generation()).isEqualTo(2);
    }
  }

  /** A soak found ends of leases that nobody had been told of. */
  @Test
  void row01c_theLeaseOfASessionsCallIsToldNeitherAsGrantedNorAsEnded() {
    try (var tested = one()) {
      RunningCall call = tested.pool().session("s").call(Call.of("m:slow"));

      tested.worker(0).dieBy(9);

      assertThat(tested.failureOf(call)).isInstanceOf(WorkerLost.class);
      assertThat(tested.eventsOf(PoolEvent.WorkerGone.class)).hasSize(1);
      assertThat(tested.eventsOf(PoolEvent.LeaseGranted.class)).isEmpty();
      assertThat(tested.eventsOf(PoolEvent.LeaseEnded.class)).isEmpty();
    }
  }

  @Test
  void row02_anOwnerThatDiesWhileItWaitsIsNeverGranted() {
    try (var tested = one()) {
      RawCheckout holder = RawCheckout.sent(tested).acknowledge();
      Mortal owner = tested.mortal();
      RawCheckout waiting = RawCheckout.sentFor(tested, owner.ref());

      owner.dies();

      assertThat(waiting.refusal()).isEqualTo(Reason.OWNER_DEAD);
      assertThat(tested.stats().waitingCheckouts()).isZero();
      tested.tell(new Pool.Return(holder.granted().lease(), Verdict.CLEAN));
      assertThat(tested.eventsOf(PoolEvent.LeaseGranted.class)).hasSize(1);
      assertThat(waiting.answers()).isEqualTo(1);
    }
  }

  @Test
  void row03_anOwnerThatDiesWithAUsedWorkerCostsThatIncarnation() {
    try (var tested = one()) {
      Mortal owner = tested.mortal();
      Checkout mine =
          tested.now(
              tested
                  .pool()
                  .checkout(
                      CheckoutKind.anonymous(),
                      java.util.Optional.of(owner.ref()),
                      Duration.ofSeconds(1)));
      RunningCall used = mine.call(Call.of("m:f"));
      tested.worker(0).answer(1);
      tested.now(used);

      owner.dies();

      assertThat(mine.isEnded()).isTrue();
      assertThat(RawCheckout.sent(tested).granted().worker().generation()).isEqualTo(2);
      assertThat(tested.connector().opened().get(0).kills()).isPositive();
    }
  }

  @Test
  void row03b_anOwnerThatDiesWithAnUnusedWorkerGivesItBack() {
    try (var tested = one()) {
      Mortal owner = tested.mortal();
      RawCheckout.sentFor(tested, owner.ref()).acknowledge();

      owner.dies();

      assertThat(RawCheckout.sent(tested).granted().worker().generation()).isEqualTo(1);
    }
  }

  @Test
  void row05_aWorkerThatDiesBetweenGrantAndFirstUseRunsNothingAndSaysSo() {
    try (var tested = one()) {
      Checkout mine = tested.now(tested.pool().checkout());
      ScriptedConnection dead = tested.worker(0);
      dead.die();

      RunningCall call = mine.call(Call.of("m:f"));
      assertThat(tested.isDone(call)).isFalse();
      dead.dieBy(9);

      var lost = (WorkerLost) tested.failureNow(call);
      assertThat(lost.retryable()).isTrue();
      assertThat(lost.started()).isFalse();
      assertThat(mine.isEnded()).isTrue();
      assertThat(tested.failureNow(mine.call(Call.of("m:f"))))
          .isInstanceOf(PythonFailure.CheckoutRefused.class);
    }
  }

  @Test
  void row06_aSecondReturnOfALeaseIsCountedAndDoesNothing() {
    try (var tested = one()) {
      Lease lease = RawCheckout.sent(tested).acknowledge().granted().lease();
      tested.tell(new Pool.Return(lease, Verdict.CLEAN));
      long before = tested.stats().staleMessages();

      tested.tell(new Pool.Return(lease, Verdict.BROKEN));

      assertThat(tested.stats().staleMessages()).isEqualTo(before + 1);
      assertThat(tested.eventsOf(PoolEvent.WorkerGone.class)).isEmpty();
      assertThat(tested.stats().ready()).isEqualTo(1);
    }
  }

  @Test
  void row07_aStaleReturnDoesNotTouchTheNextHolder() {
    try (var tested = one()) {
      Lease first = RawCheckout.sent(tested).acknowledge().granted().lease();
      tested.tell(new Pool.Return(first, Verdict.CLEAN));
      Granted second = RawCheckout.sent(tested).acknowledge().granted();

      tested.tell(new Pool.Return(first, Verdict.BROKEN));

      assertThat(second.isCurrent()).isTrue();
      assertThat(tested.stats().leased()).isEqualTo(1);
    }
  }

  @Test
  void row08_aReturnAfterTheLeaseWasRevokedIsIgnored() {
    try (var tested = one("checkout.lease-ttl = 1s")) {
      Granted expired = RawCheckout.sent(tested).acknowledge().granted();
      tested.passes(1_020);
      Granted next = RawCheckout.sent(tested).acknowledge().granted();

      tested.tell(new Pool.Return(expired.lease(), Verdict.BROKEN));

      assertThat(next.isCurrent()).isTrue();
      assertThat(tested.stats().staleMessages()).isEqualTo(1);
    }
  }

  @Test
  void row09_aForgedLeaseIsRejectedWhateverItIsUsedFor() {
    try (var tested = one()) {
      Granted real = RawCheckout.sent(tested).acknowledge().granted();
      var forged = new Lease(0, 1, real.lease().sequence() + 1);
      var elsewhere = new Lease(700, 1, real.lease().sequence());

      for (Lease lease : List.of(forged, elsewhere)) {
        tested.tell(new Pool.Return(lease, Verdict.BROKEN));
        tested.tell(new Pool.Renew(lease));
        tested.tell(new Pool.Acknowledge(lease));
        var answers = new ArrayList<PythonFailure>();
        tested.tell(
            new Pool.Run(
                lease,
                Call.of("m:f"),
                tested.actor(reply -> answers.add((PythonFailure) reply.getError()))));
        assertThat(answers).hasSize(1).first().isInstanceOf(PythonFailure.CheckoutRefused.class);
      }

      assertThat(real.isCurrent()).isTrue();
      assertThat(tested.stats().staleMessages()).isEqualTo(6);
      assertThat(tested.worker(0).requests()).isEmpty();
    }
  }

  @Test
  void row10_aWorkerThatDiedAMomentAgoIsNotIdleAgainAndIsReplacedOnce() {
    try (var tested = one()) {
      Granted mine = RawCheckout.sent(tested).acknowledge().granted();
      ScriptedConnection dead = tested.worker(0);
      dead.die();

      tested.tell(new Pool.Return(mine.lease(), Verdict.CLEAN));
      RawCheckout next = RawCheckout.sent(tested);
      dead.dieBy(9);

      assertThat(next.granted().worker().generation()).isEqualTo(2);
      assertThat(tested.connector().opened()).hasSize(2);
    }
  }

  @Test
  void row11_aBrokenReturnAndTheExitAreOneRemovalInEitherOrder() {
    for (boolean exitFirst : new boolean[] {true, false}) {
      try (var tested = one()) {
        Granted mine = RawCheckout.sent(tested).acknowledge().granted();
        if (exitFirst) {
          tested.worker(0).exit(3);
          tested.tell(new Pool.Return(mine.lease(), Verdict.BROKEN));
        } else {
          tested.tell(new Pool.Return(mine.lease(), Verdict.BROKEN));
          tested.connector().opened().get(0).exit(3);
        }
        assertThat(tested.eventsOf(PoolEvent.WorkerGone.class)).hasSize(1);
        assertThat(tested.connector().opened()).hasSize(2);
        assertThat(tested.stats().ready()).isEqualTo(1);
      }
    }
  }
}
