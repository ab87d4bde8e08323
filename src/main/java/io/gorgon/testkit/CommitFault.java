package io.gorgon.testkit;

import java.time.Duration;

/** What becomes of a session's commit, instead of being kept and told at once. */
public sealed interface CommitFault {

  /** A commit that goes wrong. */
  enum Wrong implements CommitFault {
    /** The store says that it is away, and keeps nothing: {@code StoreUnavailable}. */
    REFUSED,
    /** It is kept, and the connection ends before the store says so: {@code CommitUnknown}. */
    KEPT_UNTOLD,
    /** It is not kept, and the connection ends before the store says so: {@code CommitUnknown}. */
    LOST_UNTOLD,
    /** Somebody else keeps a next version just before: {@code SessionConflict}. */
    RACE_LOST
  }

  /**
   * It is done, and told, so much later. If that is behind the call's deadline: {@code
   * CommitUnknown}.
   */
  record Late(Duration by) implements CommitFault {}
}
