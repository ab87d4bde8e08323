package io.gorgon.cluster;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.gorgon.PythonPool;
import io.gorgon.RunningCall;
import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Reply;
import io.gorgon.message.WorkerId;
import io.gorgon.pool.CheckoutKind;
import io.gorgon.pool.Entrance;
import io.gorgon.pool.Granted;
import io.gorgon.pool.Lease;
import io.gorgon.pool.Pool;
import io.gorgon.pool.PoolStats;
import io.gorgon.pool.PoolStatus;
import io.gorgon.pool.Verdict;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.pattern.StatusReply;
import org.apache.pekko.stream.javadsl.Sink;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What operators do with a pool of two nodes, from a third one without Python. */
@Tag("nodes")
@NeedsLayer(Layer.BRIDGE_MOCK)
class ClusteredOperatorsTest {

  private static final Duration SOON = Duration.ofSeconds(10);

  private TestCluster cluster;
  private PythonPool pool;

  @BeforeEach
  void start() {
    cluster = TestCluster.start(2);
    cluster.join("front");
    cluster.awaitNodes(2, 2);
    pool = cluster.pool(2);
  }

  @AfterEach
  void stop() {
    cluster.close();
  }

  private List<WorkerId> workers() {
    return get(pool.stats()).workers().stream().map(PoolStats.WorkerStats::worker).toList();
  }

  @Test
  void figuresAreThoseOfAllNodesAndNameEachWorkerWithItsNode() {
    for (int i = 0; i < 10; i++) {
      Reply reply = get(pool.call(Call.of("targets:echo", i)));
      assertThat(workers()).contains(reply.worker());
    }

    PoolStats stats = get(pool.stats());

    assertThat(stats.pool()).isEqualTo("test");
    assertThat(stats.ready()).isEqualTo(2);
    assertThat(stats.maxWorkers()).isEqualTo(2);
    assertThat(stats.accepted()).isEqualTo(10);
    assertThat(stats.workers())
        .extracting(each -> each.worker().toString())
        .doesNotHaveDuplicates();
    assertThat(stats.workers())
        .extracting(PoolStats.WorkerStats::pool)
        .allMatch(name -> name.startsWith("test@127.0.0.1:"));
  }

  @Test
  void aNodesOwnCallsNameItsWorkersTheSameWay() {
    WorkerId worker = get(cluster.pool(0).call(Call.of("targets:echo", 1))).worker();

    assertThat(workers()).contains(worker);
  }

  @Test
  void stacksComeFromTheNodeThatHasTheWorker() {
    for (WorkerId worker : workers()) {
      assertThat(get(pool.dump(worker))).contains("_worker.py");
    }
    PythonFailure gone = failureOf(pool.dump(new WorkerId("test@127.0.0.1:1", 0, 1)));
    assertThat(gone).isInstanceOf(PythonFailure.NoDump.class);
    PythonFailure past = failureOf(pool.dump(new WorkerId(workers().get(0).pool(), 0, 99)));
    assertThat(past).isInstanceOf(PythonFailure.NoDump.class);
    assertThat(past).hasMessageContaining("test@127.0.0.1:");
  }

  @Test
  void eventsComeFromAllNodesAlsoThoseThatJoinLater() {
    List<PoolEvent> seen = Collections.synchronizedList(new ArrayList<>());
    var done = pool.events().runWith(Sink.foreach(seen::add), cluster.system(2));
    await().atMost(SOON).until(() -> count(seen, PoolEvent.WorkerReady.class) == 2);

    cluster.join("python");
    await().atMost(TestCluster.PATIENCE).until(() -> count(seen, PoolEvent.WorkerReady.class) == 3);
    assertThat(seen).extracting(PoolEvent::pool).allMatch(name -> name.startsWith("test@"));

    cluster.leave(0);
    await().atMost(TestCluster.PATIENCE).until(() -> count(seen, PoolEvent.WorkerGone.class) >= 1);
    assertThat(done.toCompletableFuture()).isNotDone();

    get(pool.drain(Duration.ofSeconds(5)));
    get(done);
  }

  private static long count(List<PoolEvent> seen, Class<? extends PoolEvent> kind) {
    return List.copyOf(seen).stream().filter(kind::isInstance).count();
  }

  @Test
  void resizeAndResetReachEveryNode() {
    List<WorkerId> before = workers();
    pool.resize(2, 3);
    await().atMost(TestCluster.PATIENCE).until(() -> get(pool.stats()).ready() == 4);
    assertThat(get(pool.stats()).maxWorkers()).isEqualTo(6);

    pool.reset();
    await()
        .atMost(TestCluster.PATIENCE)
        .until(() -> Collections.disjoint(workers(), before) && get(pool.stats()).ready() == 4);
  }

