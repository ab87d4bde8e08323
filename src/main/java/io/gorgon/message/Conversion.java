package io.gorgon.message;

import io.gorgon.message.Arrival.PairsOf;
import io.gorgon.message.Arrival.SetOf;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.time.ZonedDateTime;
import java.util.Date;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * This converts what Python sent into the Java type that is asked for, where both mean the same: a
 * moment may be read as any type of moments, an array as any that holds its elements.
 */
final class Conversion {

  private static final Map<Class<?>, String> NAMES =
      Map.of(
          byte[].class, "bytes",
          Attachment.class, "an array",
          OffsetDateTime.class, "a datetime with an offset",
          ZonedDateTime.class, "a datetime with a zone",
          LocalDateTime.class, "a datetime without a zone",
          LocalDate.class, "a date",
          Duration.class, "a timedelta",
          SetOf.class, "a set",
          PairsOf.class, "a map with keys that are not all strings");

  private Conversion() {}

  /** What Python's value is called. */
  static String nameOf(Object held) {
    return NAMES.getOrDefault(held.getClass(), "a " + held.getClass().getSimpleName());
  }

  /**
   * Converts; null where the type is not of that sort.
   *
   * @throws ArithmeticException or IllegalStateException if an element does not fit
   */
  static @Nullable Object to(Class<?> type, Object held) {
    if (type.isInstance(held)) {
      return held;
    }
    if (held instanceof ZonedDateTime at) {
      return moment(type, at.toOffsetDateTime(), at);
    }
    if (held instanceof OffsetDateTime at) {
      return moment(type, at, at.toZonedDateTime());
    }
    if (held instanceof Attachment array) {
      return array(type, array);
    }
    if (held instanceof byte[] bytes) {
      return type == ByteBuffer.class ? ByteBuffer.wrap(bytes) : null;
    }
    boolean isText =
        held instanceof LocalDate
            || held instanceof LocalDateTime
            || held instanceof LocalTime
            || held instanceof OffsetTime
            || held instanceof Duration
            || held instanceof java.util.UUID;
    return isText && type == String.class ? held.toString() : null;
  }

  private static @Nullable Object moment(Class<?> type, OffsetDateTime at, ZonedDateTime zoned) {
    if (type == OffsetDateTime.class) {
      return at;
    } else if (type == ZonedDateTime.class) {
      return zoned;
    } else if (type == Instant.class) {
      return at.toInstant();
    } else if (type == Date.class) {
      return Date.from(at.toInstant());
    }
    return type == String.class ? zoned.toString() : null;
  }

  private static @Nullable Object array(Class<?> type, Attachment array) {
    Class<?> element = type.getComponentType();
    if (element == null || !element.isPrimitive()) {
      return type == ByteBuffer.class ? array.buffer() : null;
    }
    if (array.shape().length > 1) {
      throw new IllegalStateException(
          array + " has more than one dimension: read it as " + element + "[][], or as Attachment");
    }
    return switch (element.getName()) {
      case "double" -> array.toDoubleArray();
      case "float" -> array.toFloatArray();
      case "long" -> array.toLongArray();
      case "int" -> array.toIntArray();
      case "short" -> array.toShortArray();
      case "byte" -> array.toByteArray();
      case "boolean" -> array.toBooleanArray();
      default -> null;
    };
  }
}
