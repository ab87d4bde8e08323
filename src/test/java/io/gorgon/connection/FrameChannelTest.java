package io.gorgon.connection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gorgon.message.PythonFailure.ProtocolViolation;
import io.gorgon.message.PythonFailure.TooLarge;
import io.gorgon.wire.Frame;
import io.gorgon.wire.FrameCodec;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Whole frames over a socket, however their bytes are cut. */
class FrameChannelTest {

  private static final int LIMIT = 8 << 20;
  private static final int BUFFER = 256 * 1024;

  private Path home;
  private SocketChannel near;
  private SocketChannel far;
  private FrameChannel channel;

  @BeforeEach
  void connect() throws IOException {
    home = Files.createTempDirectory(Path.of("/tmp"), "fc");
    var address = UnixDomainSocketAddress.of(home.resolve("s"));
    try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(address);
      near = SocketChannel.open(address);
      far = server.accept();
    }
    channel = new FrameChannel(near, LIMIT, (place, size) -> null);
  }

  @AfterEach
  void disconnect() throws IOException {
    near.close();
    far.close();
    Files.deleteIfExists(home.resolve("s"));
    Files.delete(home);
  }

  private static Frame frame(long id, int bodyLength) {
    var body = new byte[bodyLength];
    new Random(id).nextBytes(body);
    return Frame.of(Frame.Kind.RESULT, id, body);
  }

  private static ByteBuffer bytesOf(Frame frame) {
    ByteBuffer bytes = ByteBuffer.allocate((int) FrameCodec.sizeOf(frame));
    new FrameCodec(LIMIT).encode(frame, bytes);
    return bytes.flip();
  }

  private void farWrites(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      far.write(bytes);
    }
  }

  private static void same(Frame read, Frame written) {
    assertThat(read).isNotNull();
    assertThat(read.kind()).isEqualTo(written.kind());
    assertThat(read.id()).isEqualTo(written.id());
    assertThat(read.body()).isEqualTo(written.body());
  }

  @Test
  void framesOfEverySizeAroundTheBufferPassInBothDirections() throws Exception {
    var other = new FrameChannel(far, LIMIT, (place, size) -> null);
    int edge = BUFFER - FrameCodec.PREFIX;
    List<Frame> frames =
        List.of(
            frame(1, 0),
            frame(2, 1),
            frame(3, edge - 1),
            frame(4, edge),
            frame(5, edge + 1),
            frame(6, 100),
            frame(7, 3 << 20),
            frame(8, 2 * BUFFER),
            frame(9, 0));
    var writing = CompletableFuture.runAsync(() -> channel.write(frames));

    for (Frame written : frames) {
      same(other.read(), written);
    }
    writing.join();
  }

  @Test
  void bytesThatComeOneByOneAreAFrame() throws IOException {
    Frame written = frame(1, 20);
    ByteBuffer bytes = bytesOf(written);
    var reading =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return channel.read();
              } catch (IOException broken) {
                throw new AssertionError(broken);
              }
            });
    while (bytes.hasRemaining()) {
      farWrites(ByteBuffer.wrap(new byte[] {bytes.get()}));
    }

    same(reading.join(), written);
  }

  @Test
  void manyFramesInOnePieceAreReadOneAfterAnother() throws IOException {
    ByteBuffer together = ByteBuffer.allocate(10_000);
    for (int id = 1; id <= 50; id++) {
      together.put(bytesOf(frame(id, id)));
    }
    farWrites(together.flip());

    for (int id = 1; id <= 50; id++) {
      same(channel.read(), frame(id, id));
    }
  }

  @Test
  void theEndBetweenTwoFramesIsNull() throws IOException {
    farWrites(bytesOf(frame(1, 5)));
    far.close();

    same(channel.read(), frame(1, 5));
    assertThat(channel.read()).isNull();
  }

  @Test
  void theEndWithinAFrameIsNullToo() throws Exception {
    ByteBuffer small = bytesOf(frame(1, 100));
    farWrites(small.slice(0, 50));
    far.close();

    assertThat(channel.read()).isNull();
  }

  @Test
  void theEndWithinALargeFrameIsNullToo() throws Exception {
    ByteBuffer large = bytesOf(frame(1, 2 << 20));
    var writing =
        CompletableFuture.runAsync(
            () -> {
              try {
                farWrites(large.slice(0, 1 << 20));
                far.close();
              } catch (IOException broken) {
                throw new AssertionError(broken);
              }
            });

    assertThat(channel.read()).isNull();
    writing.join();
  }

  @Test
  void whatIsNoFrameIsAViolation() throws IOException {
    farWrites(ByteBuffer.wrap("GET / HTTP/1.1\r\nHost: example\r\n\r\n".getBytes("US-ASCII")));

    assertThatThrownBy(channel::read).isInstanceOf(ProtocolViolation.class);
  }

  @Test
  void aFrameOverTheLimitIsRefusedByItsPrefix() throws IOException {
    Frame big = frame(1, LIMIT);
    ByteBuffer bytes = ByteBuffer.allocate((int) FrameCodec.sizeOf(big));
    new FrameCodec(LIMIT * 2L).encode(big, bytes);
    farWrites(bytes.flip().slice(0, FrameCodec.PREFIX));

    assertThatThrownBy(channel::read)
        .isInstanceOf(ProtocolViolation.class)
        .hasMessageContaining("limit");
  }

  @Test
  void aFrameOverTheLimitIsNotWrittenAndTheNextOneIs() throws IOException {
    assertThatThrownBy(() -> channel.write(List.of(frame(1, LIMIT)))).isInstanceOf(TooLarge.class);

    channel.write(List.of(frame(2, 10)));

    same(new FrameChannel(far, LIMIT, (place, size) -> null).read(), frame(2, 10));
  }

  @Test
  void aFailedWriteLeavesTheAnswersThatWaitReadable() throws IOException {
    farWrites(bytesOf(frame(1, 10)));
    far.close();

    channel.write(List.of(frame(2, 10)));
    channel.write(List.of(frame(3, 3 << 20)));

    assertThat(channel.isOpen()).isTrue();
    same(channel.read(), frame(1, 10));
  }

  @Test
  void manyThreadsMayWriteAtOnce() throws Exception {
    var other = new FrameChannel(far, LIMIT, (place, size) -> null);
    int writers = 4;
    int each = 50;
    for (int writer = 0; writer < writers; writer++) {
      long first = 1 + (long) writer * each;
      new Thread(
              () -> {
                for (long id = first; id < first + each; id++) {
                  channel.write(List.of(frame(id, (int) (id * 1_000))));
                }
              })
          .start();
    }

    for (int count = 0; count < writers * each; count++) {
      Frame read = other.read();
      same(read, frame(read.id(), (int) (read.id() * 1_000)));
    }
  }

  @Test
  void closingTwiceIsClosed() {
    channel.close();
    channel.close();

    assertThat(channel.isOpen()).isFalse();
    assertThatThrownBy(channel::read).isInstanceOf(IOException.class);
    channel.write(List.of(frame(1, 1)));
  }
}
