package io.gorgon.scoreboard;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import java.io.IOException;
import java.time.LocalDate;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The long one of row 18: {@code mvn -Psoak verify -Dsoak.minutes=60}, 10 by default. */
@Tag("soak")
@NeedsLayer(Layer.BRIDGE_MOCK)
class SoakTest {

  @Test
  void nothingGrows() throws IOException {
    long minutes = Long.getLong("soak.minutes", 10);
    long seed = Long.getLong("scoreboard.seed", 20_261_126L);
    System.out.println(
        "[soak] replay with mvn -Psoak verify -Dsoak.minutes="
            + minutes
            + " -Dscoreboard.seed="
            + seed);

    Soak soak = Soak.run(minutes * 60, new Random(seed));

    System.out.println("[soak] " + soak);
    Row row = soak.row();
    System.out.println("[soak] " + row.measured());
    if (System.getProperty("scoreboard.publish") != null) {
      Board.publish(
          "soak",
          "Soak, "
              + minutes
              + " minutes, "
              + LocalDate.now()
              + ", "
              + Board.machine()
              + ": "
              + row.measured()
              + " ("
              + row.verdict()
              + ").");
    }
    assertThat(row.failsTheRun()).as(row.measured()).isFalse();
  }
}
