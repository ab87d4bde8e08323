package io.gorgon.testkit;

/** Something that must be so in a {@link Scenario}; {@link Phrases} has the words for them. */
public interface Check {

  /**
   * Looks, after waiting in the kit's time if that is needed.
   *
   * @throws AssertionError if it is not so
   */
  void hold(Play play);
}
