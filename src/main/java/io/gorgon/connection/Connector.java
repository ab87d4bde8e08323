package io.gorgon.connection;

import io.gorgon.message.WorkerId;
import java.util.Map;
import java.util.concurrent.CompletionStage;

/**
 * This makes connections to new worker processes. It is the one seam between the actors and the
 * operating system: tests put a scripted one here. Thread-safe; nothing blocks.
 */
public interface Connector {

  /**
   * Starts a worker process and connects to it.
   *
   * @param listener told everything, from the connection's own thread
   * @return the connection at once; what becomes of it is told to the listener
   */
  Connection open(WorkerId id, Connection.Listener listener);

  /**
   * Has processes that are opened from now on see user code as it is on the disk now. Only needed
   * where something is kept for more than one process.
   */
  default void renew() {}

  /** What is shared with the workers now. */
  default SharedFigures shared() {
    return SharedFigures.NONE;
  }

  /** Gives back what nobody has needed for a while; to be called every second or so. */
  default void tend() {}

  /** Resident memory, in bytes, of each worker's process group; empty where that is not known. */
  CompletionStage<Map<WorkerId, Long>> memory();

  /**
   * Asks a process, ready or not, for the Python stacks of its threads. Who asks while one is under
   * way gets that one.
   *
   * @return completes within some two seconds, with {@link io.gorgon.message.PythonFailure.NoDump}
   *     itself where there is nothing to be had
   */
  CompletionStage<String> dump(WorkerId worker);

  /** Ends every process. Completes when none is left. */
  CompletionStage<Void> close();
}
