package io.gorgon.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.gorgon.message.PythonFailure.ProtocolViolation;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;

/**
 * Decodes damaged frames. Half of the damaged prefixes get a fitting check, so that what lies
 * behind it is reached.
 */
public final class FrameFuzz {

  /**
   * What became of them.
   *
   * @param escaped what was thrown and is no violation
   * @param most bytes allocated for one beyond its own
   */
  public record Result(int frames, int read, int refused, int partial, int escaped, long most) {}

  private static final int LIMIT = 1 << 20;

  /** What a frame may cost beside its bytes: a violation with its message, or objects. */
  public static final long OVERHEAD = 64 << 10;

  private static final long[] EDGES = {
    0,
    1,
    23,
    24,
    25,
    28,
    LIMIT - 1,
    LIMIT,
    LIMIT + 1L,
    Short.MAX_VALUE,
    Integer.MAX_VALUE,
    Integer.MAX_VALUE - 4,
    0xffff_ffffL,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    -1
  };

  private final Random random;
  private final FrameCodec codec = new FrameCodec(LIMIT);

  private FrameFuzz(Random random) {
    this.random = random;
  }

  /** Decodes so many. */
  public static Result run(Random random, int frames) throws IOException {
    return new FrameFuzz(random).decode(frames);
  }

  private static List<byte[]> golden() throws IOException {
    var files = new ArrayList<Path>();
    try (DirectoryStream<Path> all =
        Files.newDirectoryStream(Path.of("src/test/resources/golden"), "*.bin")) {
      all.forEach(files::add);
    }
    Collections.sort(files);
    var frames = new ArrayList<byte[]>();
    for (Path file : files) {
      frames.add(Files.readAllBytes(file));
    }
    return frames;
  }

  private byte[] fuzzed(List<byte[]> golden) {
    byte[] bytes;
    if (random.nextInt(8) == 0) {
      bytes = new byte[random.nextInt(200)];
      random.nextBytes(bytes);
    } else {
      bytes = golden.get(random.nextInt(golden.size())).clone();
    }
    for (int damage = random.nextInt(5); damage > 0 && bytes.length > 8; damage--) {
      switch (random.nextInt(4)) {
        case 0 -> bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
        case 2 -> {
          int at = random.nextInt(bytes.length - 7);
          ByteBuffer.wrap(bytes).putLong(at, EDGES[random.nextInt(EDGES.length)]);
        }
        default -> {
          int at = random.nextInt(Math.min(bytes.length, FrameCodec.PREFIX) - 3);
          ByteBuffer.wrap(bytes).putInt(at, (int) EDGES[random.nextInt(EDGES.length)]);
        }
      }
    }
    if (bytes.length >= FrameCodec.PREFIX && random.nextBoolean()) {
      seal(bytes);
    }
    return bytes;
  }

  private static void seal(byte[] bytes) {
    ByteBuffer prefix = ByteBuffer.wrap(bytes).putShort(4, (short) 0x4752);
    var check = new CRC32();
    check.update(bytes, 0, 24);
    prefix.putInt(24, (int) check.getValue());
  }

  private Result decode(int frames) throws IOException {
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long self = Thread.currentThread().getId();
    List<byte[]> golden = golden();
    int read = 0;
    int refused = 0;
    int partial = 0;
    int escaped = 0;
    long most = 0;
    for (int i = 0; i < frames; i++) {
      byte[] bytes = fuzzed(golden);
      ByteBuffer in = ByteBuffer.wrap(bytes, 0, Math.max(0, bytes.length - random.nextInt(4) / 3));
      int size = in.remaining();
      long before = threads.getThreadAllocatedBytes(self);
      try {
        Frame frame = codec.decode(in);
        if (frame == null) {
          partial++;
          assertThat(in.position()).isZero();
          if (size >= FrameCodec.PREFIX) {
            assertThat(codec.neededAt(in)).isBetween(size + 1, LIMIT + 4);
          }
        } else {
          read++;
          assertThat(FrameCodec.sizeOf(frame)).isEqualTo(in.position());
        }
      } catch (ProtocolViolation violation) {
        refused++;
        assertThat(violation).hasMessageContaining("it starts with");
      } catch (RuntimeException anything) {
        escaped++;
      }
      if (i > 1_000) { // What is made once, by the first violation, is no frame's.
        most = Math.max(most, threads.getThreadAllocatedBytes(self) - before - size);
      }
    }
    return new Result(frames, read, refused, partial, escaped, most);
  }
}
