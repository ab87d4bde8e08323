package io.gorgon.message;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import com.fasterxml.jackson.annotation.JsonValue;
import io.gorgon.message.PythonFailure.NotSerializable;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The text that values become, and what bodies are read as, without Python. */
class ValuesTest {

  enum Colour {
    RED
  }

  record Dollar(@JsonProperty("$") String value) {}

  static final class Anything {
    @JsonAnyGetter
    Map<String, Object> fields() {
      return Map.of("$", "decimal");
    }
  }

  record Identity(@JsonValue UUID id) {
    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    Identity {}
  }

  static final class Outer {
    public int n = 1;
    @JsonUnwrapped public Inner inner = new Inner();
  }

  static final class Inner {
    public byte[] blob = {7};
  }

  record Holder(Optional<byte[]> blob, Object any, Map<Colour, Integer> counts) {}

  private static String json(Object value) {
    return new String(Values.encode("it", value).body(), UTF_8);
  }

  private static Payload tagged(String json, ByteBuffer... attachments) {
    return new Payload(json.getBytes(UTF_8), true, List.of(attachments));
  }

  @Test
  void plainValuesAreNotTagged() {
    var counts = new EnumMap<Colour, Integer>(Map.of(Colour.RED, 1));
    for (Object value :
        List.of(
            1, "x", List.of(1.5, Map.of("a", new int[] {1})), counts, Optional.of(Colour.RED))) {
      Payload payload = Values.encode("it", value);
      assertThat(payload.tagged()).isFalse();
      assertThat(payload.attachments()).isEmpty();
    }
    assertThat(json(counts)).isEqualTo("{\"RED\":1}");
    assertThat(json(new double[] {1, Double.NaN})).isEqualTo("[1.0,NaN]");
  }

  @Test
  void taggedValuesAreWrittenAsTheWireSays() {
    var holder = new Holder(Optional.of(new byte[] {1}), Map.of(1, 2), Map.of(Colour.RED, 3));
    Payload payload = Values.encode("it", holder);

    assertThat(payload.tagged()).isTrue();
    assertThat(payload.attachments()).containsExactly(ByteBuffer.wrap(new byte[] {1}));
    assertThat(new String(payload.body(), UTF_8))
        .isEqualTo(
            "{\"blob\":{\"$\":\"bytes\",\"i\":0},\"any\":{\"$\":\"pairs\",\"v\":[[1,2]]},"
                + "\"counts\":{\"RED\":3}}");
    assertThat(json(Attachment.of(new float[2], 1, 2)))
        .isEqualTo("{\"$\":\"array\",\"i\":0,\"dtype\":\"<f4\",\"shape\":[1,2]}");
    assertThat(json(new BigDecimal("1E+3"))).isEqualTo("{\"$\":\"decimal\",\"v\":\"1E+3\"}");
    assertThat(payload.toString()).doesNotContain("blob");
  }

  @Test
  void nothingOfTheUsersIsTakenForATag() {
    assertThat(json(Map.of("$", 1))).isEqualTo("{\"$\":\"dict\",\"v\":{\"$\":1}}");
    assertThat(json(new Dollar("set"))).isEqualTo("{\"$\":\"dict\",\"v\":{\"$\":\"set\"}}");
    assertThat(json(new Anything())).isEqualTo("{\"$\":\"dict\",\"v\":{\"$\":\"decimal\"}}");
    assertThat(json(Values.mapper().createObjectNode().put("$", 1)))
        .isEqualTo("{\"$\":\"dict\",\"v\":{\"$\":1}}");
    assertThat(Values.decode("it", Payload.plain("{\"$\":\"set\"}".getBytes(UTF_8)), Object.class))
        .isEqualTo(Map.of("$", "set"));
  }

  @Test
  void annotationsOfJacksonHold() {
    var identity = new Identity(new UUID(1, 2));
    Payload payload = Values.encode("it", List.of(identity));
    Payload outer = Values.encode("it", new Outer());

    assertThat(Values.decode("it", payload, Identity[].class)).containsExactly(identity);
    assertThat(new String(outer.body(), UTF_8))
        .isEqualTo("{\"n\":1,\"blob\":{\"$\":\"bytes\",\"i\":0}}");
    assertThat(Values.decode("it", outer, Outer.class).inner.blob).containsExactly(7);
  }

  @Test
  void arraysOfBytesAreCopiedAndBuffersAreNot() {
    var bytes = new byte[] {1};
    var buffer = ByteBuffer.wrap(new byte[] {0, 1}).position(1);
    Payload payload = Values.encode("it", List.of(bytes, buffer));
    bytes[0] = 9;
    buffer.put(1, (byte) 9).position(0);

    assertThat(payload.attachments())
        .containsExactly(ByteBuffer.wrap(new byte[] {1}), ByteBuffer.wrap(new byte[] {9}));
  }

