package io.gorgon.testkit;

import java.time.Duration;

/** What the next worker suffers that starts; once. */
public final class NextWorkerPhrase {

  NextWorkerPhrase() {}

  /** It takes so much longer. */
  public Step startsSlowly(Duration by) {
    return new Step.SpoilStart(new StartFault.Slow(by));
  }

  /** It exits with that code before it is ready. */
  public Step failsToStart(int code) {
    return new Step.SpoilStart(new StartFault.Failing(code));
  }

  /** It never becomes ready. */
  public Step hangsAtStart() {
    return new Step.SpoilStart(new StartFault.Hanging());
  }

  /** It is killed at a point of its start. */
  public Step isKilledAt(Point point) {
    return new Step.SpoilStart(new StartFault.Killed(point));
  }
}
