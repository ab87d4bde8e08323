package io.gorgon.cluster;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure.ProtocolViolation;
import io.gorgon.message.PythonFailure.TooLarge;
import io.gorgon.proving.TestPool;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.stream.SystemMaterializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Values are the same after their way, however big. */
class ParcelsTest {

  private static final int INLINE = 1000;
  private static final int LIMIT = 100_000;
  private static final ActorTestKit KIT = ActorTestKit.create();

  private final Parcels parcels =
      new Parcels(SystemMaterializer.get(KIT.system()).materializer(), INLINE, LIMIT);

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  private static Payload payload(int... sizes) {
    var random = new Random(3);
    List<ByteBuffer> attachments =
        Arrays.stream(sizes)
            .mapToObj(
                size -> {
                  byte[] bytes = new byte[size];
                  random.nextBytes(bytes);
                  return ByteBuffer.wrap(bytes);
                })
            .toList();
    return new Payload("[1,2]".getBytes(UTF_8), true, attachments);
  }

  private void comesBack(Payload payload, boolean streams) {
    Parcel parcel = parcels.pack(payload);
    assertThat(parcel.stream() != null).isEqualTo(streams);

    Payload back = TestPool.get(parcels.unpack(parcel).toCompletableFuture());

    assertThat(back.body()).isEqualTo(payload.body());
    assertThat(back.tagged()).isTrue();
    assertThat(back.attachments()).isEqualTo(payload.attachments());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, INLINE / 2})
  void smallOnesAreInTheMessage(int size) {
    comesBack(payload(size), false);
  }

  @ParameterizedTest
  @ValueSource(ints = {INLINE, INLINE + 1, 3 * INLINE, 50_001})
  void bigOnesComeByAStream(int size) {
    comesBack(payload(size), true);
  }

  @Test
  void partsThatAreEmptyKeepTheirPlace() {
    comesBack(payload(0, 0, 5, 0), false);
    comesBack(payload(0, 2000, 0, 0, 1, 0), true);
  }

  @Test
  void oneThatIsTooLargeIsNotTakenIn() {
    Parcel parcel = parcels.pack(payload(LIMIT + 1));

    assertThat(TestPool.failureOf(parcels.unpack(parcel).toCompletableFuture()))
        .isInstanceOf(TooLarge.class);
  }

  @Test
  void lengthsThatCannotBeAreRefused() {
    Parcel good = parcels.pack(payload(2000));
    var bad = new Parcel(true, List.of(), List.of(5, -1), good.stream());

    assertThat(TestPool.failureOf(parcels.unpack(bad).toCompletableFuture()))
        .isInstanceOf(ProtocolViolation.class);
  }

  @ParameterizedTest
  @ValueSource(ints = {1999, 2001})
  void aStreamOfAnotherLengthThanWasToldFails(int told) {
    Parcel good = parcels.pack(payload(2000));
    var bad = new Parcel(true, List.of(), List.of(5, told), good.stream());

    assertThat(parcels.unpack(bad).toCompletableFuture())
        .failsWithin(java.time.Duration.ofSeconds(20));
  }
}