  @Test
  void aDrainEndsThisNodesUseAloneAndEverythingIsAnsweredAfterwards() {
    RunningCall runs = pool.call(Call.of("targets:sleep", 0.5));
    await()
        .atMost(SOON)
        .until(() -> get(pool.stats()).workers().stream().anyMatch(w -> w.running()));

    var drained = pool.drain(Duration.ofSeconds(10));
    await().atMost(SOON).until(() -> pool.status() == PoolStatus.DRAINING);
    assertThat(failureOf(pool.call(Call.of("targets:echo", 1))))
        .isInstanceOf(PythonFailure.Draining.class);
    assertThat(get(runs).as(String.class)).isEqualTo("slept");
    get(drained);
    assertThat(pool.status()).isEqualTo(PoolStatus.STOPPED);

    assertThat(get(cluster.pool(0).call(Call.of("targets:echo", 2))).as(Integer.class))
        .isEqualTo(2);
    everythingIsAnswered();
  }

  @Test
  void aDrainWhoseTimeIsUpEndsWhatRuns() {
    RunningCall runs = pool.call(Call.of("targets:sleep", 60));
    var session = pool.session("s").call(Call.of("targets:sleep", 60));
    await()
        .atMost(SOON)
        .until(() -> get(pool.stats()).workers().stream().filter(w -> w.running()).count() >= 1);

    get(pool.drain(Duration.ofMillis(200)));

    assertThat(failureOf(runs)).isInstanceOf(PythonFailure.Cancelled.class);
    assertThat(failureOf(session))
        .isInstanceOfAny(PythonFailure.Cancelled.class, PythonFailure.CommitUnknown.class);
  }

  private <T> T ask(java.util.function.Function<ActorRef<T>, Pool.Command> question) {
    return get(AskPattern.ask(pool.ref(), question::apply, SOON, cluster.system(2).scheduler()));
  }

  private void everythingIsAnswered() {
    var lease = new Lease(0, 1, 1);
    Call call = Call.of("targets:echo", 1);
    assertThat(this.<StatusReply<Reply>>ask(to -> new Pool.Execute(call, to)).isError()).isTrue();
    assertThat(
            this.<StatusReply<Granted>>ask(
                    to -> new Pool.Checkout(CheckoutKind.anonymous(), Optional.empty(), SOON, to))
                .isError())
        .isTrue();
    assertThat(this.<StatusReply<Reply>>ask(to -> new Pool.Run(lease, call, to)).getError())
        .isInstanceOf(PythonFailure.CheckoutRefused.class);
    pool.ref().tell(new Pool.Acknowledge(lease));
    pool.ref().tell(new Pool.Renew(lease));
    pool.ref().tell(new Pool.Return(lease, Verdict.CLEAN));
    pool.ref().tell(new Pool.EndSession("s"));
    assertThat(this.<PoolStats>ask(Pool.GetStats::new).ready()).isEqualTo(2);
    assertThat(
            this.<StatusReply<String>>ask(to -> new Pool.Dump(new WorkerId("test", 0, 1), to))
                .getError())
        .isInstanceOf(PythonFailure.NoDump.class);
    assertThat(this.<Entrance>ask(Pool.Introduce::new)).isNotNull();
    assertThat(this.<PoolEvent>ask(Pool.Subscribe::new)).isInstanceOf(PoolEvent.PoolStopped.class);
    this.<org.apache.pekko.Done>ask(to -> new Pool.Drain(Duration.ofSeconds(1), to));
  }

  @Test
  void aMessageThatIsNotWholeBringsNobodyDown() {
    ActorRef<Gate.Command> gate = ClusteredPools.get(cluster.system(0)).gate("test");
    gate.tell(new Gate.Serve(null, 1, null, null, null));
    gate.tell(new Gate.Join(null, 0));
    gate.tell(new Gate.Join(null, 1));
    gate.tell(new Gate.Serve(null, 2, null, null, new Lease(1, 1, 1)));
    gate.tell(new Gate.Lend(null, null, 1, null, null, null));
    gate.tell(new Gate.Keep(null, null, null));
    gate.tell(new Gate.Count(null));
    gate.tell(new Gate.Resize(0, 0));

    assertThat(get(pool.stats()).ready()).isEqualTo(2);
    assertThat(get(pool.call(Call.of("targets:echo", 1))).as(Integer.class)).isEqualTo(1);
    cluster.join("front");
    cluster.awaitNodes(3, 2); // who comes later is told the load
  }
}
