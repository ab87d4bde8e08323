package io.gorgon.scoreboard;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The rows of a cluster, on real JVMs of this machine. */
@Tag("scoreboard")
@NeedsLayer(Layer.BRIDGE_MOCK)
class ClusterProofTest {

  @Test
  @Timeout(value = 60, unit = TimeUnit.MINUTES)
  void threeNodesUnderLoad(@TempDir Path directory) throws IOException {
    Tier tier = Tier.ofProperties();
    var board = new Board(tier);
    try (var proof = new ClusterProof(directory, tier.seed())) {
      proof.run(1);
      board.add(proof.rows());
    }
    assertThat(board.rows().stream().filter(Row::failsTheRun).map(Row::figure)).isEmpty();
  }
}
