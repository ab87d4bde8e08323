package io.gorgon.connection;

import io.gorgon.message.Exit;
import io.gorgon.message.PythonFailure;
import io.gorgon.wire.Frame;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * This is a channel of frames to one worker process, and the handle to that process. Thread-safe;
 * nothing blocks.
 */
public interface Connection {

  /**
   * Sends frames, in one write where they are small. What the worker has not read yet is counted,
   * and what might not fit the system's buffer is written by another thread, so this never waits
   * for Python. A failed write is not told here: the end of the connection is.
   *
   * @return the position behind these frames, for {@link #noteRead}
   */
  long send(List<Frame> frames);

  /** Learns from something that the worker said that it has read everything up to a position. */
  void noteRead(long position);

  /** Whether the socket is open and the process has not been reported dead. */
  boolean isOpen();

  /** Whether the process has not been reported dead. */
  boolean isAlive();

  /** The id of the request that Python started last, 0 before the first. Valid after death too. */
  long lastStarted();

  /** Marks the request as cancelled, for Python to see when it looks, or before it starts it. */
  void markCancelled(long id);

  /** Keeps Python from starting any request up to that one which it has not started yet. */
  void markWithdrawn(long id);

  /** Raises in the running call if that call is marked as cancelled. */
  void interrupt();

  /** Asks the process group to end. */
  void terminate();

  /** Ends the process group and all its descendants. */
  void kill();

  /** Who is told what happens; called from one thread, in order, and not after {@code onClosed}. */
  interface Listener {

    /** The worker takes requests from now on. */
    void onReady(Ready ready);

    /** A frame came; before {@code onReady} only what user code logs while it is imported. */
    void onFrame(Frame frame);

    /**
     * All that had come has been taken.
     *
     * @return for how many nanoseconds the next frames may gather, to be taken together
     */
    long onPause();

    /** The process is gone and everything that it had sent has been handed over. Once, and last. */
    void onClosed(Closed closed);
  }

  /**
   * A worker's first words.
   *
   * @param pid its process id
   * @param python its version
   */
  record Ready(long pid, String python) {}

  /**
   * How a connection ended.
   *
   * @param exit how the process ended
   * @param cause what the connection itself found wrong, or null
   * @param tail the last lines that the process wrote, oldest first
   */
  record Closed(Exit exit, @Nullable PythonFailure cause, List<String> tail) {}
}
