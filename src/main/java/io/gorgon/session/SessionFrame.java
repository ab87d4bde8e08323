package io.gorgon.session;

import com.fasterxml.jackson.core.JsonGenerator;
import io.gorgon.message.Payload;
import io.gorgon.message.Values;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.List;

/** This makes what a frame says that goes ahead of a session's request. */
final class SessionFrame {

  private SessionFrame() {}

  /** {@code whole}: with the state itself, for a worker that may not have it. */
  static Payload payload(SessionState state, boolean whole) {
    var text = new ByteArrayOutputStream(96 + state.key().length());
    try (JsonGenerator body = Values.mapper().createGenerator(text)) {
      body.writeStartObject();
      body.writeStringField("session", state.key());
      body.writeNumberField("birth", state.birth());
      body.writeNumberField("version", state.version());
      if (whole) {
        body.writeArrayFieldStart("names");
        for (String name : state.values().keySet()) {
          body.writeString(name);
        }
        body.writeEndArray();
      }
      body.writeEndObject();
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
    List<ByteBuffer> values =
        whole ? state.values().values().stream().map(ByteBuffer::wrap).toList() : List.of();
    return new Payload(text.toByteArray(), false, values);
  }
}
