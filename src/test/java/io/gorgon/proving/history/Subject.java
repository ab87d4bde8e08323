package io.gorgon.proving.history;

import io.gorgon.message.WorkerId;

/**
 * What a fact is about, and whose history a violation is printed with.
 *
 * @param kind nodes join this list when they are built
 * @param name unique within its kind
 */
public record Subject(Kind kind, String name) {

  /** Kinds of subjects. */
  public enum Kind {
    CALL,
    WORKER,
    SESSION
  }

  /** A call, by the id that its caller gave it. */
  public static Subject call(String id) {
    return new Subject(Kind.CALL, id);
  }

  /** One incarnation of a worker. */
  public static Subject worker(WorkerId id) {
    return new Subject(Kind.WORKER, id.toString());
  }

  /** A session, by its key. */
  public static Subject session(String key) {
    return new Subject(Kind.SESSION, key);
  }

  /** Prints as {@code call 17}, {@code worker test1/0.3}. */
  @Override
  public String toString() {
    return kind.name().toLowerCase(java.util.Locale.ROOT) + " " + name;
  }
}
