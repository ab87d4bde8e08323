package io.gorgon;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.scoreboard.CrashLoop;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What real processes that die at every start cost; {@code PoolLoadTest.row12} runs a minute. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class CrashLoopTest {

  @TempDir Path directory;

  @Test
  void row12_aBootCrashLoopOfRealProcessesIsBoundedFailsFastAndHeals() throws IOException {
    CrashLoop loop = CrashLoop.run(directory, 8, 4);

    System.out.println("[figures] boot crash loop of real processes, 8 s: " + loop);
    assertThat(loop.starts()).isBetween(4, 20);
    assertThat(loop.mostInOneSecond()).isLessThanOrEqualTo(5);
    assertThat(loop.oddRefusals()).isZero();
    assertThat(loop.servesAgain()).isTrue();
  }
}
