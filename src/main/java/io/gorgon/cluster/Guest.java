package io.gorgon.cluster;

import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Reply;
import io.gorgon.pool.PoolClock;
import io.gorgon.wire.Frame;
import io.gorgon.worker.Dialogue;
import io.gorgon.worker.PendingCall;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * This is another node's call at the node that runs it: a call of the pool here, whose part in the
 * dialogue is its caller's. Thread-safe.
 */
final class Guest implements Dialogue, Away {

  /** The caller's node has the limits of a stream; here they end what it did not end itself. */
  private static final Duration SLACK = Duration.ofSeconds(1);

  private final Errand errand;
  private final PoolClock clock;
  private final Home home;
  private final PendingCall pending;

  /**
   * For one call.
   *
   * @param request as its caller encoded it
   * @param deadline when it must be answered, on that clock
   */
  Guest(Errand errand, Payload request, PoolClock clock, long deadline, Home home) {
    this.errand = errand;
    this.clock = clock;
    this.home = home;
    this.pending =
        new PendingCall(errand.callId(), errand.call(), request, clock.getAsLong(), deadline, this);
  }

  /** Sends it on its road here; its answer goes home. */
  void start(Consumer<PendingCall> road) {
    pending.answer().whenComplete(this::goHome);
    if (!pending.isDone()) {
      road.accept(pending);
    }
  }

  private void goHome(@Nullable Reply reply, @Nullable Throwable failure) {
    if (reply != null) {
      home.answered(reply);
      return;
    }
    Throwable cause =
        failure instanceof CompletionException wrapped && wrapped.getCause() != null
            ? wrapped.getCause()
            : failure;
    home.failed(
        cause instanceof PythonFailure typed
            ? typed
            : new PythonFailure.ProtocolViolation("its node failed: " + cause));
  }

  // ---- what Python says

  @Override
  public boolean isStream() {
    return errand.stream();
  }

  @Override
  public void onChunk(PendingCall call, Frame chunk) {
    call.streamsUntil(
        clock.after(errand.idle().map(limit -> limit.plus(SLACK)).orElse(PoolClock.CENTURY)));
    home.told(chunk);
  }

  @Override
  public void onHostCall(PendingCall call, Frame hostCall) {
    home.told(hostCall);
  }

  @Override
  public void onPull(PendingCall call, Frame pull) {
    home.told(pull);
  }

  @Override
  public void onProgress(PendingCall call, Frame progress) {
    home.told(progress);
  }

  // ---- what its caller wants

  @Override
  public void say(Frame frame) {
    switch (frame.kind()) {
      case CREDIT, HOST_REPLY, ITEM -> pass(frame);
      default -> giveUp("since its caller's node said " + frame.kind() + " to it");
    }
  }

  private void pass(Frame frame) {
    if (errand.stream() && frame.kind() == Frame.Kind.CREDIT) {
      pending.streamsUntil(
          clock.after(errand.idle().map(limit -> limit.plus(SLACK)).orElse(PoolClock.CENTURY)));
    }
    pending.send(request -> new Frame(frame.kind(), request, frame.payload()));
  }

  @Override
  public void giveUp() {
    giveUp("by its caller");
  }

  /** The same, for another reason. */
  void giveUp(String why) {
    pending.cancel(why);
  }

  @Override
  public boolean mayHaveStarted() {
    return pending.mayHaveStarted();
  }
}
