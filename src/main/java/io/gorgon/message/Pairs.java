package io.gorgon.message;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.BeanProperty;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.jsontype.TypeSerializer;
import com.fasterxml.jackson.databind.ser.ContextualSerializer;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * This writes maps: with keys that are strings or enums as JSON objects, with the serializer that
 * Jackson made; with other keys as pairs, so that a number does not become its text.
 */
final class Pairs extends JsonSerializer<Object> implements ContextualSerializer {

  private enum Form {
    PLAIN,
    ESCAPED,
    PAIRS
  }

  private final JsonSerializer<Object> plain;

  @SuppressWarnings("unchecked")
  Pairs(JsonSerializer<?> plain) {
    this.plain = (JsonSerializer<Object>) plain;
  }

  @Override
  public void serialize(Object value, JsonGenerator json, SerializerProvider all)
      throws IOException {
    Map<?, ?> map = (Map<?, ?>) value;
    switch (formOf(map)) {
      case PLAIN -> plain.serialize(value, json, all);
      case ESCAPED -> {
        Body.open(json, "dict");
        json.writeFieldName("v");
        plain.serialize(value, json, all);
        json.writeEndObject();
      }
      case PAIRS -> writePairs(map, json, all);
    }
  }

  @Override
  public void serializeWithType(
      Object value, JsonGenerator json, SerializerProvider all, TypeSerializer type)
      throws IOException {
    if (formOf((Map<?, ?>) value) == Form.PLAIN) {
      plain.serializeWithType(value, json, all, type);
    } else {
      serialize(value, json, all);
    }
  }

  private static Form formOf(Map<?, ?> map) {
    Form form = Form.PLAIN;
    for (Object key : map.keySet()) {
      if (key instanceof String text) {
        if (text.equals("$")) {
          form = Form.ESCAPED;
        }
      } else if (!(key instanceof Enum)) {
        return Form.PAIRS;
      }
    }
    return form;
  }

  private static void writePairs(Map<?, ?> map, JsonGenerator json, SerializerProvider all)
      throws IOException {
    Body.open(json, "pairs");
    json.writeArrayFieldStart("v");
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      json.writeStartArray();
      try {
        all.defaultSerializeValue(entry.getKey(), json);
        all.defaultSerializeValue(entry.getValue(), json);
      } catch (JsonMappingException refused) {
        refused.prependPath(map, String.valueOf(entry.getKey()));
        throw refused;
      }
      json.writeEndArray();
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  @Override
  public boolean isEmpty(SerializerProvider all, Object value) {
    return plain.isEmpty(all, value);
  }

  @Override
  public JsonSerializer<?> createContextual(SerializerProvider all, @Nullable BeanProperty property)
      throws JsonMappingException {
    JsonSerializer<?> fitting = all.handleSecondaryContextualization(plain, property);
    if (property != null
        && property.getMember() != null
        && all.getAnnotationIntrospector().findKeySerializer(property.getMember()) != null) {
      return fitting; // the user said how keys are written
    }
    return fitting == plain ? this : new Pairs(fitting);
  }
}
