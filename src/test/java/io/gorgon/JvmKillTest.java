package io.gorgon;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.scoreboard.KilledJvms;
import java.io.IOException;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Whatever way the JVM ends, no process of ours is alive a second later. */
@Tag("nodes")
@NeedsLayer(Layer.BRIDGE_MOCK)
class JvmKillTest {

  private static final int KILLS = 20;

  @Test
  void row33_row39_killMinusNineLeavesNobody() throws IOException, InterruptedException {
    assertThat(KilledJvms.kill(KILLS, new Random(20))).isEmpty();
  }
}
