package io.gorgon.session.durable;

import io.gorgon.message.PythonFailure.StateTooNew;
import io.gorgon.session.SessionState;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * This is how a state lies in the database: {@code u16} format, {@code u16} length of the key and
 * the key, {@code i64} birth, {@code i64} version, {@code i64} seconds and {@code i32} nanoseconds
 * of the last touch, {@code u32} number of values, then for each {@code u32} length of its name,
 * the name, {@code u32} length of its value, the value as Python encoded it. Big endian; texts are
 * UTF-16, lengths count bytes. Whatever changes here is a new format; older ones stay readable.
 */
final class StoredState {

  /** The one that is written, and the newest that is read. */
  static final int FORMAT = 1;

  private static final int FIXED = 2 + 2 + 8 + 8 + 8 + 4 + 4;

  private StoredState() {}

  static byte[] write(SessionState state) {
    byte[] key = bytes(state.key());
    int size = FIXED + key.length;
    List<byte[]> parts = new ArrayList<>();
    for (Map.Entry<String, byte[]> entry : state.values().entrySet()) {
      parts.add(bytes(entry.getKey()));
      parts.add(entry.getValue());
    }
    for (byte[] part : parts) {
      size = Math.addExact(size, 4 + part.length);
    }
    Instant touched = state.touched();
    ByteBuffer out = ByteBuffer.allocate(size);
    out.putShort((short) FORMAT).putShort((short) key.length).put(key);
    out.putLong(state.birth()).putLong(state.version());
    out.putLong(touched.getEpochSecond()).putInt(touched.getNano());
    out.putInt(state.values().size());
    parts.forEach(part -> out.putInt(part.length).put(part));
    return out.array();
  }

  /**
   * Reads what {@link #write} has written.
   *
   * @param key whose state it is said to be
   * @param revision which version it is said to be
   * @throws StateTooNew if the format is not known yet
   * @throws IllegalStateException if it is something else, or somebody else's
   */
  static SessionState read(String key, long revision, byte[] stored) {
    ByteBuffer in = ByteBuffer.wrap(stored);
    try {
      int format = Short.toUnsignedInt(in.getShort());
      if (format > FORMAT) {
        throw new StateTooNew(key, format, FORMAT);
      }
      String owner = text(in, Short.toUnsignedInt(in.getShort()));
      long birth = in.getLong();
      long version = in.getLong();
      if (format < 1 || !owner.equals(key) || version != revision) {
        throw broken(key, "it is version " + version + " of '" + owner + "', format " + format);
      }
      Instant touched = Instant.ofEpochSecond(in.getLong(), in.getInt());
      int count = in.getInt();
      Map<String, byte[]> values = new LinkedHashMap<>();
      for (int i = 0; i < count; i++) {
        String name = text(in, in.getInt());
        values.put(name, take(in, in.getInt()));
      }
      if (in.hasRemaining()) {
        throw broken(key, in.remaining() + " bytes too many");
      }
      return new SessionState(key, birth, version, values, touched);
    } catch (BufferUnderflowException cutOff) {
      throw broken(key, "it is cut off");
    }
  }

  /** The key alone, of the first bytes of a record. */
  static String key(byte[] beginning) {
    ByteBuffer in = ByteBuffer.wrap(beginning);
    return text(in.position(4), Short.toUnsignedInt(in.getShort(2)));
  }

  /** How many first bytes hold a key of that many characters. */
  static int reachOfKey(int characters) {
    return 2 + 2 + 2 * characters;
  }

  private static byte[] take(ByteBuffer in, int length) {
    if (length < 0 || length > in.remaining()) {
      throw new BufferUnderflowException();
    }
    var bytes = new byte[length];
    in.get(bytes);
    return bytes;
  }

  /** Not UTF-8: a name may hold halves of characters, and must come back as it was. */
  private static byte[] bytes(String text) {
    ByteBuffer out = ByteBuffer.allocate(2 * text.length());
    out.asCharBuffer().put(text);
    return out.array();
  }

  private static String text(ByteBuffer in, int length) {
    return ByteBuffer.wrap(take(in, length)).asCharBuffer().toString();
  }

  private static IllegalStateException broken(String key, String why) {
    return new IllegalStateException(
        "what the database has for session '" + key + "' is not its state: " + why);
  }
}
