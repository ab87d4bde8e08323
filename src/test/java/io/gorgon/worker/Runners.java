package io.gorgon.worker;

import io.gorgon.connection.Connection;
import io.gorgon.message.WorkerId;
import io.gorgon.wire.Frame;
import java.util.List;

/** Makes runners on a connection of the test's, for tests outside this package. */
public final class Runners {

  private Runners() {}

  /** A runner that nobody supervises and that takes its calls from nowhere. */
  public static Runner on(Connection connection) {
    return on(connection, 1);
  }

  /** The same, which runs several calls at once. */
  static Runner on(Connection connection, int concurrency) {
    return on(connection, concurrency, 0);
  }

  /** The same, which may take so many calls in its life, 0 for any number. */
  public static Runner on(Connection connection, int concurrency, int calls) {
    return on(connection, concurrency, calls, NOWHERE);
  }

  /**
   * The same, which takes its calls from {@code source}.
   *
   * @param calls that it may take in its life, 0 for any number
   */
  public static Runner on(Connection connection, int concurrency, int calls, CallSource source) {
    return new Runner(
        new WorkerId("test", 0, 1),
        connection,
        concurrency,
        source,
        NOBODY,
        new Retirement(calls),
        new Tally(),
        System::nanoTime);
  }

  private static final CallSource NOWHERE =
      new CallSource() {
        @Override
        public List<PendingCall> next(Runner idle) {
          return List.of();
        }

        @Override
        public List<PendingCall> more(Runner busy, int left) {
          return List.of();
        }

        @Override
        public void giveBack(List<PendingCall> calls) {
          throw new AssertionError("given back: " + calls);
        }

        @Override
        public void measured(PendingCall call, long nanos) {
          // Nobody wants to know.
        }
      };

  private static final Runner.Supervisor NOBODY =
      new Runner.Supervisor() {
        @Override
        public void onAbandoned(long request, boolean dirty) {
          // Nobody supervises.
        }

        @Override
        public void onDirtyEnd() {
          // Nobody supervises.
        }

        @Override
        public void onStrayAnswer(Frame frame) {
          throw new AssertionError("stray " + frame);
        }

        @Override
        public void onPong(long ping) {
          // Nobody supervises.
        }

        @Override
        public void onLeaseIdle(Object lease) {
          // Nobody supervises.
        }

        @Override
        public void onRetireDue(Retirement.Reason reason) {
          // Nobody supervises.
        }
      };
}
