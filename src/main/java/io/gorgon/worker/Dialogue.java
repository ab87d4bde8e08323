package io.gorgon.worker;

import io.gorgon.wire.Frame;

/**
 * This is the caller's part in what a call says between its request and its answer. All methods are
 * called on the worker's I/O thread, one after another, and must not block.
 */
public interface Dialogue {

  /** Nobody listens: progress is let go, and what asks for an answer breaks the protocol. */
  Dialogue NONE = new Dialogue() {};

  /** Whether the worker may wait for credit, so that a cancel has to wake it. */
  default boolean isStream() {
    return false;
  }

  /** The next element of a stream. */
  default void onChunk(PendingCall call, Frame chunk) {
    throw outOfPlace(chunk);
  }

  /** Python calls a Java function. */
  default void onHostCall(PendingCall call, Frame hostCall) {
    throw outOfPlace(hostCall);
  }

  /** Python takes more elements of a Java source. */
  default void onPull(PendingCall call, Frame pull) {
    throw outOfPlace(pull);
  }

  /** How far it has come. */
  default void onProgress(PendingCall call, Frame progress) {}

  private static RuntimeException outOfPlace(Frame frame) {
    return new io.gorgon.message.PythonFailure.ProtocolViolation(
        "it sent " + frame.kind() + " for a call that takes none");
  }
}
