package io.gorgon.testkit;

import java.util.List;
import java.util.stream.Collectors;

/**
 * Something that is still there when a kit has closed, and should not be.
 *
 * @param kind what it is
 * @param what which one, and what to do about it
 */
record Leak(Kind kind, String what) {

  /** What can be left over. */
  enum Kind {
    LEASE("lease"),
    MEMORY("shared memory"),
    PROCESS("process"),
    ACTOR("actor"),
    THREAD("thread"),
    ANSWER("answer"),
    SCENARIO("scenario");

    private final String word;

    Kind(String word) {
      this.word = word;
    }
  }

  /**
   * Says what is there, if there is something.
   *
   * @throws AssertionError if there is
   */
  static void refuse(String where, List<Leak> leaks) {
    if (!leaks.isEmpty()) {
      throw new AssertionError(
          where
              + " left something over:"
              + leaks.stream()
                  .map(leak -> "\n  leaked " + leak.kind.word + ": " + leak.what)
                  .collect(Collectors.joining()));
    }
  }
}
