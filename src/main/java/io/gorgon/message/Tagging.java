package io.gorgon.message;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.BeanDescription;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.SerializationConfig;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.jsontype.TypeSerializer;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.node.BinaryNode;
import com.fasterxml.jackson.databind.node.DecimalNode;
import com.fasterxml.jackson.databind.node.POJONode;
import com.fasterxml.jackson.databind.ser.BeanSerializerModifier;
import com.fasterxml.jackson.databind.type.CollectionType;
import com.fasterxml.jackson.databind.type.MapType;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * This is how Java values that JSON has no form for are written: as {@code {"$": tag, ...}}, with
 * bytes and arrays beside the text. Python's {@code _incoming.py} reads it.
 */
final class Tagging {

  /** As Python's {@code fromisoformat} takes it since 3.7: no "Z", and no fraction or 6 digits. */
  private static final DateTimeFormatter TIME =
      new DateTimeFormatterBuilder()
          .appendPattern("HH:mm:ss")
          .appendLiteral('.')
          .appendFraction(ChronoField.MICRO_OF_SECOND, 6, 6, false)
          .toFormatter();

  private static final DateTimeFormatter OFFSET =
      new DateTimeFormatterBuilder().appendOffset("+HH:MM:ss", "+00:00").toFormatter();

  /** Names that Java makes of an offset; they are no zones anywhere else. */
  private static final Pattern OFFSET_IN_DISGUISE = Pattern.compile("(UTC|GMT|UT)[+-].*");

  /** Python's own limit: 999 999 999 days. */
  private static final Duration LONGEST = Duration.ofDays(1_000_000_000).minusNanos(1);

  private static final Instant FIRST = Instant.parse("0001-01-01T00:00:00Z");
  private static final Instant LAST = Instant.parse("9999-12-31T23:59:59.999999999Z");

  private Tagging() {}

  static SimpleModule module() {
    return new SimpleModule("gorgon-tagging")
        .addSerializer(byte[].class, new Tag<>(Tagging::writeBytes))
        .addSerializer(ByteBuffer.class, new Tag<>(Tagging::writeBuffer))
        .addSerializer(Attachment.class, new Tag<>(Tagging::writeArray))
        .addSerializer(Instant.class, new Tag<>(Tagging::writeInstant))
        .addSerializer(
            OffsetDateTime.class, new Tag<>((at, json, all) -> writeDateTime(at, "", json)))
        .addSerializer(ZonedDateTime.class, new Tag<>(Tagging::writeZoned))
        .addSerializer(
            LocalDateTime.class,
            new Tag<>(
                (at, json, all) ->
                    write("datetime", date(at.toLocalDate(), json) + "T" + TIME.format(at), json)))
        .addSerializer(
            LocalDate.class, new Tag<>((day, json, all) -> write("date", date(day, json), json)))
        .addSerializer(
            LocalTime.class, new Tag<>((at, json, all) -> write("time", TIME.format(at), json)))
        .addSerializer(
            OffsetTime.class,
            new Tag<>((at, json, all) -> write("time", TIME.format(at) + OFFSET.format(at), json)))
        .addSerializer(
            Elements.class, new Tag<>((made, json, all) -> Body.writeElements(json, made)))
        .addSerializer(Duration.class, new Tag<>(Tagging::writeDuration))
        .addSerializer(BigDecimal.class, new Tag<>(Tagging::writeDecimal))
        .addSerializer(BigInteger.class, new Tag<>(Tagging::writeInteger))
        .addSerializer(UUID.class, new Tag<>((id, json, all) -> write("uuid", id.toString(), json)))
        .addSerializer(JsonNode.class, new Tag<>(Tagging::writeNode))
        .setSerializerModifier(new Containers());
  }

  private static void write(String tag, String text, JsonGenerator json) throws IOException {
    Body.open(json, tag);
    json.writeStringField("v", text);
    json.writeEndObject();
  }

  private static void writeBytes(byte[] bytes, JsonGenerator json, SerializerProvider all)
      throws IOException {
    // A copy: the caller may fill the array again while the call waits, as it may change a list.
    writeBuffer(ByteBuffer.wrap(bytes.clone()), json, all);
  }

  private static void writeBuffer(ByteBuffer bytes, JsonGenerator json, SerializerProvider all)
      throws IOException {
    Body.open(json, "bytes");
    Body.attach(json, bytes.slice());
    json.writeEndObject();
  }

  private static void writeArray(Attachment array, JsonGenerator json, SerializerProvider all)
      throws IOException {
    Body.open(json, "array");
    Body.attach(json, array.buffer());
    json.writeStringField("dtype", array.dtype());
    json.writeFieldName("shape");
    json.writeArray(array.shape(), 0, array.shape().length);
    json.writeEndObject();
  }

  private static void writeInstant(Instant at, JsonGenerator json, SerializerProvider all)
      throws IOException {
    if (at.isBefore(FIRST) || at.isAfter(LAST)) {
      throw JsonMappingException.from(json, at + " is outside Python's years 1 to 9999");
    }
    writeDateTime(at.atOffset(ZoneOffset.UTC), "", json);
  }

