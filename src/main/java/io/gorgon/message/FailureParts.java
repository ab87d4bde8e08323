package io.gorgon.message;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.type.LogicalType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.AnnotatedType;
import java.lang.reflect.Constructor;
import java.lang.reflect.Parameter;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * These are the parts that one kind of failure is made of, on their way to another node and back.
 * There is one for each class that {@link PythonFailure} permits and for no other: what arrives
 * chooses among these, it never names a class to load. Thread-safe.
 */
final class FailureParts {

  /** Leaves room within the 256 KiB that a frame between nodes has by default. */
  static final int MOST_WRITTEN = 128 * 1024;

  /** More than this node writes, as a newer one may write more. */
  static final int MOST_READ = 1024 * 1024;

  /** As what was written, so nothing needs to be bent until it fits. */
  private static final JsonMapper MAPPER =
      Values.mapper()
          .rebuild()
          .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
          .withCoercionConfig(
              LogicalType.Textual,
              text ->
                  text.setCoercion(CoercionInputShape.Integer, CoercionAction.Fail)
                      .setCoercion(CoercionInputShape.Float, CoercionAction.Fail)
                      .setCoercion(CoercionInputShape.Boolean, CoercionAction.Fail))
          .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
          .enable(DeserializationFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .build();

  private static final Map<String, FailureParts> ALL =
      Arrays.stream(PythonFailure.class.getPermittedSubclasses())
          .collect(Collectors.toUnmodifiableMap(Class::getSimpleName, FailureParts::new));

  private final Constructor<? extends PythonFailure> constructor;
  private final List<Parameter> parameters;
  private final List<JavaType> types;

  private FailureParts(Class<?> kind) {
    constructor = theOne(kind.asSubclass(PythonFailure.class));
    parameters = List.of(constructor.getParameters());
    types =
        parameters.stream().map(each -> MAPPER.constructType(each.getParameterizedType())).toList();
  }

  @SuppressWarnings("unchecked") // as getConstructors itself says
  private static <F extends PythonFailure> Constructor<F> theOne(Class<F> kind) {
    Constructor<?>[] all = kind.getConstructors();
    if (all.length != 1) {
      throw new IllegalStateException(
          kind + " needs one public constructor, and has " + all.length);
    }
    return (Constructor<F>) all[0];
  }

  /** The parts of the failure of that name, or null if there is none. */
  static @Nullable FailureParts of(String kind) {
    return ALL.get(kind);
  }

  /** Writes arguments, shortened until they fit. */
  static byte[] write(List<@Nullable Object> arguments) throws IOException {
    Shortening shortening = Shortening.FIRST;
    while (shortening.goesOn()) {
      try {
        return written(shortening.all(arguments));
      } catch (Full tooLarge) {
        shortening = shortening.half();
      }
    }
    return written(shortening.all(arguments));
  }

  private static byte[] written(List<@Nullable Object> arguments) throws IOException {
    var out = new Sheet();
    MAPPER.writeValue(out, arguments);
    return out.bytes.toByteArray();
  }

  /** What would be huge is given up as soon as that is known, not when all of it is in memory. */
  private static final class Sheet extends OutputStream {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    @Override
    public void write(int one) throws IOException {
      write(new byte[] {(byte) one}, 0, 1);
    }

    @Override
    public void write(byte[] some, int from, int length) throws IOException {
      if (bytes.size() + length > MOST_WRITTEN) {
        throw new Full();
      }
      bytes.write(some, from, length);
    }
  }

  /** Jackson lets it through, as it would not do with an unchecked one. */
  private static final class Full extends IOException {}

  /**
   * Makes the failure of its arguments; throws whatever for all that {@link #write} did not write.
   */
  PythonFailure read(byte[] written) throws IOException, ReflectiveOperationException {
    require(written.length <= MOST_READ, "too large");
    var arguments = new @Nullable Object[types.size()];
    try (JsonParser json = MAPPER.createParser(written)) {
      require(json.nextToken() == JsonToken.START_ARRAY, "no array");
      for (int i = 0; i < arguments.length; i++) {
        JsonToken first = json.nextToken();
        require(first != null && first != JsonToken.END_ARRAY, "too few");
        arguments[i] =
            first == JsonToken.VALUE_NULL ? null : MAPPER.readerFor(types.get(i)).readValue(json);
        requireWhole(arguments[i], parameters.get(i).getAnnotatedType());
      }
      require(json.nextToken() == JsonToken.END_ARRAY && json.nextToken() == null, "too many");
    }
    return constructor.newInstance(arguments);
  }

  /** Jackson leaves null where nothing was written; only what is marked so may be null. */
  private static void requireWhole(@Nullable Object value, AnnotatedType type)
      throws ReflectiveOperationException {
    require(value != null || type.isAnnotationPresent(Nullable.class), "a part is missing");
    if (value instanceof Record) {
      for (RecordComponent part : value.getClass().getRecordComponents()) {
        requireWhole(part.getAccessor().invoke(value), part.getAnnotatedType());
      }
    } else if (value instanceof List<?> list) {
      for (Object member : list) {
        requireWhole(member, type);
      }
    }
  }

  private static void require(boolean so, String otherwise) {
    if (!so) {
      throw new IllegalArgumentException(otherwise);
    }
  }
}
