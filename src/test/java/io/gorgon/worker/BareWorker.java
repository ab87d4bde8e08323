package io.gorgon.worker;

import io.gorgon.connection.Connection;
import io.gorgon.message.Exit;
import io.gorgon.message.WorkerId;
import io.gorgon.proving.QuietConnection;
import io.gorgon.wire.Frame;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * A runner without an actor, on a connection to nobody: it starts whatever it is sent, and answers
 * when it is told to. For tests of one thread outside this package.
 */
public final class BareWorker {

  private static final byte[] VALUE = "1".getBytes(StandardCharsets.UTF_8);

  private final QuietConnection connection = new QuietConnection();
  private final Runner runner;
  private int answered;

  /**
   * A worker that is ready.
   *
   * @param leaseIdle told a lease whose last call has ended
   */
  public BareWorker(
      WorkerId id, CallSource source, LongSupplier clock, Consumer<Object> leaseIdle) {
    this.runner =
        new Runner(
            id, connection, 1, source, new Told(leaseIdle), new Retirement(0), new Tally(), clock);
  }

  public Runner runner() {
    return runner;
  }

  /** Answers the oldest request that has no answer. */
  public void answer() {
    List<Frame> requests = connection.sent();
    long request = requests.get(answered++).id();
    connection.started(request);
    runner.onFrame(Frame.of(Frame.Kind.RESULT, request, VALUE));
    runner.onPause();
  }

  /** Whether it has been sent that call and has not answered it. */
  public boolean has(PendingCall call) {
    List<Frame> requests = connection.sent();
    return requests.subList(answered, requests.size()).stream()
        .anyMatch(frame -> frame.payload() == call.body());
  }

  /** Its process is dead; nobody has been told. */
  public void shut() {
    if (!connection.isOpen()) {
      return;
    }
    List<Frame> requests = connection.sent();
    if (!requests.isEmpty()) {
      connection.started(requests.get(requests.size() - 1).id());
    }
    connection.shut();
  }

  /** Its end has been seen: its calls are answered. */
  public void close() {
    runner.close(new Connection.Closed(Exit.signal(9), null, List.of()), "it died", true);
  }

  private record Told(Consumer<Object> leaseIdle) implements Runner.Supervisor {
    @Override
    public void onAbandoned(long request, boolean dirty) {
      // The pool ends it.
    }

    @Override
    public void onDirtyEnd() {
      // The pool ends it.
    }

    @Override
    public void onStrayAnswer(Frame frame) {
      throw new AssertionError("stray " + frame);
    }

    @Override
    public void onPong(long ping) {
      // Nobody waits for it.
    }

    @Override
    public void onLeaseIdle(Object lease) {
      leaseIdle.accept(lease);
    }

    @Override
    public void onRetireDue(Retirement.Reason reason) {
      // It has no limits.
    }
  }
}
