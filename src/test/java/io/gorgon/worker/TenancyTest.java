package io.gorgon.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.Payload;
import org.junit.jupiter.api.Test;

/** Who has a worker, and the calls of one lease, one after another. */
class TenancyTest {

  private final Tenancy tenancy = new Tenancy();

  private static PendingCall call() {
    return new PendingCall("c", Call.of("m:f"), Payload.EMPTY, 0, 0, Dialogue.NONE);
  }

  @Test
  void aWorkerHasOneHolderAtATime() {
    assertThat(tenancy.isOf("a")).isFalse();
    assertThat(tenancy.begin("a")).isTrue();
    assertThat(tenancy.begin("b")).isFalse();
    assertThat(tenancy.begin("a")).isFalse();

    assertThat(tenancy.isOf("a")).isTrue();
    assertThat(tenancy.isOf("b")).isFalse();
    assertThat(tenancy.holder()).isEqualTo("a");

    tenancy.end();
    assertThat(tenancy.holder()).isNull();
    assertThat(tenancy.begin("b")).isTrue();
  }

  @Test
  void onlyTheFirstCallOfAnIdleLeaseIsToBeStarted() {
    tenancy.begin("a");
    PendingCall first = call();
    PendingCall second = call();

    assertThat(tenancy.enqueue(first)).isTrue();
    assertThat(tenancy.enqueue(second)).isFalse();
    assertThat(tenancy.next()).isSameAs(first);
    assertThat(tenancy.isBusy()).isTrue();
    assertThat(tenancy.next()).isSameAs(second);
    assertThat(tenancy.isBusy()).isTrue();
    assertThat(tenancy.next()).isNull();
    assertThat(tenancy.isBusy()).isFalse();
    assertThat(tenancy.enqueue(call())).isTrue();
  }

  @Test
  void aCallThatCouldNotBeWrittenIsTheNextOneStill() {
    tenancy.begin("a");
    PendingCall first = call();
    PendingCall second = call();
    tenancy.enqueue(first);
    tenancy.enqueue(second);
    PendingCall taken = tenancy.next();

    tenancy.putBack(taken);

    assertThat(tenancy.waiting()).containsExactly(first, second);
    assertThat(tenancy.next()).isSameAs(first);
  }

  @Test
  void aCallThatWaitsCanBeTakenOutOnce() {
    tenancy.begin("a");
    PendingCall first = call();
    PendingCall second = call();
    tenancy.enqueue(first);
    tenancy.enqueue(second);

    assertThat(tenancy.remove(first)).isTrue();
    assertThat(tenancy.remove(first)).isFalse();
    assertThat(tenancy.next()).isSameAs(second);
  }

  @Test
  void theEndGivesTheCallsThatWaitedAndIsUsedIfAnyCame() {
    tenancy.begin("a");
    assertThat(tenancy.isUsed()).isFalse();
    PendingCall first = call();
    PendingCall second = call();
    tenancy.enqueue(first);
    tenancy.enqueue(second);
    tenancy.next();

    assertThat(tenancy.isUsed()).isTrue();
    assertThat(tenancy.end()).containsExactly(second);
    assertThat(tenancy.waiting()).isEmpty();
  }

  @Test
  void aNewLeaseKnowsNothingOfTheOneBefore() {
    tenancy.begin("a");
    tenancy.enqueue(call());
    tenancy.next();
    tenancy.end();

    assertThat(tenancy.begin("b")).isTrue();

    assertThat(tenancy.isUsed()).isFalse();
    assertThat(tenancy.isBusy()).isFalse();
    assertThat(tenancy.end()).isEmpty();
  }
}
