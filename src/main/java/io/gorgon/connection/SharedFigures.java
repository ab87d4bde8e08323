package io.gorgon.connection;

/**
 * This is what a pool has of shared memory at one moment.
 *
 * @param segments pieces that count: free, in use or lent
 * @param bytes of those
 * @param free pieces that wait for their next use
 * @param made pieces made so far
 * @param retired pieces so far that are not used again, because something may refer to them
 * @param inline how often so far there was no piece for a payload, which went through the socket
 *     then; the first of each size does, and the first after a rest
 */
public record SharedFigures(
    int segments, long bytes, int free, long made, long retired, long inline) {

  /** Nothing is shared. */
  public static final SharedFigures NONE = new SharedFigures(0, 0, 0, 0, 0, 0);

  /** What two pools have together. */
  public SharedFigures plus(SharedFigures other) {
    return new SharedFigures(
        segments + other.segments,
        bytes + other.bytes,
        free + other.free,
        made + other.made,
        retired + other.retired,
        inline + other.inline);
  }
}
