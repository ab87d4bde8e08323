package io.gorgon.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.connection.Connection;
import io.gorgon.message.Call;
import io.gorgon.message.Payload;
import io.gorgon.proving.TestPool;
import io.gorgon.wire.Frame;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;

/** A worker that runs several calls has several threads writing to it. */
class RunnerOrderTest {

  private static final int CALLS = 2_000;

  /** Writes down what is sent, and gives other threads every chance to come between. */
  private static final class Recorder implements Connection {
    final List<Frame> sent = Collections.synchronizedList(new ArrayList<>());

    @Override
    public long send(List<Frame> frames) {
      Thread.yield();
      sent.addAll(frames);
      return sent.size();
    }

    @Override
    public void noteRead(long position) {
      // Nobody waits for that.
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public boolean isAlive() {
      return true;
    }

    @Override
    public long lastStarted() {
      return 0;
    }

    @Override
    public void markCancelled(long request) {
      // There is no page.
    }

    @Override
    public void markWithdrawn(long request) {
      // There is no page.
    }

    @Override
    public void interrupt() {
      // There is no process.
    }

    @Override
    public void terminate() {
      // There is no process.
    }

    @Override
    public void kill() {
      // There is no process.
    }
  }

  @Test
  void requestsAreWrittenInTheOrderOfTheirNumbersAndNothingIsSaidBeforeThem() {
    var connection = new Recorder();
    Runner runner = Runners.on(connection, 256);
    var threads = Executors.newFixedThreadPool(8);
    List<CompletableFuture<Void>> done = new ArrayList<>();
    for (int i = 0; i < CALLS; i++) {
      var call = new PendingCall("c", Call.of("m:f"), Payload.EMPTY, 0, 0, Dialogue.NONE);
      done.add(
          CompletableFuture.runAsync(
              () -> {
                runner.start(List.of(call));
                // The worker has ended it, so that its place is free.
                call.cancel("by the test");
                runner.onFrame(Frame.of(Frame.Kind.RESULT, call.request()));
              },
              threads));
      done.add(
          CompletableFuture.runAsync(
              () -> call.send(request -> Frame.of(Frame.Kind.CREDIT, request)), threads));
    }
    done.forEach(TestPool::get);
    threads.shutdown();

    long last = 0;
    for (Frame frame : connection.sent) {
      if (frame.kind() == Frame.Kind.REQUEST) {
        assertThat(frame.id()).isGreaterThan(last);
        last = frame.id();
      } else {
        assertThat(frame.id()).isLessThanOrEqualTo(last);
      }
    }
    assertThat(connection.sent).hasSizeGreaterThanOrEqualTo(CALLS);
  }
}
