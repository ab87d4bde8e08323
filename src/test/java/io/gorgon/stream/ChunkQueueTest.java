package io.gorgon.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.Call;
import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure.ProtocolViolation;
import io.gorgon.proving.NotingHolder;
import io.gorgon.wire.Frame;
import io.gorgon.worker.Dialogue;
import io.gorgon.worker.PendingCall;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Credit for what was taken out, half a window at a time. */
class ChunkQueueTest {

  private static final Duration IDLE = Duration.ofSeconds(5);

  private final AtomicLong now = new AtomicLong(1_000);
  private final NotingHolder worker = new NotingHolder();
  private final PendingCall call =
      new PendingCall("c", Call.of("m:f"), Payload.EMPTY, 0, 2_000, Dialogue.NONE);
  private int chunks;

  private ChunkQueue queue(int window) {
    call.heldBy(worker);
    return new ChunkQueue(window, IDLE, now::get);
  }

  private void arrive(ChunkQueue queue, int count) {
    for (int i = 0; i < count; i++) {
      chunks++;
      var body = String.valueOf(chunks).getBytes(java.nio.charset.StandardCharsets.US_ASCII);
      queue.onChunk(call, Frame.of(Frame.Kind.CHUNK, NotingHolder.REQUEST, body));
    }
  }

  private static void take(ChunkQueue queue, int count) {
    for (int i = 0; i < count; i++) {
      assertThat(queue.poll()).isNotNull();
    }
  }

  private List<Integer> credits() {
    assertThat(worker.sent())
        .allMatch(frame -> frame.kind() == Frame.Kind.CREDIT && frame.id() == NotingHolder.REQUEST);
    return worker.bodies().stream().map(body -> body.path("n")).map(JsonNode::asInt).toList();
  }

  @Test
  void chunksComeOutInTheirOrderAndNumbered() {
    ChunkQueue queue = queue(4);
    arrive(queue, 2);

    var first = queue.poll();
    var second = queue.poll();

    assertThat(first.index()).isZero();
    assertThat(first.as(Integer.class)).isEqualTo(1);
    assertThat(second.index()).isEqualTo(1);
    assertThat(second.as(Integer.class)).isEqualTo(2);
    assertThat(queue.poll()).isNull();
    assertThat(queue.isEmpty()).isTrue();
  }

  @Test
  void creditIsGivenForHalfAWindowAtATime() {
    ChunkQueue queue = queue(8);
    arrive(queue, 8);
    take(queue, 3);
    assertThat(credits()).isEmpty();

    take(queue, 1);
    assertThat(credits()).containsExactly(4);
    take(queue, 4);
    assertThat(credits()).containsExactly(4, 4);
  }

  @Test
  void theSmallestWindowGivesCreditForEachChunk() {
    ChunkQueue queue = queue(1);
    arrive(queue, 1);
    take(queue, 1);
    arrive(queue, 1);
    take(queue, 1);

    assertThat(credits()).containsExactly(1, 1);
  }

  @Test
  void aChunkWithoutCreditBreaksTheProtocol() {
    ChunkQueue queue = queue(2);
    arrive(queue, 2);

    assertThatThrownBy(() -> arrive(queue, 1))
        .isInstanceOf(ProtocolViolation.class)
        .hasMessageContaining("chunk 3 of a stream with credit for 2");
    take(queue, 2);
    assertThat(queue.poll()).isNull();
  }

  @Test
  void creditLetsMoreChunksComeAndNotOneMoreThanThat() {
    ChunkQueue queue = queue(2);
    arrive(queue, 2);
    take(queue, 1);
    arrive(queue, 1);

    assertThatThrownBy(() -> arrive(queue, 1)).isInstanceOf(ProtocolViolation.class);
  }

  @Test
  void whoFoundNothingIsToldOnceWhenSomethingComes() {
    var told = new AtomicInteger();
    ChunkQueue queue = queue(4);
    queue.whenWanted(told::incrementAndGet);
    arrive(queue, 1);
    assertThat(told).hasValue(0);

    take(queue, 1);
    assertThat(queue.poll()).isNull();
    assertThat(told).hasValue(0);
    arrive(queue, 2);

    assertThat(told).hasValue(1);
  }

  @Test
  void theIdleLimitCountsFromEachChunkAndFromEachCredit() {
    ChunkQueue queue = queue(2);
    assertThat(call.deadline()).isEqualTo(2_000);
    arrive(queue, 2);
    assertThat(call.deadline()).isEqualTo(1_000 + IDLE.toNanos());

    now.set(7_000);
    take(queue, 1);
    assertThat(call.deadline()).isEqualTo(7_000 + IDLE.toNanos());
  }

  @Test
  void withoutAnIdleLimitAStreamThatHasBegunNeverEndsByTime() {
    for (Duration limit : new Duration[] {null, Duration.ofDays(1_000_000)}) {
      for (long time : new long[] {-5_000, 5_000}) {
        now.set(time);
        arrive(new ChunkQueue(2, limit, now::get), 1);

        assertThat(call.isOverdue(time)).isFalse();
        assertThat(call.isOverdue(time + Duration.ofDays(36_500).toNanos())).isFalse();
      }
    }
  }

  @Test
  void whatCameOnlyForACreditShowsThatTheCreditWasRead() {
    ChunkQueue queue = queue(2);
    arrive(queue, 1);
    take(queue, 1);
    arrive(queue, 1);
    assertThat(worker.read()).isEmpty();

    arrive(queue, 1);
    assertThat(worker.read()).containsExactly(100L);
  }

  @Test
  void aStreamThatNobodyRunsAnyMoreIsEmptiedAllTheSame() {
    var queue = new ChunkQueue(2, IDLE, now::get);
    arrive(queue, 2);

    take(queue, 2);

    assertThat(worker.sent()).isEmpty();
    assertThat(queue.isEmpty()).isTrue();
  }

  @Test
  void itSaysThatItIsAStream() {
    assertThat(queue(1).isStream()).isTrue();
  }
}
