package io.gorgon.stream;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.Call;
import io.gorgon.message.Chunk;
import io.gorgon.message.Payload;
import io.gorgon.message.Values;
import io.gorgon.stress.Rounds;
import io.gorgon.wire.Frame;
import io.gorgon.worker.Dialogue;
import io.gorgon.worker.PendingCall;
import java.util.List;
import java.util.Random;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongFunction;
import org.junit.jupiter.api.Test;

/** A worker that sends as fast as its credit lets it, and a stage that takes at its own pace. */
class ChunkQueueStressTest {

  private static final int CHUNKS = 2_000;

  /** The worker's side of the connection: it reads a credit when it comes to it. */
  private static final class Far implements PendingCall.Holder {
    private record Sent(int credit, long position) {}

    final LinkedBlockingQueue<Sent> socket = new LinkedBlockingQueue<>();
    final AtomicLong readUpTo = new AtomicLong();
    final AtomicLong noted = new AtomicLong();
    final AtomicInteger notedTooEarly = new AtomicInteger();
    private long position;

    @Override
    public long send(PendingCall call, LongFunction<Frame> frame) {
      try {
        JsonNode body = Values.mapper().readTree(frame.apply(1).body());
        position += 100;
        socket.add(new Sent(body.path("n").asInt(), position));
        return position;
      } catch (java.io.IOException unreadable) {
        throw new AssertionError(unreadable);
      }
    }

    int read(long millis) throws InterruptedException {
      Sent sent = socket.poll(millis, TimeUnit.MILLISECONDS);
      if (sent == null) {
        return 0;
      }
      readUpTo.set(sent.position());
      return sent.credit();
    }

    @Override
    public void noteRead(long upTo) {
      noted.accumulateAndGet(upTo, Math::max);
      if (upTo > readUpTo.get()) {
        notedTooEarly.incrementAndGet();
      }
    }

    @Override
    public void onAbandoned(PendingCall call, boolean dirty) {
      throw new AssertionError("nobody gives it up");
    }

    @Override
    public boolean hasStarted(PendingCall call) {
      return true;
    }
  }

  @Test
  void nothingIsLostNorOutOfTurnAndNoCreditIsTakenForReadTooEarly() {
    Rounds.play("chunks and credit", ChunkQueueStressTest::round);
  }

  private static void round(Random dice, Rounds crew) throws Exception {
    int window = 1 + dice.nextInt(8);
    var call = new PendingCall("c", Call.of("m:f"), Payload.EMPTY, 0, 1, Dialogue.NONE);
    var far = new Far();
    call.heldBy(far);
    var queue = new ChunkQueue(window, null, System::nanoTime);
    var wake = new Semaphore(0);
    queue.whenWanted(wake::release);
    crew.atOnce(List.of(() -> produce(queue, call, far, window), () -> consume(queue, wake)));
    assertThat(far.notedTooEarly).as("credits that were taken for read too early").hasValue(0);
    assertThat(far.noted.get()).isPositive();
    assertThat(queue.isEmpty()).isTrue();
  }

  private static void produce(ChunkQueue queue, PendingCall call, Far far, int window)
      throws InterruptedException {
    int credit = window;
    for (int sent = 0; sent < CHUNKS; ) {
      if (credit > 0) {
        credit--;
        sent++;
        queue.onChunk(call, Frame.of(Frame.Kind.CHUNK, 1, new byte[] {'1'}));
      } else {
        int more = far.read(10_000);
        assertThat(more).as("credit after " + sent + " chunks").isPositive();
        credit += more;
      }
    }
  }

  private static void consume(ChunkQueue queue, Semaphore wake) throws InterruptedException {
    for (int taken = 0; taken < CHUNKS; ) {
      Chunk chunk = queue.poll();
      if (chunk == null) {
        assertThat(wake.tryAcquire(10, TimeUnit.SECONDS)).as("woken after " + taken).isTrue();
        wake.drainPermits();
      } else {
        assertThat(chunk.index()).isEqualTo(taken);
        taken++;
      }
    }
  }
}
