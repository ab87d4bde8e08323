package io.gorgon.wire;

/**
 * This is where the bytes of an attachment are, if they are not in the frame: in memory that both
 * sides share.
 *
 * @param segment the number of the segment
 * @param offset bytes from the segment's start
 */
public record Place(int segment, long offset) {

  /** They are in the frame. */
  public static final Place INLINE = new Place(0, -1);

  /** Bytes on the wire, beside the size. */
  static final int SIZE = Integer.BYTES + Long.BYTES;

  /** Whether they are somewhere else. */
  public boolean isShared() {
    return offset >= 0;
  }
}
