package io.gorgon.cluster;

import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.ProtocolViolation;
import io.gorgon.message.Reply;
import io.gorgon.wire.Frame;
import io.gorgon.worker.PendingCall;
import java.time.Duration;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * This is a call of this node that is run by another one, or waits to be sent there. Thread-safe.
 */
abstract class Crossing implements PendingCall.Holder, Home {

  /**
   * A node that runs a call ends it by its deadline and knows best how it stood then; so long is
   * its word waited for. Callers are told within 250 ms.
   */
  static final long WORD_NANOS = 120_000_000;

  private final PendingCall call;
  private final long number;
  private final InOrder heard = new InOrder();
  private volatile @Nullable Away away;

  Crossing(PendingCall call, long number) {
    this.call = call;
    this.number = number;
  }

  PendingCall call() {
    return call;
  }

  /** Names it among all that this node has ever sent. */
  long number() {
    return number;
  }

  /** What comes from the other node, in its order. */
  InOrder heard() {
    return heard;
  }

  /** It has been taken in, there. */
  void isAt(Away there) {
    away = there;
    if (call.isDone()) {
      there.giveUp();
    }
  }

  @Nullable Away away() {
    return away;
  }

  /** Whether it has been sent, and may have been taken in. */
  abstract boolean isSent();

  /** The node that has it, in words. */
  abstract String node();

  /** Looks whether its time is over. */
  abstract void tick(long now);

  /** It has its answer: nothing is to be known of it any more. */
  abstract void over();

  /** What the other node said was lost on the way. */
  void breakOff(PythonFailure failure) {
    call.abandon(failure, true);
  }

  /** Where the call is, for those who are told that it took too long. */
  @Override
  public String toString() {
    return isSent() ? node() : "this node, for others to take it";
  }

  // ---- as a holder of the call

  @Override
  public boolean hasStarted(PendingCall of) {
    Away there = away;
    return there == null ? isSent() : there.mayHaveStarted();
  }

  @Override
  public void onAbandoned(PendingCall of, boolean dirty) {
    Away there = away;
    if (there != null) {
      there.giveUp();
    }
    over();
  }

  @Override
  public long send(PendingCall of, LongFunction<Frame> frame) {
    Away there = away;
    if (there != null) {
      there.say(frame.apply(0));
    }
    return -1; // a position in the stream of bytes to a worker has no meaning here
  }

  // ---- as the home of the call

  @Override
  public void told(Frame frame) {
    if (call.isDone()) {
      return;
    }
    switch (frame.kind()) {
      case CHUNK, HOST_CALL, PULL, PROGRESS -> say(frame);
      default -> breakOff(new ProtocolViolation("its node passed on " + frame.kind()));
    }
  }

  private void say(Frame frame) {
    try {
      call.onSaid(frame);
    } catch (PythonFailure violation) {
      breakOff(violation);
    } catch (RuntimeException failed) {
      breakOff(new ProtocolViolation(frame.kind() + " could not be taken: " + failed));
    }
  }

  @Override
  public void answered(Reply reply) {
    if (!call.complete(reply)) {
      reply.close();
    }
    over();
  }

  @Override
  public void failed(PythonFailure failure) {
    call.fail(failure instanceof DeadlineExceeded late ? ofItsCaller(late) : failure);
    over();
  }

  /** The other node knows only what was left of the time when the call came there. */
  private PythonFailure ofItsCaller(DeadlineExceeded late) {
    Duration limit = Duration.ofNanos(call.deadline() - call.enteredAt());
    return new DeadlineExceeded(call.call().target(), late.phase(), limit, "at " + node());
  }
}
