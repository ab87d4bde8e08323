package io.gorgon.session;

import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * This reads one value of a state: {@code u8} 1 for a plain body and 2 for one with tags, {@code
 * u16} attachments, {@code u32} length of the body, the body, then each attachment as its size
 * ({@code u32}) and its bytes, big endian. {@code gorgon/_sessions.py} writes it, and Java reads it
 * for those who look at a state only.
 */
final class StateValue {

  private static final int TAGGED = 2;

  private StateValue() {}

  static Payload payload(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes).asReadOnlyBuffer();
    try {
      int codec = in.get();
      int count = Short.toUnsignedInt(in.getShort());
      var body = new byte[in.getInt()];
      in.get(body);
      List<ByteBuffer> attachments = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        int size = in.getInt();
        attachments.add(in.slice(in.position(), size).asReadOnlyBuffer());
        in.position(in.position() + size);
      }
      return new Payload(body, codec == TAGGED, attachments);
    } catch (BufferUnderflowException
        | IndexOutOfBoundsException
        | IllegalArgumentException
        | NegativeArraySizeException broken) {
      throw new PythonFailure.ProtocolViolation("a value of a state that is cut off: " + broken);
    }
  }
}
