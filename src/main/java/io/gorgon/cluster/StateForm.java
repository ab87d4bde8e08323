package io.gorgon.cluster;

import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure.NotSerializable;
import io.gorgon.message.Values;
import io.gorgon.session.SessionState;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * This is a session's state on its way to another node: its values go beside it as they are.
 *
 * @param names of the values, in the order in which those come
 */
record StateForm(String key, long birth, long version, Instant touched, List<String> names) {

  static Payload payload(SessionState state) {
    var form =
        new StateForm(
            state.key(),
            state.birth(),
            state.version(),
            state.touched(),
            List.copyOf(state.values().keySet()));
    List<ByteBuffer> values = new ArrayList<>();
    state.values().values().forEach(bytes -> values.add(ByteBuffer.wrap(bytes)));
    try {
      return new Payload(Values.mapper().writeValueAsBytes(form), false, values);
    } catch (IOException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  static SessionState state(Payload payload) {
    try {
      StateForm form = Values.mapper().readValue(payload.body(), StateForm.class);
      Map<String, byte[]> values = new LinkedHashMap<>();
      for (int i = 0; i < form.names().size(); i++) {
        ByteBuffer bytes = payload.attachments().get(i).duplicate();
        byte[] value = new byte[bytes.remaining()];
        bytes.get(value);
        values.put(form.names().get(i), value);
      }
      return new SessionState(form.key(), form.birth(), form.version(), values, form.touched());
    } catch (IOException | RuntimeException unreadable) {
      throw new NotSerializable("a session's state", "$", String.valueOf(unreadable));
    }
  }
}
