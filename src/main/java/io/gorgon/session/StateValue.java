package io.gorgon.session;

import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * This is one value of a state, as bytes: {@code u8} 1 for a plain body and 2 for one with tags,
 * {@code u16} attachments, {@code u32} length of the body, the body, then each attachment as its
 * size ({@code u32}) and its bytes, big endian. {@code gorgon/_shelf.py} writes and reads the same;
 * Java reads it for those who look at a state only, and writes it where tests have no Python.
 */
public final class StateValue {

  private static final int PLAIN = 1;
  private static final int TAGGED = 2;
  private static final int HEAD = 1 + Short.BYTES + Integer.BYTES;

  private StateValue() {}

  /** The bytes of a value that {@link io.gorgon.message.Values#encode} made. */
  public static byte[] bytes(Payload value) {
    int size = HEAD + value.body().length;
    for (ByteBuffer attachment : value.attachments()) {
      size += Integer.BYTES + attachment.remaining();
    }
    ByteBuffer out = ByteBuffer.allocate(size);
    out.put((byte) (value.tagged() ? TAGGED : PLAIN));
    out.putShort((short) value.attachments().size());
    out.putInt(value.body().length).put(value.body());
    for (ByteBuffer attachment : value.attachments()) {
      out.putInt(attachment.remaining()).put(attachment.duplicate());
    }
    return out.array();
  }

  /**
   * The value, as a view of the bytes; {@link io.gorgon.message.Values#decode} makes it an object.
   *
   * @throws PythonFailure.ProtocolViolation if they are no value
   */
  public static Payload payload(byte[] bytes) {
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
