package io.gorgon.message;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamWriteConstraints;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.stream.Collectors;

/**
 * This is how Java values become JSON for Python and come back: one Jackson mapper for the whole
 * library. NaN and the infinities are written bare, as Python's {@code json} does; whole numbers
 * keep every digit; bytes are refused rather than turned into text. Thread-safe.
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
                  .addSerializer(ByteBuffer.class, new RefuseBytes<>()))
          .build();

  private Values() {}

  /**
   * The mapper itself, for those who read replies with types of their own. Do not reconfigure it.
   */
  public static JsonMapper mapper() {
    return MAPPER;
  }

  /**
   * Encodes what a worker needs to run {@code call}: the body of a request frame.
   *
   * @param callId the caller's id, visible in Python as {@code gorgon.call_id()}
   * @throws PythonFailure.NotSerializable naming the path to the value that JSON cannot carry
   */
  public static byte[] encodeRequest(Call call, String callId) {
    var out = new ByteArrayOutputStream(128);
    try (JsonGenerator json = MAPPER.getFactory().createGenerator(out)) {
      json.writeStartObject();
      json.writeStringField("target", call.target());
      if (!call.arguments().isEmpty()) {
        json.writeFieldName("args");
        MAPPER.writeValue(json, call.arguments());
      }
      if (!call.keywords().isEmpty()) {
        json.writeFieldName("kwargs");
        MAPPER.writeValue(json, call.keywords());
      }
      json.writeStringField("call", callId);
      json.writeEndObject();
    } catch (JsonMappingException refused) {
      throw new PythonFailure.NotSerializable(
          call.target(), pathOf(refused), refused.getOriginalMessage());
    } catch (IOException | RuntimeException refused) {
      throw new PythonFailure.NotSerializable(call.target(), "$", String.valueOf(refused));
    }
    return out.toByteArray();
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
