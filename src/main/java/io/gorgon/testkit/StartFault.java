package io.gorgon.testkit;

import java.time.Duration;

/** What goes wrong with the next worker that starts. */
public sealed interface StartFault {

  /** As the kit's Python worker reads it. */
  String asPython();

  /** It takes so much longer. */
  record Slow(Duration by) implements StartFault {
    @Override
    public String asPython() {
      return "slow-start=" + by.toMillis();
    }
  }

  /** It exits with {@code code} before it is ready. */
  record Failing(int code) implements StartFault {
    @Override
    public String asPython() {
      return "boot-exit=" + code;
    }
  }

  /** It never becomes ready. */
  record Hanging() implements StartFault {
    @Override
    public String asPython() {
      return "boot-hang";
    }
  }

  /**
   * It is killed by SIGKILL.
   *
   * @param at a point of its start
   */
  record Killed(Point at) implements StartFault {

    /**
     * Checks.
     *
     * @throws IllegalArgumentException for a point that comes with a call
     */
    public Killed {
      if (!at.isOfStart()) {
        throw new IllegalArgumentException(
            "a worker that starts has no call: say workerOf(name).isKilledAt(" + at + ")");
      }
    }

    @Override
    public String asPython() {
      return at == Point.BOOT ? "boot-kill" : "after-hello-kill";
    }
  }
}
