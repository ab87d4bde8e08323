package io.gorgon.message;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BinaryNode;
import com.fasterxml.jackson.databind.node.DecimalNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.JsonNodeType;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.POJONode;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.temporal.TemporalAccessor;
import java.time.zone.ZoneRulesException;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * This turns the tree of a tagged body into the tree of the value: tags become nodes that hold what
 * they stand for, decimals become numbers, escaped maps are maps again. Python's {@code
 * _outgoing.py} wrote it.
 */
final class Arrival {

  /** A set, for readers that tell it from a list. */
  record SetOf(ArrayNode items) {}

  /** A map whose keys are not all strings: each item is a key and its value. */
  record PairsOf(ArrayNode pairs) {}

  private static final Map<String, JsonNodeType> CONTAINERS =
      Map.of(
          "dict", JsonNodeType.OBJECT,
          "set", JsonNodeType.ARRAY,
          "frozenset", JsonNodeType.ARRAY,
          "pairs", JsonNodeType.ARRAY);

  /** Characters of a decimal that are no digits of it, at most: signs, point, E, exponent. */
  private static final int SIGNS_AND_EXPONENT = 16;

  /** So many lists any array may become, whatever is in them. */
  private static final int FEW_LISTS = 1 << 16;

  private static final int LISTS_AN_ELEMENT = 8;

  private final List<ByteBuffer> attachments;
  private final Loan loan;

  private Arrival(Payload payload) {
    this.attachments = payload.attachments();
    this.loan = payload.loan();
  }

  /**
   * Resolves all tags of {@code tree}, the body of {@code payload}.
   *
   * @throws IllegalArgumentException or DateTimeException for a tag that makes no sense
   */
  static JsonNode resolve(JsonNode tree, Payload payload) {
    return new Arrival(payload).value(tree);
  }

  /** The same tree for people: sets and pairs are arrays in it. */
  static JsonNode published(JsonNode node) {
    if (node instanceof POJONode held && held.getPojo() instanceof SetOf set) {
      return published(set.items());
    }
    if (node instanceof POJONode held && held.getPojo() instanceof PairsOf map) {
      return published(map.pairs());
    }
    if (node instanceof ObjectNode object) {
      object.properties().forEach(field -> field.setValue(published(field.getValue())));
    } else if (node instanceof ArrayNode array) {
      for (int i = 0; i < array.size(); i++) {
        array.set(i, published(array.get(i)));
      }
    }
    return node;
  }

  private JsonNode value(JsonNode node) {
    if (node instanceof ArrayNode array) {
      for (int i = 0; i < array.size(); i++) {
        JsonNode item = array.get(i);
        if (item.isContainerNode()) {
          array.set(i, value(item));
        }
      }
      return array;
    }
    if (!(node instanceof ObjectNode object)) {
      return node;
    }
    var names = object.fieldNames();
    if (names.hasNext() && names.next().equals("$")) {
      return tag(object, object.path("$").asText());
    }
    return fields(object);
  }

  private ObjectNode fields(ObjectNode object) {
    for (var field : object.properties()) {
      if (field.getValue().isContainerNode()) {
        field.setValue(value(field.getValue()));
      }
    }
    return object;
  }

  private JsonNode tag(ObjectNode tag, String name) {
    JsonNode v = tag.path("v");
    JsonNodeType wanted = CONTAINERS.get(name);
    if (wanted != null && v.getNodeType() != wanted) {
      throw new IllegalArgumentException("a tag '" + name + "' without its value");
    }
    return switch (name) {
      case "dict" -> fields((ObjectNode) v);
      case "bytes" -> new BinaryNode(copyOf(attachment(tag)));
      case "array" -> new POJONode(array(tag));
      case "datetime" -> new POJONode(dateTime(v.asText(), tag.path("zone").asText()));
      case "date" -> new POJONode(LocalDate.parse(v.asText()));
      case "time" -> new POJONode(time(v.asText()));
      case "timedelta" ->
          new POJONode(Duration.ofSeconds(v.path(0).longValue(), v.path(1).longValue()));
      case "decimal" -> DecimalNode.valueOf(decimal(v.asText()));
      case "uuid" -> new POJONode(UUID.fromString(v.asText()));
      case "set", "frozenset" -> new POJONode(new SetOf((ArrayNode) value((ArrayNode) v)));
      case "pairs" -> new POJONode(new PairsOf(pairs((ArrayNode) v)));
      default -> throw new IllegalArgumentException("the tag '" + name + "' is unknown");
    };
  }

