package io.gorgon.message;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.BeanDescription;
import com.fasterxml.jackson.databind.DeserializationConfig;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.deser.BeanDeserializerBase;
import com.fasterxml.jackson.databind.deser.BeanDeserializerModifier;
import com.fasterxml.jackson.databind.deser.ValueInstantiator;
import com.fasterxml.jackson.databind.deser.std.DelegatingDeserializer;
import com.fasterxml.jackson.databind.deser.std.MapDeserializer;
import com.fasterxml.jackson.databind.deser.std.NumberDeserializers;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.node.POJONode;
import com.fasterxml.jackson.databind.node.TreeTraversingParser;
import com.fasterxml.jackson.databind.type.ArrayType;
import com.fasterxml.jackson.databind.type.CollectionType;
import com.fasterxml.jackson.databind.type.MapType;
import com.fasterxml.jackson.databind.util.NameTransformer;
import io.gorgon.message.Arrival.PairsOf;
import io.gorgon.message.Arrival.SetOf;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.DateTimeException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * This reads the tree that {@link Arrival} makes as Java types: Jackson's own readers do the work,
 * and are told here what to make of a value that stands in the tree already.
 */
final class Reading {

  private Reading() {}

  static SimpleModule module() {
    return new SimpleModule("gorgon-reading")
        .addDeserializer(Object.class, new Untyped())
        .addDeserializer(Attachment.class, new Arrays())
        .setDeserializerModifier(new Modifier());
  }

  private static final class Modifier extends BeanDeserializerModifier {
    @Override
    public JsonDeserializer<?> modifyDeserializer(
        DeserializationConfig config, BeanDescription bean, JsonDeserializer<?> reader) {
      Class<?> type = bean.getBeanClass();
      boolean own = type == Object.class || type == Attachment.class;
      return own ? reader : new Embedded(reader, bean.getType());
    }

    @Override
    public JsonDeserializer<?> modifyCollectionDeserializer(
        DeserializationConfig config,
        CollectionType type,
        BeanDescription bean,
        JsonDeserializer<?> reader) {
      return new Embedded(reader, type);
    }

    @Override
    public JsonDeserializer<?> modifyArrayDeserializer(
        DeserializationConfig config,
        ArrayType type,
        BeanDescription bean,
        JsonDeserializer<?> reader) {
      return new Embedded(reader, type);
    }

    @Override
    public JsonDeserializer<?> modifyMapDeserializer(
        DeserializationConfig config,
        MapType type,
        BeanDescription bean,
        JsonDeserializer<?> reader) {
      return new Embedded(reader, type);
    }
  }

  /** Reads what stands in the tree already, or lets Jackson read on. */
  private static final class Embedded extends DelegatingDeserializer {
    private final transient JavaType type;

    Embedded(JsonDeserializer<?> reader, JavaType type) {
      super(reader);
      this.type = type;
    }

    @Override
    protected JsonDeserializer<?> newDelegatingInstance(JsonDeserializer<?> reader) {
      return new Embedded(reader, type);
    }

    @Override
    @SuppressWarnings("unchecked")
    public JsonDeserializer<Object> unwrappingDeserializer(NameTransformer names) {
      return (JsonDeserializer<Object>)
          newDelegatingInstance(_delegatee.unwrappingDeserializer(names));
    }

    @Override
    public Object deserialize(JsonParser json, DeserializationContext all) throws IOException {
      if (!json.hasToken(JsonToken.VALUE_EMBEDDED_OBJECT)) {
        return _delegatee.deserialize(json, all);
      }
      Object held = json.getEmbeddedObject();
      try {
        if (JsonNode.class.isAssignableFrom(type.getRawClass())) {
          return Arrival.published(new POJONode(held));
        }
        if (held instanceof PairsOf map) {
          return map(map, all);
        }
        if (held instanceof SetOf set) {
          return handOn(set.items(), json, all);
        }
        Object converted = Conversion.to(type.getRawClass(), held);
        if (converted != null) {
          return converted;
        }
        if (held instanceof Attachment array
            && (type.isCollectionLikeType() || type.isArrayType())) {
          return handOn(Arrival.nested(array), json, all);
        }
      } catch (ArithmeticException | IllegalStateException | DateTimeException misfit) {
        return all.reportInputMismatch(type, "%s", String.valueOf(misfit.getMessage()));
      }
      if (_delegatee instanceof BeanDeserializerBase) {
        return _delegatee.deserialize(json, all); // its creator may take what is held
      }
      return all.reportInputMismatch(type, "it is %s", Conversion.nameOf(held));
    }

    private Object handOn(JsonNode node, JsonParser json, DeserializationContext all)
        throws IOException {
      var inner = new TreeTraversingParser(node, json.getCodec());
      inner.nextToken();
      return _delegatee.deserialize(inner, all);
    }

    private Object map(PairsOf map, DeserializationContext all) throws IOException {
      if (!type.isMapLikeType()) {
        return all.reportInputMismatch(type, "it is a map with keys that are not all strings");
      }
      Map<Object, Object> result = empty(all);
      for (JsonNode pair : map.pairs()) {
        Object key = all.readTreeAsValue(pair.get(0), type.getKeyType());
        Object value = all.readTreeAsValue(pair.get(1), type.getContentType());
        int before = result.size();
        result.put(key, value);
        if (result.size() == before) {
          return all.reportInputMismatch(type, "two of its keys are %s", pair.get(0));
        }
      }
      return result;
    }

    @SuppressWarnings("unchecked")
    private Map<Object, Object> empty(DeserializationContext all) throws IOException {
      if (_delegatee instanceof MapDeserializer maps) {
        ValueInstantiator instantiator = maps.getValueInstantiator();
        return (Map<Object, Object>) instantiator.createUsingDefault(all);
      }
      return new LinkedHashMap<>();
    }
  }

  /** A decimal with a great exponent is a few bytes; as a whole number it may be millions. */
  static final class Whole extends JsonDeserializer<BigInteger> {
    @Override
    public BigInteger deserialize(JsonParser json, DeserializationContext all) throws IOException {
      if (json.hasToken(JsonToken.VALUE_NUMBER_FLOAT)) {
        BigDecimal number = json.getDecimalValue();
        if ((long) number.precision() - number.scale() > Values.MAX_DIGITS) {
          return all.reportInputMismatch(
              BigInteger.class, "it has more than %d digits", Values.MAX_DIGITS);
        }
      }
      return NumberDeserializers.BigIntegerDeserializer.instance.deserialize(json, all);
    }
  }

  private static final class Arrays extends JsonDeserializer<Attachment> {
    @Override
    public Attachment deserialize(JsonParser json, DeserializationContext all)
        throws IOException, JsonMappingException {
      if (json.hasToken(JsonToken.VALUE_EMBEDDED_OBJECT)) {
        Object held = json.getEmbeddedObject();
        if (held instanceof Attachment array) {
          return array;
        }
        if (held instanceof byte[] bytes) {
          return Attachment.of(bytes);
        }
      }
      return all.reportInputMismatch(
          Attachment.class, "it is no array: return a NumPy array, or read it as a list");
    }
  }
}
