package io.gorgon.message;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.jsontype.TypeDeserializer;
import com.fasterxml.jackson.databind.node.TreeTraversingParser;
import io.gorgon.message.Arrival.PairsOf;
import io.gorgon.message.Arrival.SetOf;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * This reads values whose type nobody named, as plain Java objects. Bytes in a set, and as keys,
 * become read-only buffers, which are equal by content.
 */
final class Untyped extends JsonDeserializer<Object> {

  @Override
  public @Nullable Object deserialize(JsonParser json, DeserializationContext all)
      throws IOException {
    return switch (json.currentToken()) {
      case START_ARRAY -> list(json, all);
      case START_OBJECT -> map(json, all);
      case VALUE_STRING -> json.getText();
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> json.getNumberValue();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case VALUE_EMBEDDED_OBJECT -> held(json.getEmbeddedObject(), json, all);
      case VALUE_NULL -> null;
      default -> all.handleUnexpectedToken(Object.class, json);
    };
  }

  @Override
  public @Nullable Object deserializeWithType(
      JsonParser json, DeserializationContext all, TypeDeserializer type) throws IOException {
    boolean container = json.isExpectedStartObjectToken() || json.isExpectedStartArrayToken();
    return container ? type.deserializeTypedFromAny(json, all) : deserialize(json, all);
  }

  private List<@Nullable Object> list(JsonParser json, DeserializationContext all)
      throws IOException {
    var items = new ArrayList<@Nullable Object>();
    while (json.nextToken() != JsonToken.END_ARRAY) {
      items.add(deserialize(json, all));
    }
    return items;
  }

  private Map<String, @Nullable Object> map(JsonParser json, DeserializationContext all)
      throws IOException {
    var fields = new LinkedHashMap<String, @Nullable Object>();
    for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
      json.nextToken();
      fields.put(name, deserialize(json, all));
    }
    return fields;
  }

  private Object held(Object held, JsonParser json, DeserializationContext all) throws IOException {
    if (held instanceof SetOf set) {
      Set<@Nullable Object> items = new LinkedHashSet<>();
      for (JsonNode item : set.items()) {
        items.add(key(node(item, json, all)));
      }
      return items;
    }
    if (held instanceof PairsOf pairs) {
      Map<@Nullable Object, @Nullable Object> map = new LinkedHashMap<>();
      for (JsonNode pair : pairs.pairs()) {
        map.put(key(node(pair.get(0), json, all)), node(pair.get(1), json, all));
      }
      return map;
    }
    return held;
  }

  private @Nullable Object node(JsonNode node, JsonParser json, DeserializationContext all)
      throws IOException {
    var inner = new TreeTraversingParser(node, json.getCodec());
    inner.nextToken();
    return deserialize(inner, all);
  }

  private static @Nullable Object key(@Nullable Object value) {
    return value instanceof byte[] bytes ? ByteBuffer.wrap(bytes).asReadOnlyBuffer() : value;
  }
}
