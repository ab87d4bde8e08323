package io.gorgon.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure.ProtocolViolation;
import io.gorgon.message.PythonFailure.TooLarge;
import io.gorgon.message.Values;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The same golden files that the Python codec is held to, and what is no frame at all. */
class FrameCodecTest {

  private static final Path GOLDEN = Path.of("src/test/resources/golden");
  private static final long LIMIT = 64L << 20;

  private final FrameCodec codec = new FrameCodec(LIMIT);

  static Stream<JsonNode> golden() throws IOException {
    JsonNode all = Values.mapper().readTree(GOLDEN.resolve("golden.json").toFile());
    assertThat(all.path("limit").asLong()).isEqualTo(LIMIT);
    return StreamSupport.stream(all.path("frames").spliterator(), false);
  }

  private static ByteBuffer bytesOf(JsonNode entry) throws IOException {
    return ByteBuffer.wrap(
        Files.readAllBytes(GOLDEN.resolve(entry.path("name").asText() + ".bin")));
  }

  private static String hex(ByteBuffer attachment) {
    var bytes = new byte[attachment.remaining()];
    attachment.duplicate().get(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  /** The memory that a golden frame refers to. */
  private static FrameCodec.Memory memoryOf(JsonNode entry) {
    Map<Place, ByteBuffer> shared = new HashMap<>();
    JsonNode places = entry.path("places");
    for (int i = 0; i < places.size(); i++) {
      if (!places.get(i).isNull()) {
        var place = new Place(places.get(i).get(0).asInt(), places.get(i).get(1).asLong());
        String bytes = entry.path("attachments").get(i).asText();
        shared.put(place, ByteBuffer.wrap(HexFormat.of().parseHex(bytes)));
      }
    }
    return (place, size) -> {
      ByteBuffer bytes = shared.get(place);
      return bytes == null || bytes.remaining() != size ? null : bytes.asReadOnlyBuffer();
    };
  }

  @Test
  void attachmentsOutOfAChannelsBufferDoNotChangeWithIt() throws IOException {
    byte[] bytes = Files.readAllBytes(GOLDEN.resolve("two_attachments.bin"));
    ByteBuffer channel = ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();

    ByteBuffer second = codec.decode(channel).payload().attachments().get(1);
    channel.clear().put(new byte[bytes.length]);

    assertThat(hex(second)).isEqualTo(HexFormat.of().formatHex("second".getBytes(UTF_8)));
    assertThat(second.isReadOnly()).isTrue();
  }

  @Test
  void sizesThatDoNotFitAreRefusedBeforeTheFrameIsThere() throws IOException {
    for (String name : List.of("attachments_many", "body_huge", "unknown_codec", "unknown_kind")) {
      byte[] bytes = Files.readAllBytes(GOLDEN.resolve(name + ".bin"));
      ByteBuffer prefix = ByteBuffer.wrap(bytes, 0, FrameCodec.PREFIX);

      assertThatThrownBy(() -> codec.neededAt(prefix))
          .as(name)
          .isInstanceOf(ProtocolViolation.class);
    }
  }

  @ParameterizedTest
  @MethodSource("golden")
  void readsWhatPythonWroteAndWritesTheSame(JsonNode entry) throws IOException {
    ByteBuffer bytes = bytesOf(entry);
    if (!entry.path("valid").asBoolean()) {
      if (entry.path("error").asText().equals("truncated")) {
        assertThat(codec.decode(bytes)).isNull();
        assertThat(bytes.position()).isZero();
      } else {
        assertThatThrownBy(() -> codec.decode(bytes)).isInstanceOf(ProtocolViolation.class);
      }
      return;
    }

    Frame frame = new FrameCodec(LIMIT, memoryOf(entry)).decode(bytes);

    assertThat(bytes.hasRemaining()).isFalse();
    for (int i = 0; i < entry.path("places").size(); i++) {
      assertThat(frame.place(i).isShared()).isEqualTo(!entry.path("places").get(i).isNull());
    }
    assertThat(frame.kind().number()).isEqualTo(entry.path("kind").asInt());
    assertThat(Long.toUnsignedString(frame.id())).isEqualTo(entry.path("id").asText());
    assertThat(new String(frame.body(), UTF_8)).isEqualTo(entry.path("body").asText());
    List<String> attachments = new ArrayList<>();
    entry.path("attachments").forEach(hex -> attachments.add(hex.asText()));
    assertThat(frame.payload().attachments().stream().map(FrameCodecTest::hex).toList())
        .isEqualTo(attachments);
    assertThat(frame.payload().tagged()).isEqualTo(entry.path("codec").asInt() == 2);
    ByteBuffer again = ByteBuffer.allocate((int) FrameCodec.sizeOf(frame));
    codec.encode(frame, again);
    assertThat(again.array())
        .isEqualTo(Files.readAllBytes(GOLDEN.resolve(entry.path("name").asText() + ".bin")));
  }

  @Test
  void damagedFramesAreRefusedAndNothingElseEscapes() throws IOException {
    List<byte[]> valid = new ArrayList<>();
    for (JsonNode entry : golden().toList()) {
      valid.add(bytesOf(entry).array());
    }
    var random = new Random(1);
    int refused = 0;
    for (int i = 0; i < 200_000; i++) {
      byte[] bytes = valid.get(random.nextInt(valid.size())).clone();
      for (int flips = random.nextInt(4); flips >= 0 && bytes.length > 0; flips--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      try {
        codec.decode(ByteBuffer.wrap(bytes, 0, random.nextInt(bytes.length + 1)));
      } catch (ProtocolViolation expected) {
        refused++;
      }
    }
    assertThat(refused).isPositive();
  }

  @Test
  void anAttachmentInSharedMemoryIsReadWhereItIs() {
    var memory = ByteBuffer.allocate(1_000);
    memory.put(128, new byte[] {1, 2, 3});
    var sharing =
        new FrameCodec(
            LIMIT,
            (place, size) ->
                place.segment() == 7 ? memory.slice((int) place.offset(), (int) size) : null);
    var payload =
        new Payload(
            "{}".getBytes(UTF_8),
            true,
            List.of(
                ByteBuffer.wrap(new byte[] {9}),
                ByteBuffer.wrap(new byte[] {1, 2, 3}),
                ByteBuffer.wrap(new byte[] {8})));
    var frame =
        new Frame(
            Frame.Kind.RESULT, 5, payload, List.of(Place.INLINE, new Place(7, 128), Place.INLINE));
    ByteBuffer bytes = ByteBuffer.allocate((int) FrameCodec.sizeOf(frame));
    codec.encode(frame, bytes);
    assertThat(bytes.hasRemaining()).isFalse();

    Frame read = sharing.decode(bytes.flip());

    assertThat(read.payload().attachments()).isEqualTo(payload.attachments());
    assertThat(read.places()).isEqualTo(frame.places());
    assertThatThrownBy(() -> codec.decode(bytes.rewind()))
        .isInstanceOf(ProtocolViolation.class)
        .hasMessageContaining("shared memory");
  }

  @Test
  void aFrameOverTheLimitIsNotWritten() {
    var small = new FrameCodec(100);
    var out = ByteBuffer.allocate(1_000);

    assertThatThrownBy(() -> small.encode(Frame.of(Frame.Kind.REQUEST, 1, new byte[100]), out))
        .isInstanceOf(TooLarge.class)
        .hasMessageContaining("124")
        .hasMessageContaining("frame-limit");
    assertThat(out.position()).isZero();
  }
}