  /** Reading digits takes time in the square of their number, so they are counted first. */
  private static BigDecimal decimal(String text) {
    if (text.length() > Values.MAX_DIGITS + SIGNS_AND_EXPONENT) {
      throw new IllegalArgumentException(
          "a decimal of " + text.length() + " characters, beyond " + Values.MAX_DIGITS + " digits");
    }
    return new BigDecimal(text);
  }

  private ArrayNode pairs(ArrayNode v) {
    for (JsonNode pair : v) {
      if (!pair.isArray() || pair.size() != 2) {
        throw new IllegalArgumentException("a map of which one item is no pair");
      }
    }
    return (ArrayNode) value(v);
  }

  private ByteBuffer attachment(ObjectNode tag) {
    int number = tag.path("i").asInt(-1);
    if (number < 0 || number >= attachments.size()) {
      throw new IllegalArgumentException(
          "there is no attachment " + tag.path("i") + " among " + attachments.size());
    }
    if (!loan.isOpen()) {
      throw new IllegalStateException("its arrays were borrowed, and it is closed");
    }
    return attachments.get(number).duplicate();
  }

  private static byte[] copyOf(ByteBuffer buffer) {
    var bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }

  private Attachment array(ObjectNode tag) {
    JsonNode lengths = tag.path("shape");
    var shape = new int[lengths.size()];
    for (int i = 0; i < shape.length; i++) {
      JsonNode length = lengths.get(i);
      if (!length.isIntegralNumber() || !length.canConvertToInt()) {
        throw new IllegalArgumentException("an array's shape has no length " + length);
      }
      shape[i] = length.intValue();
    }
    return Attachment.lent(attachment(tag), tag.path("dtype").asText(), shape, loan);
  }

  private static TemporalAccessor dateTime(String text, String zone) {
    TemporalAccessor at =
        DateTimeFormatter.ISO_DATE_TIME.parseBest(text, OffsetDateTime::from, LocalDateTime::from);
    if (zone.isEmpty() || !(at instanceof OffsetDateTime exact)) {
      return at;
    }
    try {
      return exact.toInstant().atZone(ZoneId.of(zone));
    } catch (ZoneRulesException unknownHere) {
      return exact; // the instant is the same, and the offset is known
    }
  }

  private static TemporalAccessor time(String text) {
    return DateTimeFormatter.ISO_TIME.parseBest(text, OffsetTime::from, LocalTime::from);
  }

  /**
   * An array's elements as nested JSON arrays, for readers of lists.
   *
   * @throws IllegalStateException if its shape asks for lists out of proportion to its elements: an
   *     array without elements may have a thousand million rows
   */
  static JsonNode nested(Attachment array) {
    checkLists(array);
    ArrayNode flat = JsonNodeFactory.instance.arrayNode(array.size());
    switch (array.kind()) {
      case 'b' -> {
        for (boolean value : array.toBooleanArray()) {
          flat.add(value);
        }
      }
      case 'f' -> {
        for (double value : array.toDoubleArray()) {
          flat.add(value);
        }
      }
      default -> {
        for (long value : array.toLongArray()) {
          flat.add(value);
        }
      }
    }
    int[] shape = array.shape();
    return shape.length == 0 ? flat.get(0) : folded(flat, shape, 0, new int[1]);
  }

  private static void checkLists(Attachment array) {
    int[] shape = array.shape();
    long most = FEW_LISTS + (long) LISTS_AN_ELEMENT * array.size();
    long rows = 1;
    long lists = 1;
    for (int i = 0; i < shape.length - 1 && lists <= most; i++) {
      rows *= shape[i];
      lists += rows;
    }
    if (lists > most) {
      throw new IllegalStateException(
          array + " would take more lists than it has elements: read it as Attachment");
    }
  }

  private static ArrayNode folded(ArrayNode flat, int[] shape, int dimension, int[] next) {
    ArrayNode row = JsonNodeFactory.instance.arrayNode(shape[dimension]);
    for (int i = 0; i < shape[dimension]; i++) {
      row.add(
          dimension == shape.length - 1
              ? flat.get(next[0]++)
              : folded(flat, shape, dimension + 1, next));
    }
    return row;
  }
}
