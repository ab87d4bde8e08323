package io.gorgon.proving;

import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.Values;
import io.gorgon.wire.Frame;
import io.gorgon.worker.PendingCall;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.LongFunction;

/** Has a call as a worker has it that runs it as its request 7, and notes what it is told. */
public final class NotingHolder implements PendingCall.Holder {

  /** The request that the call has here. */
  public static final long REQUEST = 7;

  private final List<Frame> sent = new CopyOnWriteArrayList<>();
  private final List<Long> read = new CopyOnWriteArrayList<>();
  private final List<Boolean> abandoned = new CopyOnWriteArrayList<>();

  /** What the call was sent, oldest first. */
  public List<Frame> sent() {
    return sent;
  }

  /** The bodies of what the call was sent, oldest first. */
  public List<JsonNode> bodies() {
    return sent.stream().map(NotingHolder::body).toList();
  }

  private static JsonNode body(Frame frame) {
    try {
      return Values.mapper().readTree(frame.body());
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }

  /** The positions that it was told the worker has read. */
  public List<Long> read() {
    return read;
  }

  /** For each call that was abandoned: whether it was dirty. */
  public List<Boolean> abandoned() {
    return abandoned;
  }

  @Override
  public long send(PendingCall call, LongFunction<Frame> frame) {
    sent.add(frame.apply(REQUEST));
    return 100L * sent.size();
  }

  @Override
  public void noteRead(long position) {
    read.add(position);
  }

  @Override
  public void onAbandoned(PendingCall call, boolean dirty) {
    abandoned.add(dirty);
  }

  @Override
  public boolean hasStarted(PendingCall call) {
    return true;
  }
}
