package io.gorgon.testkit;

import java.util.Locale;

/** What goes wrong with a worker while it has a certain call. */
public sealed interface Fault {

  /** As the kit's Python worker reads it. */
  String asPython();

  /**
   * It is killed by SIGKILL.
   *
   * @param at a point that it passes with a call
   */
  record Killed(Point at) implements Fault {

    /**
     * Checks.
     *
     * @throws IllegalArgumentException for a point of the start
     */
    public Killed {
      if (at.isOfStart()) {
        throw new IllegalArgumentException(
            "a worker that has a call is past " + at + ": say nextWorker().isKilledAt(" + at + ")");
      }
    }

    @Override
    public String asPython() {
      return "kill-" + at.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /** What a worker does instead of running the function. */
  enum Hang implements Fault {
    /** It waits in Python code; a cancel ends the call. */
    IN_PYTHON("hang-python"),
    /** It is in C code that holds the interpreter lock; only a kill ends it. */
    IN_C("hang-c"),
    /** It is stopped by SIGSTOP; only SIGKILL ends it. */
    STOPPED("stop"),
    /** It waits, and ignores interrupts and SIGTERM; only SIGKILL ends it. */
    STUBBORN("stubborn-hang");

    private final String python;

    Hang(String python) {
      this.python = python;
    }

    @Override
    public String asPython() {
      return python;
    }
  }

  /** What is sent instead of the answer. */
  enum BadAnswer implements Fault {
    /** Bytes that are no frame. */
    GARBAGE("garbage-reply"),
    /** A frame that claims to be of 4 GiB. */
    OVERSIZE("oversize-reply"),
    /** Half of the answer, and then nothing more. */
    HALF("partial-then-silence"),
    /** The answer of a request that never was, and none of this one. */
    WRONG("wrong-id"),
    /** The answer, and once more. */
    TWICE("double-reply"),
    /** Nothing, though the function has returned. */
    NONE("reply-withheld");

    private final String python;

    BadAnswer(String python) {
      this.python = python;
    }

    @Override
    public String asPython() {
      return python;
    }
  }

  /**
   * It writes lines to stderr before it runs the function. Scripted workers have no output.
   *
   * @param megabytes how much, in millions of bytes
   */
  record Flood(int megabytes) implements Fault {
    @Override
    public String asPython() {
      return "flood=" + megabytes;
    }
  }

  /**
   * It takes memory before it runs the function, and keeps it.
   *
   * @param mebibytes how much, in 2^20 bytes
   */
  record Growth(int mebibytes) implements Fault {
    @Override
    public String asPython() {
      return "grow=" + mebibytes;
    }
  }
}
