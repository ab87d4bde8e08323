package io.gorgon.worker;

import io.gorgon.connection.Connection;
import io.gorgon.message.PythonFailure.StartFailed;
import io.gorgon.message.WorkerId;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a worker knows of the process that it has now. Touched by the actor alone, but for two
 * fields.
 */
final class Incarnation {
  final WorkerId id;
  final Set<Long> cancelling = new HashSet<>();
  @Nullable Connection connection;
  volatile @Nullable Runner runner;
  volatile boolean everReady;
  Worker.@Nullable Stop stop;
  Worker.@Nullable Fault fault;
  @Nullable String cause;
  @Nullable StartFailed failure;
  boolean dirty;
  boolean gone;
  long ping;
  int strays;

  Incarnation(WorkerId id) {
    this.id = id;
  }

  Connection connection() {
    return Objects.requireNonNull(connection);
  }

  Runner runner() {
    return Objects.requireNonNull(runner);
  }

  /** The last order counts, but a kill is not taken back. */
  void order(Worker.Stop order) {
    stop = order;
  }

  Worker.Fault faultOf() {
    if (fault != null) {
      return fault;
    }
    if (stop != null) {
      return Worker.Fault.POOL;
    }
    return !everReady ? Worker.Fault.START : dirty ? Worker.Fault.CALLER : Worker.Fault.WORKER;
  }

  String causeOf(Connection.Closed closed) {
    if (cause != null) {
      return cause;
    }
    if (stop != null) {
      return stop.cause();
    }
    if (closed.cause() != null) {
      return closed.cause().name();
    }
    return everReady ? "it died" : "it never became ready";
  }

  @Nullable StartFailed startFailure(Connection.Closed closed) {
    if (everReady || stop != null) {
      return null;
    }
    if (failure != null) {
      return new StartFailed(
          failure.kind(), "worker " + id + " was too slow", String.join("\n", closed.tail()));
    }
    if (closed.cause() instanceof StartFailed typed) {
      return typed;
    }
    return new StartFailed(
        StartFailed.Kind.EXITED,
        "worker "
            + id
            + " ended before it was ready ("
            + closed.exit()
            + ")"
            + (closed.cause() == null ? "" : ": " + closed.cause().getMessage()),
        String.join("\n", closed.tail()));
  }
}
