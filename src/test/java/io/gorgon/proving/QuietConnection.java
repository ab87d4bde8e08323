package io.gorgon.proving;

import io.gorgon.connection.Connection;
import io.gorgon.wire.Frame;
import java.util.ArrayList;
import java.util.List;

/** A connection to nobody, for tests of one thread: it notes what it is told. */
public final class QuietConnection implements Connection {

  private final List<Frame> sent = new ArrayList<>();
  private boolean open = true;
  private long lastStarted;
  private long withdrawnUpTo;

  /** All frames that were sent, oldest first. */
  public List<Frame> sent() {
    return sent;
  }

  /** Takes no calls any more. */
  public void shut() {
    open = false;
  }

  /** Shows that this request is the last one that Python has started. */
  public void started(long request) {
    lastStarted = request;
  }

  /** The last request that Python was kept from starting, 0 if there is none. */
  public long withdrawnUpTo() {
    return withdrawnUpTo;
  }

  @Override
  public long send(List<Frame> frames) {
    sent.addAll(frames);
    return sent.size();
  }

  @Override
  public void noteRead(long position) {
    // Nobody reads.
  }

  @Override
  public boolean isOpen() {
    return open;
  }

  @Override
  public boolean isAlive() {
    return open;
  }

  @Override
  public long lastStarted() {
    return lastStarted;
  }

  @Override
  public void markCancelled(long request) {
    // Nothing runs.
  }

  @Override
  public void markWithdrawn(long request) {
    withdrawnUpTo = request;
  }

  @Override
  public void interrupt() {
    // Nothing runs.
  }

  @Override
  public void terminate() {
    // Nothing runs.
  }

  @Override
  public void kill() {
    // Nothing runs.
  }
}
