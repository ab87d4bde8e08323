package io.gorgon.wire;

import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
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
 *  7  u8  codec        0 empty, 1 JSON, 2 JSON with tagged values
 *  8  u16 flags        0
 * 10  u16 attachments
 * 12  u64 id
 * 20  u32 body length
 * 24  u32 check        CRC-32 of bytes 0 to 23
 * 28  body, then each attachment as u64 size + bytes          (all big endian)
 * </pre>
 *
 * An attachment whose size has the top bit set is in memory that both sides share: instead of the
 * bytes follow u32 segment and u64 offset.
 *
 * <p>Not thread-safe: one codec per connection and direction.
 */
public final class FrameCodec {

  /** The version that the hello names. */
  public static final int PROTOCOL = 1;

  /** Bytes before the body. */
  public static final int PREFIX = 28;

  /** Bytes before those of an attachment, at most. */
  public static final int SIZE_FIELDS = Long.BYTES + Place.SIZE;

  private static final int LENGTH_FIELD = 4;
  private static final int MAGIC = 0x4752;
  private static final int EMPTY = 0;
  private static final int JSON = 1;
  private static final int TAGGED = 2;

  /** Set in the size of an attachment that is not in the frame. */
  private static final long SHARED = Long.MIN_VALUE;

  /** The memory that frames may refer to. */
  @FunctionalInterface
  public interface Memory {

    /** A view of what is there, for the reader only; null if nothing of that size is. */
    @Nullable ByteBuffer view(Place place, long size);
  }

  private final long limit;
  private final Memory memory;
  private final CRC32 check = new CRC32();

  /** Accepts and makes frames of at most {@code limit} bytes after the length field. */
  public FrameCodec(long limit) {
    this(limit, (place, size) -> null);
  }

  /** The same, with memory that frames which are read may refer to. */
  public FrameCodec(long limit, Memory memory) {
    this.limit = limit;
    this.memory = memory;
  }

  /** Bytes that {@code frame} takes on the wire, the length field included. */
  public static long sizeOf(Frame frame) {
    long size = PREFIX + frame.payload().size();
    for (int i = 0; i < frame.places().size(); i++) {
      if (frame.places().get(i).isShared()) {
        size += Place.SIZE - frame.payload().attachments().get(i).remaining();
      }
    }
    return size;
  }

  /**
   * Gives {@code payload} back if a frame can carry it.
   *
   * @param what it is, for the failure's message
   * @throws PythonFailure.TooLarge if its frame would exceed the limit
   */
  public static Payload fitting(String what, Payload payload, long limit) {
    long most = limit - (PREFIX - LENGTH_FIELD);
    if (payload.size() > most) {
      throw new PythonFailure.TooLarge(what, payload.size(), most);
    }
    return payload;
  }

  /**
   * Writes {@code frame} at the position of {@code out}, which has room for {@link #sizeOf} bytes.
   *
   * @throws PythonFailure.TooLarge if it exceeds the limit; nothing is written then
   */
  public void encode(Frame frame, ByteBuffer out) {
    encodePrefix(frame, out);
    out.put(frame.body());
    List<ByteBuffer> attachments = frame.payload().attachments();
    for (int i = 0; i < attachments.size(); i++) {
      if (encodeSize(frame, i, out)) {
        out.put(attachments.get(i).duplicate());
      }
    }
  }

  /**
   * Writes what goes before an attachment's bytes, at most {@value #SIZE_FIELDS} bytes.
   *
   * @return whether its bytes follow
   */
  public boolean encodeSize(Frame frame, int attachment, ByteBuffer out) {
    long size = frame.payload().attachments().get(attachment).remaining();
    Place place = frame.place(attachment);
    if (!place.isShared()) {
      out.putLong(size);
      return true;
    }
    out.putLong(size | SHARED).putInt(place.segment()).putLong(place.offset());
    return false;
  }

  /**
   * Writes the first {@link #PREFIX} bytes of {@code frame}; its body and attachments follow.
   *
   * @throws PythonFailure.TooLarge if it exceeds the limit; nothing is written then
   */
  public void encodePrefix(Frame frame, ByteBuffer out) {
    long length = sizeOf(frame) - LENGTH_FIELD;
    if (length > limit) {
      throw new PythonFailure.TooLarge("a " + frame.kind() + " frame", length, limit);
    }
    int start = out.position();
    Payload payload = frame.payload();
    int size = payload.body().length;
    out.putInt((int) length)
        .putShort((short) MAGIC)
        .put((byte) frame.kind().number())
        .put((byte) (size == 0 ? EMPTY : payload.tagged() ? TAGGED : JSON))
        .putShort((short) 0)
        .putShort((short) payload.attachments().size())
        .putLong(frame.id())
        .putInt(size);
    out.putInt(checkOf(out, start));
  }

