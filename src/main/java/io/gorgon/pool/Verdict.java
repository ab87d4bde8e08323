package io.gorgon.pool;

/** What a holder says of the worker that it gives back. */
public enum Verdict {
  /** Fit for anybody. */
  CLEAN,
  /** To be checked before anybody gets it. */
  SUSPECT,
  /** Not to be used again: end it and start another. */
  BROKEN
}
