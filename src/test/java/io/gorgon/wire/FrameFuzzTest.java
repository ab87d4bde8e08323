package io.gorgon.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Damaged frames ({@code -Dgorgon.fuzz.frames}, 100 000): nothing escapes but a violation, and no
 * frame costs more memory than its bytes are worth, whatever sizes it claims.
 */
class FrameFuzzTest {

  private static final int FRAMES = Integer.getInteger("gorgon.fuzz.frames", 100_000);

  @Test
  void nothingButAViolationEscapesAndNoSizeIsBelieved() throws IOException {
    FrameFuzz.Result result = FrameFuzz.run(new Random(19), FRAMES);

    System.out.println("[fuzz] " + result);
    assertThat(result.read()).isGreaterThan(FRAMES / 50);
    assertThat(result.refused()).isGreaterThan(FRAMES / 50);
    assertThat(result.partial()).isGreaterThan(FRAMES / 50);
    assertThat(result.escaped()).isZero();
    assertThat(result.most()).isLessThan(FrameFuzz.OVERHEAD);
  }
}
