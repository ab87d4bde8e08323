package io.gorgon.cluster;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.PythonPool;
import io.gorgon.message.Attachment;
import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.apache.pekko.stream.javadsl.Sink;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two nodes with Python and one without, in one JVM; calls are made by the one without. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class ClusteredPoolsTest {

  private static TestCluster cluster;
  private static PythonPool caller;

  @BeforeAll
  static void start() {
    cluster = TestCluster.start(2);
    cluster.join("front");
    cluster.awaitNodes(2, 2);
    caller = cluster.pool(2);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @Test
  void aNodeWithoutPythonCallsThoseThatHaveIt() {
    assertThat(ClusteredPools.get(cluster.system(2)).hosted()).isEmpty();
    assertThat(get(caller.call(Call.of("targets:add", 1, 2))).as(Integer.class)).isEqualTo(3);
  }

  @Test
  void callsGoToTheNodeThatHasLessToDo() {
    CompletableFuture<?> slow = caller.call(Call.of("targets:sleep", 1)).toCompletableFuture();

    List<Integer> pids =
        IntStream.range(0, 5)
            .map(i -> get(caller.call(Call.of("os:getpid"))).as(Integer.class))
            .boxed()
            .distinct()
            .toList();

    assertThat(slow).isNotDone();
    assertThat(pids).hasSize(1);
    get(slow);
  }

  @Test
  void bigValuesCrossInBothDirections() {
    double[] big = new double[3_000_000];
    big[2_999_999] = 42.5;

    double[] back =
        get(caller.call(Call.of("targets:echo", Attachment.of(big)))).as(double[].class);

    assertThat(back).isEqualTo(big);
  }

  @Test
  void aStreamCrossesWithItsBackpressure(@TempDir Path directory) throws Exception {
    Path note = directory.resolve("note");

    List<Integer> first =
        get(
            caller.stream(Call.of("streaming:count_and_note", 100_000, note.toString()))
                .map(chunk -> chunk.as(Integer.class))
                .take(10)
                .runWith(Sink.seq(), cluster.system(2)));

    assertThat(first).isEqualTo(IntStream.range(0, 10).boxed().toList());
    org.awaitility.Awaitility.await().until(() -> java.nio.file.Files.exists(note));
    int made = Integer.parseInt(java.nio.file.Files.readString(note).split(" ")[0]);
    assertThat(made).isLessThan(100);
  }

  @Test
  void aStreamOfManyArrivesWholeAndInOrder() {
    List<Integer> all =
        get(
            caller.stream(Call.of("streaming:count", 5_000))
                .map(chunk -> chunk.as(Integer.class))
                .runWith(Sink.seq(), cluster.system(2)));

    assertThat(all).isEqualTo(IntStream.range(0, 5_000).boxed().toList());
  }

  @Test
  void failuresArriveAsTheyAre() {
    PythonFailure raised = failureOf(caller.call(Call.of("streaming:missing")));
    assertThat(raised).isInstanceOf(PythonFailure.UnknownTarget.class);

    PythonFailure late =
        failureOf(caller.call(Call.of("targets:sleep", 5).withTimeout(Duration.ofMillis(300))));
    assertThat(late).isInstanceOf(PythonFailure.DeadlineExceeded.class);
    assertThat(((PythonFailure.DeadlineExceeded) late).phase())
        .isEqualTo(PythonFailure.DeadlineExceeded.Phase.RUNNING);
  }

  @Test
  void sessionsKeepTheirStateWhoeverCalls() {
    for (int i = 0; i < 30; i++) {
      PythonPool pool = cluster.pool(i % 3);
      String key = "s" + (i % 5);
      int count = get(pool.session(key).call(Call.of("sessions:increment"))).as(Integer.class);
      assertThat(count).isEqualTo(i / 5 + 1);
    }
    assertThat(get(caller.session("s0").state()).decoded()).containsEntry("count", 6);
    get(caller.session("s0").end());
    assertThat(get(cluster.pool(0).session("s0").state()).decoded()).isEmpty();
  }

  @Test
  void whatIsCancelledStopsAtItsNode() {
    var running = caller.call(Call.of("targets:sleep", 30));
    org.awaitility.Awaitility.await().pollDelay(Duration.ofMillis(200)).until(() -> true);
    running.cancel();

    assertThat(failureOf(running)).isInstanceOf(PythonFailure.Cancelled.class);
    // Both workers are free again.
    var both =
        List.of(caller.call(Call.of("targets:echo", 1)), caller.call(Call.of("targets:echo", 2)));
    both.forEach(call -> get(call));
  }
}
