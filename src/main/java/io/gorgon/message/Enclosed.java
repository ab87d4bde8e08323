package io.gorgon.message;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.BeanProperty;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.jsontype.TypeSerializer;
import com.fasterxml.jackson.databind.ser.ContextualSerializer;
import com.fasterxml.jackson.databind.ser.ResolvableSerializer;
import com.fasterxml.jackson.databind.util.NameTransformer;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** This puts what another serializer writes into a tag: {@code {"$": tag, "v": ...}}. */
final class Enclosed extends JsonSerializer<Object>
    implements ContextualSerializer, ResolvableSerializer {

  private final JsonSerializer<Object> inner;
  private final String tag;

  @SuppressWarnings("unchecked")
  Enclosed(JsonSerializer<?> inner, String tag) {
    this.inner = (JsonSerializer<Object>) inner;
    this.tag = tag;
  }

  @Override
  public void serialize(Object value, JsonGenerator json, SerializerProvider all)
      throws IOException {
    Body.open(json, tag);
    json.writeFieldName("v");
    inner.serialize(value, json, all);
    json.writeEndObject();
  }

  @Override
  public void serializeWithType(
      Object value, JsonGenerator json, SerializerProvider all, TypeSerializer type)
      throws IOException {
    if (tag.equals("set")) {
      serialize(value, json, all);
      return;
    }
    Body.open(json, tag);
    json.writeFieldName("v");
    inner.serializeWithType(value, json, all, type);
    json.writeEndObject();
  }

  @Override
  public boolean isEmpty(SerializerProvider all, Object value) {
    return inner.isEmpty(all, value);
  }

  @Override
  public JsonSerializer<Object> unwrappingSerializer(NameTransformer names) {
    return inner.unwrappingSerializer(names);
  }

  @Override
  public JsonSerializer<?> createContextual(SerializerProvider all, @Nullable BeanProperty property)
      throws JsonMappingException {
    JsonSerializer<?> fitting = all.handleSecondaryContextualization(inner, property);
    return fitting == inner ? this : new Enclosed(fitting, tag);
  }

  @Override
  public void resolve(SerializerProvider all) throws JsonMappingException {
    if (inner instanceof ResolvableSerializer resolvable) {
      resolvable.resolve(all);
    }
  }
}
