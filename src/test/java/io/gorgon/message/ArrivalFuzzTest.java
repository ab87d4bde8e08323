package io.gorgon.message;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.PythonFailure.NotSerializable;
import io.gorgon.wire.Allocation;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * Bodies with tags and attachments as values of many types, with the fuzzer's help ({@code mvn
 * -Pfuzz verify}; else the inputs that are committed): nothing escapes but the typed failure, and
 * what is allocated is in proportion to what came.
 */
class ArrivalFuzzTest {

  private static final int PROPORTION = 1_024;
  private static final int OVERHEAD = 1 << 20;

  private record Row(String name, double price, List<Integer> counts) {}

  private static final List<Class<?>> TYPES =
      List.of(
          Object.class,
          JsonNode.class,
          Attachment.class,
          byte[].class,
          double[].class,
          double[][].class,
          long[][][].class,
          List.class,
          Map.class,
          Set.class,
          String.class,
          int.class,
          Long.class,
          BigInteger.class,
          BigDecimal.class,
          ZonedDateTime.class,
          Instant.class,
          Duration.class,
          UUID.class,
          ByteBuffer.class,
          Row.class,
          Row[].class);

  private static final List<TypeReference<?>> GENERIC =
      List.of(
          new TypeReference<Map<String, Object>>() {},
          new TypeReference<Map<Integer, List<Double>>>() {},
          new TypeReference<List<List<Object>>>() {},
          new TypeReference<Set<ByteBuffer>>() {});

  /**
   * Tries one input.
   *
   * @param data a byte for the type, a byte for how many attachments, a byte for the size of each,
   *     the attachments, the body
   */
  @FuzzTest(maxDuration = "2h", maxExecutions = 1_000_000)
  void whateverComesIsAValueOrATypedFailure(byte[] data) {
    if (data.length < 3) {
      return;
    }
    int type = Byte.toUnsignedInt(data[0]) % (TYPES.size() + GENERIC.size());
    int size = Byte.toUnsignedInt(data[2]);
    int at = 3;
    var attachments = new ArrayList<ByteBuffer>();
    for (int i = data[1] & 3; i > 0 && at + size <= data.length; i--, at += size) {
      attachments.add(ByteBuffer.wrap(data, at, size).slice().asReadOnlyBuffer());
    }
    byte[] body = Arrays.copyOfRange(data, at, data.length);
    boolean tagged = (data[1] & 4) == 0;
    var payload = new Payload(body, tagged, List.copyOf(attachments));
    long most = OVERHEAD + (long) PROPORTION * data.length;
    assertThat(Allocation.of(() -> read(payload, type), most)).isLessThan(most);
  }

  private static void read(Payload payload, int type) {
    Object value;
    try {
      value =
          type < TYPES.size()
              ? Values.decode("it", payload, TYPES.get(type))
              : Values.decode("it", payload, GENERIC.get(type - TYPES.size()));
    } catch (NotSerializable refused) {
      assertThat(refused.path()).startsWith("$");
      return;
    }
    try {
      Values.encode("it", value);
    } catch (NotSerializable refused) {
      assertThat(refused.path()).startsWith("$");
    }
  }
}
