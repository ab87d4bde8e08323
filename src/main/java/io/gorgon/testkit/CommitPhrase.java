package io.gorgon.testkit;

import io.gorgon.testkit.CommitFault.Late;
import io.gorgon.testkit.CommitFault.Wrong;
import java.time.Duration;

/** What becomes of a session's next commit; once. It is known before the calls are sent. */
public final class CommitPhrase {

  private final String session;

  CommitPhrase(String session) {
    this.session = session;
  }

  private Step suffers(CommitFault fault) {
    return new StoreStep.SpoilCommit(session, fault);
  }

  /** The store is away just then, and says so: {@code StoreUnavailable}, and nothing is kept. */
  public Step isRefused() {
    return suffers(Wrong.REFUSED);
  }

  /** The connection ends before the store answers ({@code CommitUnknown}), and it was kept. */
  public Step isKeptButUnknown() {
    return suffers(Wrong.KEPT_UNTOLD);
  }

  /** The connection ends before the store answers ({@code CommitUnknown}), and it was not kept. */
  public Step isLostButUnknown() {
    return suffers(Wrong.LOST_UNTOLD);
  }

  /** Somebody else keeps a next version just before: {@code SessionConflict}. */
  public Step losesTheRace() {
    return suffers(Wrong.RACE_LOST);
  }

  /** It takes so long; {@code CommitUnknown} if the call's deadline comes first. */
  public Step takes(Duration time) {
    return suffers(new Late(time));
  }
}
