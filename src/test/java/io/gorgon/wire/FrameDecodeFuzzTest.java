package io.gorgon.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.gorgon.message.PythonFailure.ProtocolViolation;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;

/**
 * Bytes as frames, with the fuzzer's help ({@code mvn -Pfuzz verify}; else the inputs that are
 * committed): nothing escapes but a violation, nothing is allocated beyond the limit, and it makes
 * no difference how the bytes were cut on their way.
 */
class FrameDecodeFuzzTest {

  private static final int LIMIT = 1 << 20;
  private static final int SEAL = 1;
  private static final int DIRECT = 2;

  /** What came of the bytes: frames, and in the end perhaps a violation. */
  private record Read(List<Frame> frames, boolean violated) {}

  /**
   * Tries one input.
   *
   * @param data how (a byte of flags), how to cut (a byte), and the bytes themselves
   */
  @FuzzTest(maxDuration = "2h", maxExecutions = 1_000_000)
  void framesAreReadTheSameHoweverTheyAreCut(byte[] data) {
    if (data.length < 2) {
      return;
    }
    byte[] bytes = Arrays.copyOfRange(data, 2, data.length);
    if ((data[0] & SEAL) != 0) {
      sealAll(bytes);
    }
    boolean direct = (data[0] & DIRECT) != 0;

    var whole = new Read[1];
    long most = LIMIT + 8L * bytes.length + (256 << 10);
    long allocated = Allocation.of(() -> whole[0] = readAll(bytes, direct, new int[] {0}), most);
    Read cut = readAll(bytes, direct, cuts(bytes.length, data[1]));

    assertThat(allocated).isLessThan(most);
    assertThat(cut.violated()).isEqualTo(whole[0].violated());
    assertThat(texts(cut.frames())).isEqualTo(texts(whole[0].frames()));
    for (Frame frame : cut.frames()) {
      assertIsWrittenAsItWasRead(frame);
    }
  }

  private static void assertIsWrittenAsItWasRead(Frame frame) {
    var codec = new FrameCodec(LIMIT);
    ByteBuffer written = ByteBuffer.allocate((int) FrameCodec.sizeOf(frame));
    codec.encode(frame, written);
    assertThat(text(codec.decode(written.flip()))).isEqualTo(text(frame));
  }

  private static List<String> texts(List<Frame> frames) {
    return frames.stream().map(FrameDecodeFuzzTest::text).toList();
  }

  private static String text(Frame frame) {
    return frame
        + Arrays.toString(frame.body())
        + frame.payload().tagged()
        + frame.payload().attachments().stream().map(ByteBuffer::hashCode).toList();
  }

  /** Where pieces end; the last one is the end. */
  private static int[] cuts(int length, byte seed) {
    return new Random(seed).ints(1 + (seed & 7), 0, length + 1).sorted().toArray();
  }

  private static Read readAll(byte[] bytes, boolean direct, int[] cuts) {
    var codec = new FrameCodec(LIMIT);
    ByteBuffer in =
        direct ? ByteBuffer.allocateDirect(bytes.length) : ByteBuffer.allocate(bytes.length);
    in.put(bytes).clear();
    var frames = new ArrayList<Frame>();
    try {
      for (int cut : cuts) {
        in.limit(Math.max(in.position(), cut));
        take(codec, in, frames);
      }
      in.limit(bytes.length);
      take(codec, in, frames);
      return new Read(frames, false);
    } catch (ProtocolViolation violation) {
      assertThat(violation).hasMessageContaining("it starts with");
      return new Read(frames, true);
    }
  }

  private static void take(FrameCodec codec, ByteBuffer in, List<Frame> frames) {
    int before = in.position();
    for (Frame next = codec.decode(in); next != null; next = codec.decode(in)) {
      assertThat(in.position()).isGreaterThan(before);
      before = in.position();
      frames.add(next);
    }
    assertThat(in.position()).isEqualTo(before);
  }

  /** Gives every prefix where one is expected its magic and its check, so that more is reached. */
  private static void sealAll(byte[] bytes) {
    ByteBuffer all = ByteBuffer.wrap(bytes);
    long at = 0;
    while (at >= 0 && at + FrameCodec.PREFIX <= bytes.length) {
      int start = (int) at;
      all.putShort(start + 4, (short) 0x4752);
      var check = new CRC32();
      check.update(bytes, start, 24);
      all.putInt(start + 24, (int) check.getValue());
      at = at + 4 + Integer.toUnsignedLong(all.getInt(start));
    }
  }
}
