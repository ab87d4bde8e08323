package io.gorgon.scoreboard;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.testkit.TestPostgres;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The rows of a cluster, on real JVMs of this machine; see {@link Tier} for the options. */
@Tag("scoreboard")
@NeedsLayer(Layer.BRIDGE_MOCK)
class ClusterProofTest {

  private static final int FIRST = 26;
  private static final int LAST = 34;

  @Test
  @Timeout(value = 90, unit = TimeUnit.MINUTES)
  void row26_to_row34_threeNodesUnderLoad(@TempDir Path directory) throws IOException {
    Tier tier = Tier.ofProperties();
    System.out.println("[scoreboard] replay with " + tier.replay());
    var board = new Board("scoreboard-cluster", tier);
    try (var postgres = TestPostgres.start()) {
      try (var proof = new ClusterProof(postgres, directory, tier.seed())) {
        proof.run(tier.rounds());
        board.add(proof.rows());
      }
      board.add(ProofFigures.measure(postgres));
    }
    board.write();

    assertThat(board.rows())
        .extracting(Row::number)
        .as("every row was measured")
        .containsExactlyElementsOf(IntStream.rangeClosed(FIRST, LAST).boxed().toList());
    List<String> published = board.publishedRows();
    assertThat(published).as("the README's table has the same rows").hasSize(LAST - FIRST + 1);
    for (Row row : board.rows()) {
      assertThat(published.get(row.number() - FIRST))
          .startsWith("| " + row.number() + " | " + row.figure() + " | " + row.target() + " | ");
    }
    assertThat(board.rows().stream().filter(Row::failsTheRun).map(Row::figure))
        .as("rows that fail the run; replay with " + tier.replay())
        .isEmpty();
  }
}
