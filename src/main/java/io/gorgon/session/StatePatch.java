package io.gorgon.session;

import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Values;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * This is what a call has changed in the state of its session.
 *
 * @param version of the state that it started from
 * @param set new values by name
 * @param gone names whose values were deleted
 * @param checkpoint the number of the question that Python waits for an answer to; 0 if the patch
 *     belongs to the call's end
 */
record StatePatch(long version, Map<String, byte[]> set, Set<String> gone, long checkpoint) {

  /**
   * Reads the payload of a PATCH frame.
   *
   * @throws PythonFailure.ProtocolViolation for anything else
   */
  static StatePatch read(Payload payload) {
    JsonNode body;
    try {
      body = Values.mapper().readTree(payload.body());
    } catch (IOException unreadable) {
      throw new PythonFailure.ProtocolViolation("a patch that cannot be read: " + unreadable);
    }
    JsonNode names = body.path("set");
    List<ByteBuffer> values = payload.attachments();
    if (names.size() != values.size() || !body.path("version").canConvertToLong()) {
      throw new PythonFailure.ProtocolViolation(
          "a patch of " + names.size() + " values, and " + values.size() + " are there");
    }
    var set = new LinkedHashMap<String, byte[]>();
    for (int i = 0; i < names.size(); i++) {
      ByteBuffer value = values.get(i).duplicate();
      var bytes = new byte[value.remaining()];
      value.get(bytes);
      set.put(names.get(i).asText(), bytes);
    }
    var gone = new LinkedHashSet<String>();
    body.path("gone").forEach(name -> gone.add(name.asText()));
    return new StatePatch(body.path("version").asLong(), set, gone, body.path("host").asLong());
  }
}
