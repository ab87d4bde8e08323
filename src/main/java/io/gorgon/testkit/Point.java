package io.gorgon.testkit;

/** Points of the protocol at which a worker can be killed, in the order in which it passes them. */
public enum Point {
  /** Its process has started, and has not connected. */
  BOOT,
  /** It has connected and presented itself, and is not ready. */
  AFTER_HELLO,
  /** It has read the call, and Python has not started it. */
  BEFORE_START,
  /** Python is about to run the function. */
  RUNNING,
  /** The function has returned, and nothing of the answer has been sent, nor of what it changed. */
  BEFORE_ANSWER,
  /** What it has changed in its session has been sent, if anything, and not the answer. */
  AFTER_PATCH,
  /** The answer has been sent. */
  AFTER_ANSWER;

  /** Whether a worker passes it once, when it starts; else it does with each call. */
  public boolean isOfStart() {
    return this == BOOT || this == AFTER_HELLO;
  }
}
