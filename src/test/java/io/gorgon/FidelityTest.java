package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.Attachment;
import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.NotSerializable;
import io.gorgon.message.Reply;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Values travel to real Python and back, and come back equal or as the table of values says. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class FidelityTest {

  private static final LocalDateTime AT = LocalDateTime.of(2026, 11, 25, 21, 0, 0, 123_456_000);
  private static final ZoneId BERLIN = ZoneId.of("Europe/Berlin");

  private static TestPool tested;
  private static PythonPool pool;
  private static boolean numpy;

  @BeforeAll
  static void start() {
    tested = TestPool.start().awaitReady(2);
    pool = tested.pool();
    numpy = hasNumpy(pool);
  }

  @AfterAll
  static void stop() {
    if (tested != null) {
      tested.close();
    }
  }

  /** A module's spec is no value that travels: so one that is refused is there. */
  static boolean hasNumpy(PythonPool asked) {
    return asked
        .call(Call.of("importlib.util:find_spec", "numpy"))
        .handle((reply, failure) -> failure != null)
        .toCompletableFuture()
        .join();
  }

  private static Reply echo(Object value) {
    return pool.call(Call.of("targets:echo", value)).join();
  }

  private static Reply python(String name) {
    return pool.call(Call.of("targets:python_value", name)).join();
  }

  private static Reply numpy(String name) {
    assumeTrue(numpy, "this Python has no NumPy: set TEST_PYTHON to one that has");
    return pool.call(Call.of("targets:numpy_value", name)).join();
  }

  enum Colour {
    RED
  }

  record Everything(
      byte[] blob,
      Instant at,
      Optional<LocalDate> day,
      Map<Integer, Set<UUID>> ids,
      BigDecimal price,
      double[] plain,
      Attachment array,
      Colour colour) {}

  /** Value, and the type that it arrives in Python as. */
  static Stream<Arguments> values() {
    return Stream.of(
        Arguments.of(new byte[] {0, -1, 7}, "bytes"),
        Arguments.of(new byte[0], "bytes"),
        Arguments.of(BigInteger.TWO.pow(80), "int"),
        Arguments.of(BigInteger.TEN.pow(4299).negate(), "int"),
        Arguments.of(new BigDecimal("0.10"), "Decimal"),
        Arguments.of(new BigDecimal("-1E+400"), "Decimal"),
        Arguments.of(UUID.fromString("00000000-0000-0000-0000-0000000000ff"), "UUID"),
        Arguments.of(AT, "datetime"),
        Arguments.of(AT.atOffset(ZoneOffset.ofHoursMinutes(-5, -30)), "datetime"),
        Arguments.of(AT.atOffset(ZoneOffset.UTC), "datetime"),
        Arguments.of(AT.atZone(BERLIN), "datetime"),
        Arguments.of(AT.atZone(ZoneId.of("UTC")), "datetime"),
        Arguments.of(ZonedDateTime.of(1890, 1, 1, 0, 0, 0, 0, BERLIN), "datetime"),
        Arguments.of(
            ZonedDateTime.ofStrict(
                LocalDateTime.of(2026, 10, 25, 2, 30), ZoneOffset.ofHours(1), BERLIN),
            "datetime"),
        Arguments.of(LocalDate.of(1, 1, 1), "date"),
        Arguments.of(LocalDate.of(9999, 12, 31), "date"),
        Arguments.of(LocalTime.of(23, 59, 59, 999_999_000), "time"),
        Arguments.of(LocalTime.MIDNIGHT, "time"),
        Arguments.of(OffsetTime.of(LocalTime.NOON, ZoneOffset.ofHours(2)), "time"),
        Arguments.of(Duration.ofSeconds(-1, 5_000), "timedelta"),
        Arguments.of(Duration.ofDays(999_999_999), "timedelta"),
        Arguments.of(Set.of(), "set"),
        Arguments.of(Set.of(1, 2, 3), "set[int]"),
        Arguments.of(Set.of(LocalDate.EPOCH), "set[date]"),
        Arguments.of(Set.of(List.of(1, 2)), "set[tuple]"),
        Arguments.of(Map.of(1, "a", 2, "b"), "dict[int]"),
        Arguments.of(Map.of(2.5, List.of()), "dict[float]"),
        Arguments.of(Map.of(AT, Map.of(UUID.randomUUID(), 1)), "dict[datetime]"),
        Arguments.of(Collections.singletonMap(null, 1), "dict[NoneType]"),
        Arguments.of(Map.of("$", 1), "dict[str]"),
        Arguments.of(Map.of("$", Map.of("$", "bytes", "i", 0)), "dict[str]"),
        Arguments.of(Map.of("dict", Set.of("$")), "dict[str]"),
        Arguments.of(List.of(Map.of("a", List.of(Set.of(new BigDecimal("1"))))), "list"),
        Arguments.of("\u0000 \u00df \u2603 \ud834\udd1e \udbff\udfff", "str"));
  }

  @ParameterizedTest
  @MethodSource("values")
  void row21_comesBackEqual(Object value, String type) {
    Reply reply = echo(value);

    assertThat(reply.value()).isEqualTo(value);
    assertThat(pool.call(Call.of("targets:type_of", value)).join().as(String.class))
        .isEqualTo(type);
    if (!(value instanceof List || value instanceof Map || value instanceof Set)) {
      assertThat((Object) reply.as(value.getClass())).isEqualTo(value);
    }
    assertThat(
            pool.call(Call.of("targets:echo").with("value", List.of(Map.of("deep", value))))
                .join()
                .value())
        .usingRecursiveComparison()
        .isEqualTo(List.of(Map.of("deep", value)));
  }

  @Test
  void recordsComeBackEqualWithTypesAtAnyDepth() {
    var value =
        new Everything(
            new byte[] {1},
            Instant.parse("2026-11-25T21:00:00.123456Z"),
            Optional.of(LocalDate.EPOCH),
            Map.of(7, Set.of(new UUID(1, 2))),
            new BigDecimal("9.990"),
            new double[] {0.5, Double.NaN, Double.NEGATIVE_INFINITY},
            Attachment.of(new int[] {1, 2, 3, 4, 5, 6}, 2, 3),
            Colour.RED);
    Everything back = echo(List.of(value)).as(new TypeReference<List<Everything>>() {}).get(0);

    assertThat(back)
        .usingRecursiveComparison()
        .withComparatorForType(Double::compare, Double.class)
        .isEqualTo(value);
  }

  @Test
  void momentsReadAsAnyTypeOfMoments() {
    Reply zoned = echo(AT.atZone(BERLIN));

    assertThat(zoned.as(Instant.class)).isEqualTo(AT.atZone(BERLIN).toInstant());
    assertThat(zoned.as(OffsetDateTime.class)).isEqualTo(AT.atZone(BERLIN).toOffsetDateTime());
    assertThat(zoned.as(java.util.Date.class))
        .isEqualTo(java.util.Date.from(AT.atZone(BERLIN).toInstant()));
    assertThat(zoned.as(String.class)).isEqualTo(AT.atZone(BERLIN).toString());
    assertThatThrownBy(() -> zoned.as(LocalDateTime.class)).isInstanceOf(NotSerializable.class);
    assertThatThrownBy(() -> echo(AT).as(Instant.class))
        .isInstanceOf(NotSerializable.class)
        .hasMessageContaining("without a zone");
  }

  @Test
  void timesAreCutToMicroseconds() {
    Instant fine = Instant.parse("1969-12-31T23:59:59.999999999Z");

    assertThat(echo(fine).as(Instant.class)).isEqualTo("1969-12-31T23:59:59.999999Z");
    assertThat(echo(Duration.ofNanos(-1)).value()).isEqualTo(Duration.ofNanos(-1_000));
    assertThat(echo(LocalTime.MAX).value()).isEqualTo(LocalTime.of(23, 59, 59, 999_999_000));
  }

  @Test
  void whatPythonCannotHoldIsRefusedWithItsPath() {
    var bad = new LinkedHashMap<Object, String>();
    bad.put(LocalDate.of(10_000, 1, 1), "9999");
    bad.put(Instant.MAX, "9999");
    bad.put(LocalDateTime.MIN, "9999");
    bad.put(Duration.ofSeconds(Long.MAX_VALUE), "999999999 days");
    bad.put(BigInteger.TEN.pow(4300), "4300 digits");
    bad.put(new BigDecimal(BigInteger.TEN.pow(4300)), "4300 digits");
    bad.forEach(
        (value, message) -> {
          var refused =
              (NotSerializable)
                  failureOf(
                      pool.call(
                          Call.of("targets:echo", Map.of("a", List.of(0, Map.of(1, value))))));
          assertThat(refused.path()).as(value.toString()).contains("a").contains("[1]");
          assertThat(refused).hasMessageContaining(message);
        });
  }

  @Test
  void whatThisPythonCannotMakeIsABadArgument() {
    for (Object value : List.of(Set.of(Map.of()), AT.atZone(ZoneId.of("SystemV/PST8")))) {
      assertThat(failureOf(pool.call(Call.of("targets:echo", value))))
          .isInstanceOf(PythonFailure.BadArguments.class);
    }
  }

  static Stream<Arguments> fromPython() {
    var mixed = new LinkedHashMap<Object, Object>();
    mixed.put(1, "a");
    mixed.put("b", 2);
    mixed.put(List.of(3, 4), new byte[] {'c'});
    mixed.put(LocalDate.of(2026, 1, 2), Set.of("x"));
    return Stream.of(
        Arguments.of("bytes", new byte[] {0, -1}),
        Arguments.of("bytearray", new byte[] {'a', 'b'}),
        Arguments.of("set", Set.of("a", "b")),
        Arguments.of("frozenset", Set.of(1, 2)),
        Arguments.of("tuple", List.of(1, Arrays.asList("a", null))),
        Arguments.of("namedtuple", List.of(1, 2)),
        Arguments.of("enum", List.of("RED", 9)),
        Arguments.of("naive", AT),
        Arguments.of("utc", AT.atOffset(ZoneOffset.UTC)),
        Arguments.of("zoned", AT.atZone(BERLIN)),
        Arguments.of("date", LocalDate.of(2026, 1, 2)),
        Arguments.of("time", LocalTime.of(1, 2, 3)),
        Arguments.of("time_offset", OffsetTime.of(1, 2, 3, 0, ZoneOffset.UTC)),
        Arguments.of("timedelta", Duration.ofDays(-1).plusSeconds(5).plusNanos(7_000)),
        Arguments.of("decimal", new BigDecimal("0.10")),
        Arguments.of("uuid", new UUID(0, 1)),
        Arguments.of("int_keys", Map.of(1, "a", 2, "b")),
        Arguments.of("mixed_keys", mixed),
        Arguments.of("bytes_keys", Map.of(ByteBuffer.wrap(new byte[] {'k'}), 1)),
        Arguments.of("dollar", Map.of("$", "bytes", "b", new byte[] {'x'})),
        Arguments.of("text_collision", Map.of(1, "a", "1", "b")),
        Arguments.of(
            "deep",
            List.of(
                Map.of(
                    "a",
                    List.of(Map.of(1, List.of(new byte[] {'x'}, Set.of(new BigDecimal("2")))))))),
        Arguments.of(
            "float_text",
            List.of(0.1, Double.NaN, Double.POSITIVE_INFINITY, BigInteger.TWO.pow(80))),
        Arguments.of("memoryview", Attachment.of(ascii("abcdef"), "<u2", 3)));
  }

  private static ByteBuffer ascii(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
  }

  @ParameterizedTest
  @MethodSource("fromPython")
  void whatPythonMakesArrivesAsDocumented(String name, Object expected) {
    Object value = python(name).value();

    if (expected instanceof List || expected instanceof Map) {
      assertThat(value)
          .usingRecursiveComparison()
          .withComparatorForType(Double::compare, Double.class)
          .isEqualTo(expected);
    } else {
      assertThat(value).isEqualTo(expected);
    }
  }

  record Row(String name, OffsetDateTime when, byte[] blob, Set<String> tags, BigDecimal price) {}

  @Test
  void pythonsValuesReadAsJavasTypes() {
    Row row = python("dataclass").as(Row.class);
    assertThat(row)
        .usingRecursiveComparison()
        .isEqualTo(
            new Row(
                "a",
                AT.atOffset(ZoneOffset.UTC),
                new byte[] {'x'},
                Set.of("t"),
                new BigDecimal("1.50")));
    assertThat(python("int_keys").as(new TypeReference<Map<Integer, String>>() {}))
        .isEqualTo(Map.of(1, "a", 2, "b"));
    assertThat(python("int_keys").as(new TypeReference<java.util.TreeMap<Long, Object>>() {}))
        .containsExactly(Map.entry(1L, "a"), Map.entry(2L, "b"));
    assertThat(python("set").as(new TypeReference<List<String>>() {}))
        .containsExactlyInAnyOrder("a", "b");
    assertThat(python("frozenset").as(int[].class)).containsExactlyInAnyOrder(1, 2);
    assertThat(python("bytes").as(ByteBuffer.class)).isEqualTo(ByteBuffer.wrap(new byte[] {0, -1}));
    assertThat(python("bytes").as(Attachment.class)).isEqualTo(Attachment.of(new byte[] {0, -1}));
    assertThat(python("decimal").as(Double.class)).isEqualTo(0.1);
    assertThatThrownBy(
            () -> python("text_collision").as(new TypeReference<Map<String, String>>() {}))
        .isInstanceOf(NotSerializable.class)
        .hasMessageContaining("two of its keys");
    assertThatThrownBy(() -> python("int_keys").as(Row.class)).isInstanceOf(NotSerializable.class);
    assertThatThrownBy(() -> python("bytes").as(String.class))
        .isInstanceOf(NotSerializable.class)
        .hasMessageContaining("bytes");
    assertThatThrownBy(() -> python("date").as(Integer.class))
        .isInstanceOf(NotSerializable.class)
        .hasMessageContaining("a date");
  }

  @Test
  void treesHoldWhatJsonHasNoFormFor() {
    JsonNode tree = python("deep").tree();
    JsonNode pairs = tree.path(0).path("a").path(0);

    assertThat(pairs.path(0).path(0).intValue()).isEqualTo(1);
    assertThat(pairs.path(0).path(1).path(0).isBinary()).isTrue();
    assertThat(pairs.path(0).path(1).path(1).path(0).decimalValue()).isEqualTo("2");
    assertThat(python("deep").as(JsonNode.class)).isEqualTo(tree);
    assertThat(echo(python("zoned").tree()).value()).isEqualTo(AT.atZone(BERLIN));
    assertThat(echo(python("dollar").tree()).value())
        .usingRecursiveComparison()
        .isEqualTo(Map.of("$", "bytes", "b", new byte[] {'x'}));
  }

  @ParameterizedTest
  @ValueSource(strings = {"grid", "fortran", "big_endian"})
  void arraysOfAnyLayoutArriveInOne(String name) {
    Reply reply = numpy(name);

    assertThat(reply.value()).isEqualTo(Attachment.of(new int[] {0, 1, 2, 3, 4, 5}, 2, 3));
    assertThat(reply.as(int[][].class)).isDeepEqualTo(new int[][] {{0, 1, 2}, {3, 4, 5}});
    assertThat(reply.as(new TypeReference<List<List<Double>>>() {}))
        .isEqualTo(List.of(List.of(0.0, 1.0, 2.0), List.of(3.0, 4.0, 5.0)));
    assertThat(reply.as(Attachment.class).toDoubleArray()).containsExactly(0, 1, 2, 3, 4, 5);
    assertThatThrownBy(() -> reply.as(double[].class)).hasMessageContaining("dimension");
  }

  @Test
  void arraysOfAllSortsReadAsWhatHoldsThem() {
    assertThat(numpy("slice").value()).isEqualTo(Attachment.of(new int[] {0, 2, 3, 5}, 2, 2));
    assertThat(numpy("zero_d").as(Attachment.class).shape()).isEmpty();
    assertThat(numpy("zero_d").as(double[].class)).containsExactly(2.5);
    assertThat(numpy("empty").as(Attachment.class).shape()).containsExactly(0, 3);
    assertThat(numpy("bools").as(boolean[].class)).containsExactly(true, false);
    assertThat(numpy("halves").as(float[].class))
        .containsExactly(0.5f, -2f, Float.POSITIVE_INFINITY, 0x1p-24f, Float.NaN);
    assertThat(numpy("times").as(long[].class)).containsExactly(1_767_225_600L);
    assertThat(numpy("scalar").value()).isEqualTo(List.of(0.5, 7, true));
    assertThat(numpy("model").value()).isEqualTo(Map.of("n", 3));
    // What pandas gives for a missing text depends on its version; here it is a NaN.
    assertThat(numpy("frame").value())
        .isEqualTo(Map.of("a", List.of(1, 2), "b", List.of("x", Double.NaN)));
    assertThatThrownBy(() -> numpy("unsigned").as(long[].class))
        .isInstanceOf(NotSerializable.class)
        .hasMessageContaining("18446744073709551615");
    assertThatThrownBy(() -> numpy("large").as(double[].class)).hasMessageContaining("cannot hold");
    var refused = (NotSerializable) failureOf(pool.call(Call.of("targets:numpy_value", "objects")));
    assertThat(refused).hasMessageContaining("tolist");
  }

  @Test
  void arraysComeBackEqual() {
    for (Attachment array :
        List.of(
            Attachment.of(new double[] {1, Double.NaN}),
            Attachment.of(new float[] {1, 2, 3, 4}, 2, 2),
            Attachment.of(new long[] {Long.MIN_VALUE}),
            Attachment.of(new short[] {-1}),
            Attachment.of(new boolean[] {true, false}),
            Attachment.of(new byte[] {1, -1}),
            Attachment.of(new int[300_000], 3, 100, 1000),
            Attachment.of(new int[0]))) {
      String type = pool.call(Call.of("targets:type_of", array)).join().as(String.class);
      Object back = echo(array).value();
      assertThat(type).isEqualTo(numpy ? "ndarray" : "memoryview");
      if (numpy || !array.dtype().equals("|u1")) {
        assertThat(back).isEqualTo(array);
      }
    }
  }

  @Test
  void arrowGoesThroughAsBytes() {
    // The Arrow IPC format begins and ends like this; pyarrow.ipc.open_file reads such bytes.
    byte[] arrow = "ARROW1\0\0...ARROW1".getBytes(StandardCharsets.US_ASCII);

    assertThat(echo(ByteBuffer.wrap(arrow)).as(byte[].class)).isEqualTo(arrow);
    assertThat(
            pool.call(Call.of("builtins:len", ByteBuffer.allocateDirect(1_000_000)))
                .join()
                .as(Integer.class))
        .isEqualTo(1_000_000);
  }

  @Test
  void repliesPrintNoContents() {
    assertThat(echo("secret".getBytes(StandardCharsets.UTF_8)).toString())
        .doesNotContain("secret")
        .contains("bytes=");
  }
}