  @Test
  void theMapperItselfIsForPlainJson() throws Exception {
    assertThat(Values.mapper().writeValueAsString(LocalDate.EPOCH)).isEqualTo("\"1970-01-01\"");
    assertThatThrownBy(() -> Values.mapper().writeValueAsString(new byte[1]))
        .hasMessageContaining("bytes");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{\"$\":\"no\"}; unknown",
        "{\"$\":\"bytes\",\"i\":1}; no attachment 1",
        "{\"$\":\"bytes\"}; no attachment",
        "{\"$\":\"array\",\"i\":0,\"dtype\":\"<f8\",\"shape\":[1]}; 2 bytes are no array",
        "{\"$\":\"array\",\"i\":0,\"dtype\":\"|O\",\"shape\":[1]}; unknown",
        "{\"$\":\"date\",\"v\":\"today\"}; today",
        "{\"$\":\"uuid\",\"v\":\"x\"}; UUID",
        "{\"$\":\"set\",\"v\":7}; without its value",
        "{\"$\":\"dict\"}; without its value",
        "{\"$\":\"pairs\",\"v\":[7]}; pair",
      })
  void tagsThatMakeNoSenseAreNamed(String json, String message) {
    Payload payload = tagged(json, ByteBuffer.allocate(2));

    assertThatThrownBy(() -> Values.decode("it", payload, Object.class))
        .isInstanceOf(NotSerializable.class)
        .hasMessageContaining(message);
  }

  @Test
  void refusalsWhileReadingNameTheirPath() {
    Payload payload = tagged("{\"any\":[],\"blob\":{\"$\":\"date\",\"v\":\"2026-01-01\"}}");

    assertThatThrownBy(() -> Values.decode("it", payload, Holder.class))
        .isInstanceOfSatisfying(
            NotSerializable.class, refused -> assertThat(refused.path()).isEqualTo("$.blob"));
  }

  @Test
  void aZoneThatJavaDoesNotKnowArrivesAsItsOffset() {
    Payload payload =
        tagged("{\"$\":\"datetime\",\"v\":\"2026-01-01T00:00:00+01:00\",\"zone\":\"No/Where\"}");

    assertThat(Values.decode("it", payload, Object.class)).hasToString("2026-01-01T00:00+01:00");
  }

  @Test
  void damagedBodiesAreNothingButRefusals() {
    Payload sound = Values.encode("it", any(new Random(3), 6));
    var random = new Random(1);
    for (int i = 0; i < 20_000; i++) {
      byte[] body = sound.body().clone();
      for (int flips = random.nextInt(3); flips >= 0; flips--) {
        body[random.nextInt(body.length)] = (byte) "\"$:[]{}0v19ivx".charAt(random.nextInt(14));
      }
      try {
        Values.decode("it", new Payload(body, true, sound.attachments()), Object.class);
      } catch (NotSerializable expected) {
        continue;
      }
    }
  }

  @Test
  void anyValueComesBackEqual() {
    var random = new Random(2);
    for (int i = 0; i < 3_000; i++) {
      Object value = any(random, 5);
      assertThat(Values.decode("it", Values.encode("it", value), Object.class))
          .as("value %d", i)
          .isEqualTo(value);
    }
  }

  private static Object any(Random random, int depth) {
    int kind = random.nextInt(depth == 0 ? 9 : 13);
    int count = random.nextInt(4);
    switch (kind) {
      case 0:
        return random.nextInt();
      case 1:
        return random.nextBoolean();
      case 2:
        return random.nextDouble();
      case 3:
        return Integer.toString(random.nextInt(), 36);
      case 4:
        return Attachment.of(random.ints(count).toArray());
      case 5:
        return BigDecimal.valueOf(random.nextLong(), random.nextInt(40) - 20);
      case 6:
        return LocalDate.ofEpochDay(random.nextInt(100_000));
      case 7:
        return new UUID(random.nextLong(), random.nextLong());
      case 8:
        return LocalDate.EPOCH.atTime(1, 2).plusNanos(1_000L * random.nextInt());
      case 9:
        var list = new ArrayList<Object>();
        Collections.addAll(list, new Object[count]);
        list.replaceAll(nothing -> any(random, depth - 1));
        return list;
      case 10:
        var set = new LinkedHashSet<Object>();
        for (int i = 0; i < count; i++) {
          set.add(any(random, depth - 1));
        }
        return set;
      case 11:
        var pairs = new LinkedHashMap<Object, Object>();
        for (int i = 0; i < count; i++) {
          pairs.put(any(random, depth - 1), any(random, depth - 1));
        }
        return pairs;
      default:
        var map = new LinkedHashMap<String, Object>();
        for (String key : List.of("$", "v", "i", "").subList(0, count)) {
          map.put(key, any(random, depth - 1));
        }
        return map;
    }
  }
}
