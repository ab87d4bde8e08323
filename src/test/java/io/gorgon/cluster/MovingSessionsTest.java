package io.gorgon.cluster;

import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.PythonPool;
import io.gorgon.RunningCall;
import io.gorgon.message.Call;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Sessions that go from node to node while they are called. */
@Tag("nodes")
@NeedsLayer(Layer.BRIDGE_MOCK)
class MovingSessionsTest {

  private static final int SESSIONS = 12;
  private static final int BURSTS = 12;
  private static final int BURST = 4;

  @Test
  void callsKeepTheirOrderAndAreAllRunWhenTheirNodeLeaves() {
    try (TestCluster cluster = TestCluster.start(2)) {
      cluster.join("front");
      cluster.awaitNodes(2, 2);
      PythonPool front = cluster.pool(2);
      Map<String, List<RunningCall>> calls = new HashMap<>();
      for (int burst = 0; burst < BURSTS; burst++) {
        if (burst == BURSTS / 3) {
          cluster.beginToLeave(0);
        }
        for (int i = 0; i < SESSIONS; i++) {
          String key = "moving-" + i;
          List<RunningCall> sent = calls.computeIfAbsent(key, any -> new ArrayList<>());
          for (int n = 0; n < BURST; n++) {
            sent.add(front.session(key).call(Call.of("sessions:append", sent.size())));
          }
        }
        // Some of the sessions are waited for, so that there is load all the time.
        get(calls.get("moving-" + burst % SESSIONS).get(burst * BURST));
      }

      List<Integer> expected = IntStream.range(0, BURSTS * BURST).boxed().toList();
      calls.forEach(
          (key, sent) -> {
            sent.forEach(call -> get(call));
            assertThat(get(front.session(key).state()).decoded()).containsEntry("items", expected);
          });
    }
  }

  @Test
  void aSessionInUseIsNotLetGoAndOneThatRestsComesBackWithItsState() {
    try (TestCluster cluster = TestCluster.start(1, "gorgon.cluster.passivate-after = 1s")) {
      cluster.join("front");
      cluster.awaitNodes(1, 1);
      PythonPool front = cluster.pool(1);
      get(front.session("rests").call(Call.of("sessions:increment")));

      // Three times as long as a session may rest; sharding is told nothing meanwhile.
      RunningCall used = front.session("used").call(Call.of("sessions:increment_then", "", 3.0));

      assertThat(get(used).as(Integer.class)).isEqualTo(1);
      assertThat(get(front.session("rests").call(Call.of("sessions:increment"))).as(Integer.class))
          .isEqualTo(2);
    }
  }

  @Test
  void theEndOfASessionIsBehindTheCallsBeforeIt() {
    try (TestCluster cluster = TestCluster.start(1)) {
      cluster.join("front");
      cluster.awaitNodes(1, 1);
      PythonPool front = cluster.pool(1);
      List<RunningCall> sent = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        sent.add(front.session("ended").call(Call.of("sessions:increment")));
      }
      var ended = front.session("ended").end();
      var after = front.session("ended").call(Call.of("sessions:increment"));

      assertThat(get(sent.get(4)).as(Integer.class)).isEqualTo(5);
      get(ended);
      assertThat(get(after).as(Integer.class)).isEqualTo(1);
    }
  }

  @Test
  void aNodeWhoseWorkersDoNotStartIsGivenNoSessions() {
    try (TestCluster cluster = TestCluster.start(1)) {
      cluster.join("python", "gorgon.pools.test.python = \"/nowhere/python3\"");
      cluster.join("front");
      cluster.awaitNodes(2, 1);
      PythonPool front = cluster.pool(2);
      for (int i = 0; i < 3 * SESSIONS; i++) {
        RunningCall call = front.session("started-" + i).call(Call.of("sessions:increment"));
        assertThat(get(call).as(Integer.class)).isEqualTo(1);
      }
    }
  }
}
