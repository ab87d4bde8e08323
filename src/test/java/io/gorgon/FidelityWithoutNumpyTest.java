package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.gorgon.message.Attachment;
import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure.BadArguments;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Arrays on an interpreter that has nothing but the standard library: the system's python3. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class FidelityWithoutNumpyTest {

  private static TestPool tested;
  private static PythonPool pool;

  @BeforeAll
  static void start() {
    tested = TestPool.start("python = python3", "min-workers = 1", "max-workers = 1").awaitReady(1);
    pool = tested.pool();
    assumeFalse(
        FidelityTest.hasNumpy(pool), "python3 has NumPy here: put one without it on the PATH");
  }

  @AfterAll
  static void stop() {
    if (tested != null) {
      tested.close();
    }
  }

  @Test
  void arraysAreMemoryviewsAndComeBackEqual() {
    for (Attachment array :
        List.of(
            Attachment.of(new double[] {1, Double.NaN}),
            Attachment.of(new float[] {1, 2, 3, 4}, 2, 2),
            Attachment.of(new long[] {Long.MIN_VALUE}, 1, 1, 1),
            Attachment.of(new short[] {-1}),
            Attachment.of(new boolean[] {true, false}),
            Attachment.of(ByteBuffer.allocate(8), "<f8"),
            Attachment.of(new int[0]))) {
      assertThat(pool.call(Call.of("targets:type_of", array)).join().value())
          .isEqualTo("memoryview");
      assertThat(pool.call(Call.of("targets:echo", array)).join().value()).isEqualTo(array);
    }
  }

  @Test
  void aMemoryviewOfUnsignedBytesComesBackAsBytes() {
    Attachment array = Attachment.of(new byte[] {1, 2});

    assertThat(pool.call(Call.of("targets:echo", array)).join().value())
        .isEqualTo(new byte[] {1, 2});
  }

  @Test
  void whatOnlyNumpyHasATypeForIsABadArgument() {
    var complex = Attachment.of(ByteBuffer.allocate(16), "<c16", 1);

    assertThat(failureOf(pool.call(Call.of("targets:echo", complex))))
        .isInstanceOf(BadArguments.class)
        .hasMessageContaining("needs NumPy");
  }
}
