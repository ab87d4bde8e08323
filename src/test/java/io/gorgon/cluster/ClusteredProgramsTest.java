package io.gorgon.cluster;

import static io.gorgon.proving.TestPool.get;
import static io.gorgon.testkit.FakeLanguageModel.fields;
import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.dspy.LanguageModel;
import io.gorgon.dspy.Program;
import io.gorgon.dspy.Programs;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.testkit.FakeLanguageModel;
import io.gorgon.testkit.ModelAnswer;
import java.util.Map;
import org.apache.pekko.stream.javadsl.Sink;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** DSPy programs over nodes: they are sessions and calls, so nothing else should be needed. */
@Tag("dspy")
@NeedsLayer(Layer.FULL_INTEGRATION)
class ClusteredProgramsTest {

  @Test
  void aProgramOutlivesTheNodesThatHadIt() {
    try (var model = FakeLanguageModel.start(any -> ModelAnswer.text(fields("answer", "42.5")));
        var cluster =
            TestCluster.start(
                2,
                "gorgon.pools.test { preload = [dspy], timeouts.start = 120s, call-timeout = 60s }",
                "gorgon.pools.test.environment.TEST_KEY = sk-test")) {
      cluster.join("front");
      cluster.awaitNodes(2, 2);
      Programs programs =
          Programs.on(cluster.pool(2))
              .with(
                  LanguageModel.of("openai/gpt-4o-mini")
                      .withBaseUrl(model.url())
                      .withKeyFromEnvironment("TEST_KEY")
                      .withRetries(0))
              .session("user-42");
      programs.create("qa", Program.predict("question -> answer: float")).join();
      var before = programs.execute("qa", Map.of("question", "6 * 7?")).join();

      // Whichever of the two had the session: in the end, both are gone.
      cluster.leave(0);
      var between = programs.execute("qa", Map.of("question", "6 * 7?")).join();
      cluster.join("python");
      cluster.awaitNodes(2, 2);
      cluster.leave(1);
      var after = programs.execute("qa", Map.of("question", "6 * 7?")).join();

      assertThat(before.as("answer", Double.class)).isEqualTo(42.5);
      assertThat(between.as("answer", Double.class)).isEqualTo(42.5);
      assertThat(after.as("answer", Double.class)).isEqualTo(42.5);
      assertThat(programs.list().join().totalCount()).isEqualTo(1);
      assertThat(
              get(
                  programs.stream("qa", Map.of("question", "6 * 7?"))
                      .runWith(Sink.seq(), cluster.system(2))))
          .isNotEmpty();
    }
  }
}
