package io.gorgon.message;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamWriteConstraints;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * This is how Java values travel to Python and come back. What JSON has a form for travels as JSON:
 * NaN and the infinities are written bare, as Python's {@code json} does, and whole numbers keep
 * every digit. Everything else is tagged, and bytes and arrays go beside the text. The table of
 * what becomes what is in the documentation of the wire. Thread-safe.
 */
public final class Values {

  /** Nesting that both sides accept; Python's bridge refuses deeper results by the same number. */
  public static final int MAX_DEPTH = 500;

  /** Digits of one number that both sides accept: CPython's own limit for text to int. */
  public static final int MAX_DIGITS = 4300;

  private static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(MAX_DEPTH)
                          .maxNumberLength(MAX_DIGITS)
                          .maxStringLength(Integer.MAX_VALUE)
                          .build())
                  .streamWriteConstraints(
                      StreamWriteConstraints.builder().maxNestingDepth(MAX_DEPTH).build())
                  .build())
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .disable(JsonWriteFeature.WRITE_NAN_AS_STRINGS)
          .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
          .disable(SerializationFeature.FAIL_ON_EMPTY_BEANS)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .addModule(new Jdk8Module())
          .addModule(new JavaTimeModule())
          .addModule(
              new SimpleModule("gorgon-bytes")
                  .addSerializer(byte[].class, new RefuseBytes<>())
                  .addSerializer(ByteBuffer.class, new RefuseBytes<>())
                  .addDeserializer(BigInteger.class, new Reading.Whole()))
          .build();

  private static final JsonMapper TAGGING =
      MAPPER
          .rebuild()
          .disable(DeserializationFeature.ADJUST_DATES_TO_CONTEXT_TIME_ZONE)
          .addModule(Tagging.module())
          .addModule(Reading.module())
          .build();

  private Values() {}

  /**
   * A mapper for plain JSON with the same settings, for those who read replies with types of their
   * own. It knows no tags and refuses bytes. Do not reconfigure it.
   */
  public static JsonMapper mapper() {
    return MAPPER;
  }

  /**
   * Encodes what a worker needs to run {@code call}: the payload of a request frame.
   *
   * @param callId the caller's id, visible in Python as {@code gorgon.call_id()}
   * @throws PythonFailure.NotSerializable naming the path to the value that cannot travel
   */
  public static Payload encodeRequest(Call call, String callId) {
    return encodeRequest(call, callId, 0).payload();
  }

  /**
   * Encodes a request whose arguments may have Java sources among them.
   *
   * @param window chunks that a stream may send at first; 0 for a plain call
   * @throws PythonFailure.NotSerializable naming the path to the value that cannot travel
   */
  public static Request encodeRequest(Call call, String callId, int window) {
    var out = new Body();
    write(
        out,
        call.target(),
        json -> {
          json.writeStartObject();
          json.writeStringField("target", call.target());
          if (!call.arguments().isEmpty()) {
            json.writeFieldName("args");
            TAGGING.writeValue(json, call.arguments());
          }
          if (!call.keywords().isEmpty()) {
            json.writeFieldName("kwargs");
            TAGGING.writeValue(json, call.keywords());
          }
          json.writeStringField("call", callId);
          if (window > 0) {
            json.writeNumberField("stream", window);
          }
          if (call.trace().isPresent()) {
            json.writeStringField("trace", call.trace().get());
          }
          json.writeEndObject();
        });
    Payload payload = out.payload();
    return new Request(
        call.borrows() ? payload.with(payload.attachments(), Loan.WANTED) : payload,
        out.elements());
  }

  /** A part of a payload as a payload of its own, with the same attachments beside it. */
  public static Payload part(Payload whole, JsonNode part) {
    try {
      return new Payload(MAPPER.writeValueAsBytes(part), whole.tagged(), whole.attachments());
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /**
   * Encodes one value.
   *
   * @param where what it is part of, for the failure's message
   * @throws PythonFailure.NotSerializable naming the path to the part that cannot travel
   */
  public static Payload encode(String where, @Nullable Object value) {
    return encode(where, json -> TAGGING.writeValue(json, value));
  }

  private interface Writing {
    void write(JsonGenerator json) throws IOException;
  }

  private static Payload encode(String where, Writing writing) {
    var out = new Body();
    write(out, where, writing);
    return out.payload();
  }

  private static void write(Body out, String where, Writing writing) {
    try (JsonGenerator json = TAGGING.getFactory().createGenerator(out)) {
      writing.write(json);
    } catch (JsonMappingException refused) {
      throw new PythonFailure.NotSerializable(where, pathOf(refused), refused.getOriginalMessage());
    } catch (IOException | RuntimeException refused) {
      throw new PythonFailure.NotSerializable(where, "$", String.valueOf(refused));
    }
  }

  /**
   * Decodes a value as {@code type}.
   *
   * @param where what it is, for the failure's message
   * @return null where Python sent {@code None}
   * @throws PythonFailure.NotSerializable if the value has another shape
   */
  public static <T> @Nullable T decode(String where, Payload payload, Class<T> type) {
    try {
      if (!payload.tagged()) {
        return MAPPER.readValue(payload.body(), type);
      }
      JsonNode tree = resolved(payload);
      return type.isAssignableFrom(JsonNode.class) && type != Object.class
          ? type.cast(Arrival.published(tree))
          : TAGGING.readValue(TAGGING.treeAsTokens(tree), type);
    } catch (IOException | RuntimeException mismatch) {
      throw mismatch(where, type.getName(), mismatch);
    }
  }

  /** Decodes a value as a generic type; see the other method. */
  public static <T> @Nullable T decode(String where, Payload payload, TypeReference<T> type) {
    try {
      return payload.tagged()
          ? TAGGING.readValue(TAGGING.treeAsTokens(resolved(payload)), type)
          : MAPPER.readValue(payload.body(), type);
    } catch (IOException | RuntimeException mismatch) {
      throw mismatch(where, type.getType().getTypeName(), mismatch);
    }
  }

  /** Decodes a value as a tree; see {@link Reply#tree}. */
  static JsonNode tree(String where, Payload payload) {
    try {
      return payload.tagged()
          ? Arrival.published(resolved(payload))
          : MAPPER.readTree(payload.body());
    } catch (IOException | RuntimeException mismatch) {
      throw mismatch(where, "JSON", mismatch);
    }
  }

  private static JsonNode resolved(Payload payload) throws IOException {
    return Arrival.resolve(MAPPER.readTree(payload.body()), payload);
  }

  private static PythonFailure mismatch(String where, String type, Exception cause) {
    String reason =
        cause instanceof JsonProcessingException json ? json.getOriginalMessage() : text(cause);
    String path = cause instanceof JsonMappingException mapping ? pathOf(mapping) : "$";
    return new PythonFailure.NotSerializable(
        where, path, "it does not read as " + type + ": " + reason);
  }

  private static String text(Exception cause) {
    return cause.getMessage() == null ? cause.toString() : cause.getMessage();
  }

  private static String pathOf(JsonMappingException refused) {
    return refused.getPath().stream()
        .map(
            step ->
                step.getFieldName() != null
                    ? "." + step.getFieldName()
                    : "[" + step.getIndex() + "]")
        .collect(Collectors.joining("", "$", ""));
  }

  /** Base64 would arrive in Python as a string in disguise. */
  private static final class RefuseBytes<T> extends JsonSerializer<T> {
    @Override
    public void serialize(T value, JsonGenerator json, SerializerProvider serializers)
        throws IOException {
      throw JsonMappingException.from(
          json, "bytes have no JSON form: send text, or a list of numbers");
    }
  }
}