  private static void writeZoned(ZonedDateTime at, JsonGenerator json, SerializerProvider all)
      throws IOException {
    String zone = at.getZone().getId();
    boolean offsetOnly =
        at.getZone() instanceof ZoneOffset || OFFSET_IN_DISGUISE.matcher(zone).matches();
    writeDateTime(at.toOffsetDateTime(), offsetOnly ? "" : zone, json);
  }

  private static void writeDateTime(OffsetDateTime at, String zone, JsonGenerator json)
      throws IOException {
    String day = date(at.toLocalDate(), json);
    Body.open(json, "datetime");
    json.writeStringField("v", day + "T" + TIME.format(at) + OFFSET.format(at));
    if (!zone.isEmpty()) {
      json.writeStringField("zone", zone);
    }
    json.writeEndObject();
  }

  private static String date(LocalDate day, JsonGenerator json) throws IOException {
    if (day.getYear() < 1 || day.getYear() > 9999) {
      throw JsonMappingException.from(json, day + " is outside Python's years 1 to 9999");
    }
    return day.toString();
  }

  private static void writeDuration(Duration span, JsonGenerator json, SerializerProvider all)
      throws IOException {
    long seconds = span.getSeconds();
    int microseconds = span.getNano() / 1_000;
    if (span.compareTo(LONGEST) > 0 || seconds < -86_400L * 999_999_999) {
      throw JsonMappingException.from(json, span + " is beyond Python's 999999999 days");
    }
    Body.open(json, "timedelta");
    json.writeFieldName("v");
    json.writeArray(new long[] {seconds, microseconds * 1_000L}, 0, 2);
    json.writeEndObject();
  }

  private static void writeDecimal(BigDecimal number, JsonGenerator json, SerializerProvider all)
      throws IOException {
    if (number.precision() > Values.MAX_DIGITS) {
      throw tooManyDigits(json);
    }
    write("decimal", number.toString(), json);
  }

  private static void writeInteger(BigInteger number, JsonGenerator json, SerializerProvider all)
      throws IOException {
    // 3.33 bits are more than a digit has: with so few the digits need no counting.
    if (number.bitLength() > Values.MAX_DIGITS * 3
        && number.abs().toString().length() > Values.MAX_DIGITS) {
      throw tooManyDigits(json);
    }
    json.writeNumber(number);
  }

  private static JsonMappingException tooManyDigits(JsonGenerator json) {
    return JsonMappingException.from(
        json, "it has more than the " + Values.MAX_DIGITS + " digits that Python reads");
  }

  /** A tree's own serializer would write bytes as base64, and know of no tags. */
  private static void writeNode(JsonNode node, JsonGenerator json, SerializerProvider all)
      throws IOException {
    if (node instanceof BinaryNode bytes) {
      writeBytes(bytes.binaryValue(), json, all);
    } else if (node instanceof DecimalNode number) {
      writeDecimal(number.decimalValue(), json, all);
    } else if (node instanceof POJONode held) {
      all.defaultSerializeValue(held.getPojo(), json);
    } else if (node.isArray()) {
      json.writeStartArray();
      for (JsonNode item : node) {
        writeNode(item, json, all);
      }
      json.writeEndArray();
    } else if (node.isObject()) {
      boolean escaped = node.has("$");
      if (escaped) {
        Body.open(json, "dict");
        json.writeFieldName("v");
      }
      json.writeStartObject();
      for (var field : node.properties()) {
        json.writeFieldName(field.getKey());
        writeNode(field.getValue(), json, all);
      }
      json.writeEndObject();
      if (escaped) {
        json.writeEndObject();
      }
    } else {
      node.serialize(json, all);
    }
  }

  private interface Writing<T> {
    void write(T value, JsonGenerator json, SerializerProvider all) throws IOException;
  }

  /** A value is itself; a name of its Java class before it would mean nothing to Python. */
  private static final class Tag<T> extends JsonSerializer<T> {
    private final Writing<T> writing;

    Tag(Writing<T> writing) {
      this.writing = writing;
    }

    @Override
    public void serialize(T value, JsonGenerator json, SerializerProvider all) throws IOException {
      writing.write(value, json, all);
    }

    @Override
    public void serializeWithType(
        T value, JsonGenerator json, SerializerProvider all, TypeSerializer type)
        throws IOException {
      writing.write(value, json, all);
    }
  }

  private static final class Containers extends BeanSerializerModifier {
    @Override
    public JsonSerializer<?> modifyCollectionSerializer(
        SerializationConfig config,
        CollectionType type,
        BeanDescription bean,
        JsonSerializer<?> serializer) {
      return Set.class.isAssignableFrom(type.getRawClass())
          ? new Enclosed(serializer, "set")
          : serializer;
    }

    @Override
    public JsonSerializer<?> modifyMapSerializer(
        SerializationConfig config, MapType type, BeanDescription bean, JsonSerializer<?> plain) {
      return new Pairs(plain);
    }

    @Override
    public JsonSerializer<?> modifySerializer(
        SerializationConfig config, BeanDescription bean, JsonSerializer<?> serializer) {
      boolean maybeTag =
          bean.findAnyGetter() != null
              || bean.findProperties().stream().anyMatch(one -> one.getName().equals("$"));
      return maybeTag ? new Enclosed(serializer, "dict") : serializer;
    }
  }
}