  /**
   * Reads the frame at the position of {@code in} and moves past it; where the frame is not whole
   * yet, gives null and leaves the position. Attachments are copied out of a direct buffer, and are
   * views of any other.
   *
   * @throws PythonFailure.ProtocolViolation if these bytes are no frame; nothing was allocated
   */
  public @Nullable Frame decode(ByteBuffer in) {
    if (in.remaining() < PREFIX) {
      return null;
    }
    int start = in.position();
    int needed = neededAt(in);
    if (in.remaining() < needed) {
      return null;
    }
    var body = new byte[in.getInt(start + 20)];
    in.get(start + PREFIX, body);
    int bodyEnd = start + PREFIX + body.length;
    int count = Short.toUnsignedInt(in.getShort(start + 10));
    List<Place> places = List.of();
    List<ByteBuffer> attachments = List.of();
    if (count > 0) {
      places = new ArrayList<>(0);
      attachments =
          attachments(in.slice(bodyEnd, start + needed - bodyEnd), count, places, in, start);
    }
    in.position(start + needed);
    return new Frame(
        Objects.requireNonNull(Frame.Kind.of(in.get(start + 6))),
        in.getLong(start + 12),
        new Payload(body, in.get(start + 7) == TAGGED, attachments),
        places);
  }

  /**
   * How many bytes the frame takes whose prefix stands at the position of {@code in}.
   *
   * @throws PythonFailure.ProtocolViolation for a prefix that is damaged, over the limit, or in
   *     which one size does not fit the other
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
    checkSizes(in, start, length - (PREFIX - LENGTH_FIELD));
    return (int) length + LENGTH_FIELD;
  }

  private static void checkSizes(ByteBuffer in, int start, long afterPrefix) {
    if (Frame.Kind.of(in.get(start + 6)) == null) {
      throw violation("unknown kind " + in.get(start + 6), in, start);
    }
    int codec = in.get(start + 7);
    long bodyLength = Integer.toUnsignedLong(in.getInt(start + 20));
    if (codec < EMPTY || codec > TAGGED || (codec == EMPTY) != (bodyLength == 0)) {
      throw violation("codec " + codec + " for a body of " + bodyLength + " bytes", in, start);
    }
    long afterBody = afterPrefix - bodyLength;
    if (afterBody < 0) {
      throw violation("a body of " + bodyLength + " bytes exceeds its frame", in, start);
    }
    long count = Short.toUnsignedInt(in.getShort(start + 10));
    if (count == 0 ? afterBody > 0 : afterBody < count * Long.BYTES) {
      throw violation(
          count + " attachments do not fit the " + afterBody + " bytes after the body", in, start);
    }
  }

  /**
   * The attachments: each is a view of the memory that the frame was read into, if that belongs to
   * this frame alone, else of a copy; or of what is shared, and then {@code places} has its place.
   */
  private List<ByteBuffer> attachments(
      ByteBuffer part, int count, List<Place> places, ByteBuffer in, int start) {
    ByteBuffer rest = part;
    if (part.isDirect()) {
      rest = ByteBuffer.allocate(part.remaining()).put(part).flip();
    }
    var attachments = new ArrayList<ByteBuffer>(count);
    for (int i = 0; i < count; i++) {
      if (rest.remaining() < Long.BYTES) {
        throw violation("an attachment is missing", in, start);
      }
      long size = rest.getLong();
      if (size < 0) {
        while (places.size() < i) {
          places.add(Place.INLINE);
        }
        attachments.add(shared(size & ~SHARED, rest, places, in, start));
        continue;
      }
      if (!places.isEmpty()) {
        places.add(Place.INLINE);
      }
      if (size > rest.remaining()) {
        throw violation("attachment " + i + " exceeds its frame", in, start);
      }
      attachments.add(rest.slice(rest.position(), (int) size).asReadOnlyBuffer());
      rest.position(rest.position() + (int) size);
    }
    if (rest.hasRemaining()) {
      throw violation(rest.remaining() + " bytes follow the attachments", in, start);
    }
    return attachments;
  }

  private ByteBuffer shared(
      long size, ByteBuffer rest, List<Place> places, ByteBuffer in, int start) {
    if (rest.remaining() < Place.SIZE) {
      throw violation("an attachment in shared memory has no place", in, start);
    }
    var place = new Place(rest.getInt(), rest.getLong());
    ByteBuffer view = place.isShared() ? memory.view(place, size) : null;
    if (view == null) {
      throw violation("an attachment is not where it should be in shared memory", in, start);
    }
    places.add(place);
    return view;
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
