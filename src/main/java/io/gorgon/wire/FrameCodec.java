package io.gorgon.wire;

import io.gorgon.message.PythonFailure;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * This turns frames into bytes and back. The mirror of {@code gorgon/_wire.py}; both are held to
 * the same golden files.
 *
 * <pre>
 *  0  u32 length       bytes after this field
 *  4  u16 magic        0x4752, "GR"
 *  6  u8  kind
 *  7  u8  codec        0 empty, 1 JSON
 *  8  u16 flags        0
 * 10  u16 attachments
 * 12  u64 id
 * 20  u32 body length
 * 24  u32 check        CRC-32 of bytes 0 to 23
 * 28  body, then each attachment as u64 size + bytes          (all big endian)
 * </pre>
 *
 * Not thread-safe: one codec per connection and direction.
 */
public final class FrameCodec {

  /** The version that the hello names. */
  public static final int PROTOCOL = 1;

  /** Bytes before the body. */
  public static final int PREFIX = 28;

  private static final int LENGTH_FIELD = 4;
  private static final int MAGIC = 0x4752;
  private static final int EMPTY = 0;
  private static final int JSON = 1;

  private final long limit;
  private final CRC32 check = new CRC32();

  /** Accepts and makes frames of at most {@code limit} bytes after the length field. */
  public FrameCodec(long limit) {
    this.limit = limit;
  }

  /** Bytes that {@code frame} takes on the wire, the length field included. */
  public static long sizeOf(Frame frame) {
    long size = PREFIX + (long) frame.body().length;
    for (byte[] attachment : frame.attachments()) {
      size += Long.BYTES + attachment.length;
    }
    return size;
  }

  /**
   * Writes {@code frame} at the position of {@code out}, which has room for {@link #sizeOf} bytes.
   *
   * @throws PythonFailure.TooLarge if it exceeds the limit; nothing is written then
   */
  public void encode(Frame frame, ByteBuffer out) {
    long length = sizeOf(frame) - LENGTH_FIELD;
    if (length > limit) {
      throw new PythonFailure.TooLarge("a " + frame.kind() + " frame", length, limit);
    }
    int start = out.position();
    out.putInt((int) length)
        .putShort((short) MAGIC)
        .put((byte) frame.kind().number())
        .put((byte) (frame.body().length == 0 ? EMPTY : JSON))
        .putShort((short) 0)
        .putShort((short) frame.attachments().size())
        .putLong(frame.id())
        .putInt(frame.body().length);
    out.putInt(checkOf(out, start)).put(frame.body());
    for (byte[] attachment : frame.attachments()) {
      out.putLong(attachment.length).put(attachment);
    }
  }

  /**
   * Reads the frame at the position of {@code in} and moves past it; where the frame is not whole
   * yet, gives null and leaves the position.
   *
   * @throws PythonFailure.ProtocolViolation if these bytes are no frame; nothing was allocated
   */
  public @Nullable Frame decode(ByteBuffer in) {
    if (in.remaining() < PREFIX) {
      return null;
    }
    int start = in.position();
    int length = neededAt(in) - LENGTH_FIELD;
    Frame.Kind kind = Frame.Kind.of(in.get(start + 6));
    int codec = in.get(start + 7);
    long bodyLength = Integer.toUnsignedLong(in.getInt(start + 20));
    if (kind == null) {
      throw violation("unknown kind " + in.get(start + 6), in, start);
    }
    if (codec != (bodyLength == 0 ? EMPTY : JSON)) {
      throw violation("codec " + codec + " for a body of " + bodyLength + " bytes", in, start);
    }
    if (bodyLength > length - (PREFIX - LENGTH_FIELD)) {
      throw violation("a body of " + bodyLength + " bytes exceeds its frame", in, start);
    }
    if (in.remaining() - LENGTH_FIELD < length) {
      return null;
    }
    int end = start + LENGTH_FIELD + length;
    var body = new byte[(int) bodyLength];
    in.get(start + PREFIX, body);
    ByteBuffer rest = in.slice(start + PREFIX + body.length, end - start - PREFIX - body.length);
    List<byte[]> attachments =
        attachments(rest, Short.toUnsignedInt(in.getShort(start + 10)), in, start);
    long id = in.getLong(start + 12);
    in.position(end);
    return new Frame(kind, id, body, attachments);
  }

  /**
   * How many bytes the frame takes whose prefix stands at the position of {@code in}.
   *
   * @throws PythonFailure.ProtocolViolation for a prefix that is damaged or over the limit
   */
  public int neededAt(ByteBuffer in) {
    int start = in.position();
    if (Short.toUnsignedInt(in.getShort(start + 4)) != MAGIC) {
      throw violation("no frame begins here", in, start);
    }
    if (in.getInt(start + 24) != checkOf(in, start)) {
      throw violation("the prefix is damaged", in, start);
    }
    if (in.getShort(start + 8) != 0) {
      throw violation("unknown flags", in, start);
    }
    long length = Integer.toUnsignedLong(in.getInt(start));
    if (length > limit) {
      throw violation("a frame of " + length + " bytes exceeds the limit of " + limit, in, start);
    }
    if (length < PREFIX - LENGTH_FIELD) {
      throw violation("a frame of " + length + " bytes has no room for its prefix", in, start);
    }
    return (int) length + LENGTH_FIELD;
  }

  private List<byte[]> attachments(ByteBuffer rest, int count, ByteBuffer in, int start) {
    if (count == 0) {
      if (rest.hasRemaining()) {
        throw violation(rest.remaining() + " bytes follow the body", in, start);
      }
      return List.of();
    }
    var attachments = new ArrayList<byte[]>();
    try {
      for (int i = 0; i < count; i++) {
        long size = rest.getLong();
        if (size < 0 || size > rest.remaining()) {
          throw violation("attachment " + i + " exceeds its frame", in, start);
        }
        var attachment = new byte[(int) size];
        rest.get(attachment);
        attachments.add(attachment);
      }
    } catch (BufferUnderflowException tooShort) {
      throw violation("an attachment is missing", in, start);
    }
    if (rest.hasRemaining()) {
      throw violation(rest.remaining() + " bytes follow the attachments", in, start);
    }
    return attachments;
  }

  private int checkOf(ByteBuffer buffer, int start) {
    check.reset();
    check.update(buffer.duplicate().position(start).limit(start + 24));
    return (int) check.getValue();
  }

  private static PythonFailure violation(String problem, ByteBuffer in, int start) {
    var first = new byte[Math.min(32, in.limit() - start)];
    in.get(start, first);
    return new PythonFailure.ProtocolViolation(
        problem + "; it starts with " + HexFormat.of().formatHex(first));
  }
}
