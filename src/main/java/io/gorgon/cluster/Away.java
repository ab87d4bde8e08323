package io.gorgon.cluster;

import io.gorgon.wire.Frame;

/** This is a call at the node that runs it, as the node of its caller sees it. Thread-safe. */
interface Away {

  /** Has something said to Python; the frame's id is filled in there. */
  void say(Frame frame);

  /** Nobody waits for its answer any more. */
  void giveUp();

  /** Whether Python may have started it, as far as is known here. */
  boolean mayHaveStarted();
}
