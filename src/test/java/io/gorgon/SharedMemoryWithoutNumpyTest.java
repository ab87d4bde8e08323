package io.gorgon;

import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.gorgon.proving.TestPool;
import org.junit.jupiter.api.BeforeAll;

/** The same with memoryviews instead of NumPy's arrays. */
class SharedMemoryWithoutNumpyTest extends SharedMemoryTest {

  @BeforeAll
  static void look() {
    try (var looking = TestPool.start("python = python3")) {
      assumeFalse(
          FidelityTest.hasNumpy(looking.pool()),
          "python3 has NumPy here: put one without it on the PATH");
    }
  }

  @Override
  String setting() {
    return "python = python3";
  }
}
