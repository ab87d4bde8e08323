package io.gorgon.cluster;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.gorgon.Checkout;
import io.gorgon.PythonPool;
import io.gorgon.RunningCall;
import io.gorgon.message.Attachment;
import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.CheckoutRefused;
import io.gorgon.message.PythonFailure.CheckoutRefused.Reason;
import io.gorgon.pool.CheckoutKind;
import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.pool.PoolStats;
import io.gorgon.pool.Verdict;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Down;
import org.apache.pekko.stream.javadsl.Sink;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Workers of two nodes, checked out by a third one. */
@Tag("nodes")
@NeedsLayer(Layer.BRIDGE_MOCK)
class ClusteredCheckoutsTest {

  private static final Duration SOON = Duration.ofSeconds(10);

  private TestCluster cluster;
  private PythonPool pool;

  private void start(String... settings) {
    cluster = TestCluster.start(2, settings);
    cluster.join("front");
    cluster.awaitNodes(2, 2);
    pool = cluster.pool(2);
  }

  @AfterEach
  void stop() {
    cluster.close();
  }

  private int leased() {
    return get(pool.stats()).leased();
  }

  private int pid(Checkout checkout) {
    return get(checkout.call(Call.of("os:getpid"))).as(Integer.class);
  }

  private void awaitRunning(Checkout checkout) {
    await()
        .atMost(SOON)
        .until(
            () ->
                get(pool.stats()).workers().stream()
                    .anyMatch(one -> one.worker().equals(checkout.worker()) && one.running()));
  }

  private void awaitNoneLeased() {
    await().atMost(SOON).until(() -> leased() == 0);
  }

  @Test
  void workersOfAllNodesAreCheckedOutTheLeastLoadedFirst() {
    start();
    Checkout first = get(pool.checkout());
    Checkout second = get(pool.checkout());

    assertThat(first.worker().pool()).isNotEqualTo(second.worker().pool());
    assertThat(pid(first)).isEqualTo(pid(first)).isNotEqualTo(pid(second));
    assertThat(leased()).isEqualTo(2);

    first.close();
    second.close();
    awaitNoneLeased();
    assertThat(get(pool.stats()).workers()).allMatch(worker -> worker.cleanReturns() == 1);
    assertThat(first.isEnded()).isTrue();
    assertThat(((CheckoutRefused) failureOf(first.call(Call.of("os:getpid")))).reason())
        .isEqualTo(Reason.LEASE_ENDED);
  }

  @Test
  void callsOfACheckoutRunInTheirOrderHoweverBigTheyAre() {
    start();
    Checkout mine = get(pool.checkout());
    List<RunningCall> calls = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      calls.add(
          i % 4 == 0
              ? mine.call(Call.of("targets:set_var", "last", Attachment.of(new double[40_000])))
              : mine.call(Call.of("targets:set_var", "last", i)));
    }
    calls.forEach(call -> get(call));

