package io.gorgon.testkit;

/** The number that decides what is left to chance, so that a run can be repeated. */
final class Seed {

  /** {@code -Dgorgon.testkit.seed=NUMBER} has all kits of a run go by another one. */
  static final String PROPERTY = "gorgon.testkit.seed";

  private static final long USUAL = 1;

  private Seed() {}

  /** The same in every run, unless the property says otherwise. */
  static long ofThisRun() {
    return Long.getLong(PROPERTY, USUAL);
  }
}
