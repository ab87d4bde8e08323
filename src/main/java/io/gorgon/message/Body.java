package io.gorgon.message;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonMappingException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * This is a payload in the making: the stream that the text is written to, which serializers find
 * through their generator, so that a plain value pays nothing for what it does not use.
 */
final class Body extends ByteArrayOutputStream {

  private static final int MOST_ATTACHMENTS = 0xffff;

  private final List<ByteBuffer> attachments = new ArrayList<>(0);
  private final List<Elements> elements = new ArrayList<>(0);
  private boolean tagged;

  Body() {
    super(128);
  }

  /** Begins an object whose first key is "$", and notes that the text is tagged now. */
  static void open(JsonGenerator json, String tag) throws IOException {
    of(json).tagged = true;
    json.writeStartObject();
    json.writeStringField("$", tag);
  }

  /** Writes the field that names an attachment, and takes that one along. */
  static void attach(JsonGenerator json, ByteBuffer bytes) throws IOException {
    Body body = of(json);
    if (body.attachments.size() == MOST_ATTACHMENTS) {
      throw JsonMappingException.from(
          json, "there are more than " + MOST_ATTACHMENTS + " arrays and bytes in one value");
    }
    json.writeNumberField("i", body.attachments.size());
    body.attachments.add(bytes);
  }

  /** Writes what stands for something that Python iterates over, and takes that along. */
  static void writeElements(JsonGenerator json, Elements made) throws IOException {
    open(json, "source");
    Body body = of(json);
    json.writeNumberField("n", body.elements.size());
    json.writeEndObject();
    body.elements.add(made);
  }

  private static Body of(JsonGenerator json) throws IOException {
    if (json.getOutputTarget() instanceof Body body) {
      return body;
    }
    throw JsonMappingException.from(json, "a serializer copies it through a buffer of its own");
  }

  /** What Python may iterate over, by number. */
  List<Elements> elements() {
    return List.copyOf(elements);
  }

  Payload payload() {
    if (!tagged) {
      return Payload.plain(toByteArray());
    }
    return new Payload(toByteArray(), true, List.copyOf(attachments));
  }
}
