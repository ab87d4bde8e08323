package io.gorgon.session;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gorgon.message.Payload;
import io.gorgon.message.Values;
import io.gorgon.wire.Frame;
import java.nio.ByteBuffer;
import java.util.List;

/** This makes the frame that goes ahead of a session's request. */
final class SessionFrame {

  private SessionFrame() {}

  /** {@code whole}: with the state itself, for a worker that may not have it. */
  static Frame of(long request, SessionState state, boolean whole) {
    ObjectNode body = Values.mapper().createObjectNode();
    body.put("session", state.key()).put("birth", state.birth()).put("version", state.version());
    List<ByteBuffer> values = List.of();
    if (whole) {
      ArrayNode names = body.putArray("names");
      state.values().keySet().forEach(names::add);
      values = state.values().values().stream().map(ByteBuffer::wrap).toList();
    }
    try {
      byte[] text = Values.mapper().writeValueAsBytes(body);
      return Frame.of(Frame.Kind.SESSION, request, new Payload(text, false, values));
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