    assertThat(get(mine.call(Call.of("targets:get_var", "last"))).as(Integer.class)).isEqualTo(39);
    mine.close();
  }

  @Test
  void aStreamRunsOnACheckout() {
    start();
    Checkout mine = get(pool.checkout());

    List<Integer> all =
        get(
            mine.stream(Call.of("streaming:count", 300))
                .map(chunk -> chunk.as(Integer.class))
                .runWith(Sink.seq(), cluster.system(2)));

    assertThat(all).isEqualTo(IntStream.range(0, 300).boxed().toList());
    mine.close();
    awaitNoneLeased();
  }

  @Test
  void whoFindsNoWorkerIsToldInTime() {
    start();
    Checkout first = get(pool.checkout());
    Checkout second = get(pool.checkout());

    var refused =
        (CheckoutRefused)
            failureOf(
                pool.checkout(CheckoutKind.anonymous(), Optional.empty(), Duration.ofMillis(200)));

    assertThat(refused.reason()).isEqualTo(Reason.DEADLINE);
    first.close();
    Checkout third = get(pool.checkout());
    assertThat(pid(third)).isPositive();
    second.close(Verdict.BROKEN);
    third.close();
    awaitNoneLeased();
  }

  @Test
  void aLeaseThatIsNotRenewedEndsAndOneThatIsDoesNot() {
    start("gorgon.pools.test.checkout.lease-ttl = 1s");
    Checkout kept = get(pool.checkout());
    Checkout left = get(pool.checkout());
    pid(left);
    RunningCall running = left.call(Call.of("targets:sleep", 60));
    await()
        .atMost(SOON)
        .pollInterval(Duration.ofMillis(100))
        .until(
            () -> {
              kept.renew();
              return left.isEnded();
            });

    assertThat(failureOf(running)).isInstanceOf(PythonFailure.Cancelled.class);
    assertThat(((CheckoutRefused) failureOf(left.call(Call.of("os:getpid")))).reason())
        .isEqualTo(Reason.LEASE_ENDED);
    assertThat(pid(kept)).isPositive();
    kept.close();
  }

  @Test
  void anOwnersDeathEndsItsLeaseAndAUsedWorkerIsNotHandedOn() {
    start();
    ActorRef<Object> owner =
        cluster
            .system(2)
            .systemActorOf(
                Behaviors.receive(Object.class).onAnyMessage(any -> Behaviors.stopped()).build(),
                "owner",
                Props.empty());
    Checkout mine = get(pool.checkout(CheckoutKind.anonymous(), Optional.of(owner), SOON));
    pid(mine);
    RunningCall running = mine.call(Call.of("targets:sleep", 60));
    awaitRunning(mine);
    owner.tell("end");

    PythonFailure failure = failureOf(running);
    assertThat(failure).isInstanceOf(PythonFailure.Cancelled.class);
    await().atMost(SOON).until(mine::isEnded);
    await()
        .atMost(TestCluster.PATIENCE)
        .until(() -> leased() == 0 && get(pool.stats()).ready() == 2);
    assertThat(get(pool.stats()).workers())
        .extracting(PoolStats.WorkerStats::worker)
        .doesNotContain(mine.worker());
  }

  @Test
  void aNodeThatEndsTakesItsLeasesWithIt() {
    start("gorgon.pools.test.timeouts.drain = 300ms");
    Checkout first = get(pool.checkout());
    Checkout second = get(pool.checkout());
    Site gone = Site.at("test", Cluster.get(cluster.system(1)).selfMember().address());
    Checkout there = first.worker().pool().equals(gone.name()) ? first : second;
    Checkout here = there == first ? second : first;
    RunningCall running = there.call(Call.of("targets:sleep", 60));
    get(here.call(Call.of("targets:echo", 1)));
    awaitRunning(there);

    cluster.leave(1);

    assertThat(failureOf(running))
        .isInstanceOfAny(
            PythonFailure.NodeLost.class,
            PythonFailure.WorkerLost.class,
            PythonFailure.Cancelled.class);
    await().atMost(TestCluster.PATIENCE).until(there::isEnded);
    assertThat(((CheckoutRefused) failureOf(there.call(Call.of("os:getpid")))).reason())
        .isEqualTo(Reason.LEASE_ENDED);
    assertThat(pid(here)).isPositive();
    here.close();
    awaitNoneLeased();
    get(get(pool.checkout()).call(Call.of("targets:echo", 2)));
  }

  @Test
  void aNodeThatIsDeclaredDeadTakesItsLeasesWithIt() {
    start();
    Checkout first = get(pool.checkout());
    Checkout second = get(pool.checkout());
    var dead = Cluster.get(cluster.system(1)).selfMember().address();
    String gone = Site.at("test", dead).name();
    Checkout there = first.worker().pool().equals(gone) ? first : second;
    Checkout here = there == first ? second : first;
    RunningCall running = there.call(Call.of("targets:sleep", 60));
    awaitRunning(there);

    Cluster.get(cluster.system(0)).manager().tell(new Down(dead));

    assertThat(failureOf(running))
        .isInstanceOfAny(
            PythonFailure.NodeLost.class,
            PythonFailure.WorkerLost.class,
            PythonFailure.Cancelled.class);
    await().atMost(TestCluster.PATIENCE).until(there::isEnded);
    assertThat(pid(here)).isPositive();
    here.close();
    awaitNoneLeased();
  }

  @Test
  void aHoldersNodeThatEndsGivesItsWorkersBack() {
    start("gorgon.pools.test.timeouts.drain = 300ms");
    Checkout mine = get(pool.checkout());
    pid(mine);
    RunningCall running = mine.call(Call.of("targets:sleep", 60));
    PythonPool other = cluster.pool(0);
    await().atMost(SOON).until(() -> get(other.stats()).leased() == 1);

    cluster.leave(2);

    assertThat(failureOf(running)).isInstanceOf(PythonFailure.Cancelled.class);
    await()
        .atMost(TestCluster.PATIENCE)
        .until(() -> get(other.stats()).leased() == 0 && get(other.stats()).ready() == 2);
    assertThat(get(other.stats()).workers())
        .extracting(PoolStats.WorkerStats::worker)
        .doesNotContain(mine.worker());
  }

  @Test
  void aPinnedSessionIsAtItsOwnersNodeAndIsLostWithItsProcess() {
    start();
    CheckoutKind pinned = CheckoutKind.session("p", Affinity.PINNED);
    Checkout first = get(pool.checkout(pinned));
    int pid = pid(first);
    first.close();
    awaitNoneLeased();
    Checkout again = get(cluster.pool(0).checkout(pinned));
    assertThat(pid(again)).isEqualTo(pid);

    failureOf(again.call(Call.of("os:_exit", 3)));
    again.close();

    PythonFailure lost = failureOf(pool.checkout(pinned));
    assertThat(lost).isInstanceOf(PythonFailure.SessionLost.class);
    assertThat(lost).hasMessageContaining(first.worker().toString());
    get(pool.session("p").end());
    get(pool.checkout(pinned)).close();
  }

  @Test
  void aKindThatCannotBeIsRefused() {
    start();
    var refused =
        (CheckoutRefused) failureOf(pool.checkout(CheckoutKind.session(" ", Affinity.PREFER)));
    assertThat(refused.reason()).isEqualTo(Reason.INVALID_KIND);
  }
}
