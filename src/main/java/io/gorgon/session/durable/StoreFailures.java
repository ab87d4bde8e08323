package io.gorgon.session.durable;

import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import org.apache.pekko.persistence.state.exception.DeleteRevisionException;

/**
 * This tells from a failure of the database what it left behind. Each operation writes with one
 * statement, which commits by itself: what the database refused before or in it was not done. What
 * a broken connection had already done nobody knows.
 */
final class StoreFailures {

  /** Nothing was changed, surely; says why in one sentence. */
  static final class NothingChanged extends RuntimeException {
    NothingChanged(String why) {
      super(why);
    }
  }

  /**
   * Classes of SQLSTATE (ISO 9075, PostgreSQL's appendix A) by which a statement is refused as a
   * whole: 25 read-only, 28 who are you, 3D and 3F no such database or schema, 42 no such table, no
   * right to it, 53 no room for it; 40 rolled back, but for the one that says it does not know.
   */
  private static final Set<String> REFUSED = Set.of("25", "28", "3D", "3F", "40", "42", "53");

  private static final String UNKNOWN = "40003";

  /**
   * No such table: of PostgreSQL, and of H2 (with and without a guess, and in an empty database).
   */
  private static final Set<String> NO_TABLE = Set.of("42P01", "42S02", "42S03", "42S04");

  private static final String DUPLICATE = "23505";

  private StoreFailures() {}

  static Throwable unwrapped(Throwable failure) {
    Throwable cause = failure;
    while ((cause instanceof CompletionException || cause instanceof ExecutionException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  /** Whether another version is there than the one that was to be replaced. */
  static boolean isConflict(Throwable cause) {
    if (cause instanceof SQLException sql) {
      return DUPLICATE.equals(sql.getSQLState()); // an insert that meets a row
    }
    // The plugin's words for an update that meets none.
    return cause instanceof IllegalStateException
        && String.valueOf(cause.getMessage()).startsWith("Incorrect revision number");
  }

  /** Whether a deletion found no row of that version. */
  static boolean isGone(Throwable cause) {
    return cause instanceof DeleteRevisionException;
  }

  /** The failure that says so, if nothing was changed; else the failure as it is. */
  static Throwable named(Throwable cause) {
    if (cause instanceof SQLTransientConnectionException) {
      // Of the pool of connections, which had none to give.
      String reason = cause.getCause() == null ? "" : ": " + cause.getCause().getMessage();
      return new NothingChanged("there is no connection to the database" + reason);
    }
    if (cause instanceof RejectedExecutionException) {
      return new NothingChanged("the database's queue is full");
    }
    if (cause instanceof SQLException sql && isRefusal(sql)) {
      return new NothingChanged(
          sql.getMessage()
              + (NO_TABLE.contains(sql.getSQLState())
                  ? " (set gorgon.session-store.create-schema = on, or run the script of"
                      + " pekko-persistence-jdbc)"
                  : ""));
    }
    return cause;
  }

  private static boolean isRefusal(SQLException sql) {
    String state = sql.getSQLState();
    return state != null
        && state.length() == 5
        && !state.equals(UNKNOWN)
        && REFUSED.contains(state.substring(0, 2));
  }
}
