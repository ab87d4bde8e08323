package io.gorgon.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Payload;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Values are taken in their order, whenever they come. */
class InOrderTest {

  private final InOrder line = new InOrder();
  private final List<String> taken = new ArrayList<>();

  private boolean add(long number, CompletableFuture<Payload> value) {
    return line.add(
        number, value, (payload, failure) -> taken.add(number + (failure == null ? "" : "!")));
  }

  private static CompletableFuture<Payload> there() {
    return CompletableFuture.completedFuture(Payload.EMPTY);
  }

  @Test
  void aBigOneHoldsUpThoseBehindIt() {
    var big = new CompletableFuture<Payload>();
    add(0, there());
    add(1, big);
    add(2, there());
    add(3, there());
    assertThat(taken).containsExactly("0");

    big.complete(Payload.EMPTY);

    assertThat(taken).containsExactly("0", "1", "2", "3");
  }

  @Test
  void oneThatFailsHoldsUpNobody() {
    add(0, CompletableFuture.failedFuture(new IllegalStateException("x")));
    add(1, there());

    assertThat(taken).containsExactly("0!", "1");
  }

  @Test
  void aGapAndARepetitionAreRefused() {
    assertThat(add(0, there())).isTrue();
    assertThat(add(2, there())).isFalse();
    assertThat(add(0, there())).isFalse();
    assertThat(add(1, there())).isTrue();
    assertThat(taken).containsExactly("0", "1");
  }

  @Test
  void aTakerMayAddTheNext() {
    line.addNext(
        there(),
        (payload, failure) -> {
          taken.add("first");
          line.addNext(there(), (next, never) -> taken.add("next"));
          taken.add("end of first");
        });

    assertThat(taken).containsExactly("first", "end of first", "next");
  }

  @Test
  void aTakerThatFailsHoldsUpNobody() {
    var late = new CompletableFuture<Payload>();
    line.addNext(
        late,
        (payload, failure) -> {
          throw new IllegalStateException("a taker's mistake");
        });
    line.addNext(there(), (payload, failure) -> taken.add("next"));

    late.complete(Payload.EMPTY);

    assertThat(taken).containsExactly("next");
  }
}
