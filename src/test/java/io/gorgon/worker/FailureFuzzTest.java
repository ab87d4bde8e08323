package io.gorgon.worker;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.ProtocolViolation;
import io.gorgon.message.Values;
import io.gorgon.message.WorkerId;
import io.gorgon.wire.Allocation;
import java.io.IOException;

/**
 * Bodies of failures, with the fuzzer's help ({@code mvn -Pfuzz verify}; else the inputs that are
 * committed): each is read as a typed failure that has a message, or is a violation.
 */
class FailureFuzzTest {

  private static final WorkerId WORKER = new WorkerId("fuzzed", 0, 1);
  private static final int PROPORTION = 1_024;
  private static final int OVERHEAD = 1 << 20;

  /** Tries one body. */
  @FuzzTest(maxDuration = "2h", maxExecutions = 1_000_000)
  void whateverIsSaidOfAFailureIsATypedOne(byte[] body) {
    long most = OVERHEAD + (long) PROPORTION * body.length;
    assertThat(Allocation.of(() -> read(body), most)).isLessThan(most);
  }

  private static void read(byte[] body) {
    JsonNode tree;
    try {
      tree = Values.mapper().readTree(body);
    } catch (IOException noJson) {
      return;
    }
    PythonFailure failure;
    try {
      failure = FailureBody.read("m:f", WORKER, tree);
    } catch (ProtocolViolation violation) {
      failure = violation;
    }
    assertThat(failure.getMessage()).isNotNull();
    assertThat(failure.name()).isNotBlank();
    assertThat(failure.getStackTrace()).isNotNull();
  }
}
