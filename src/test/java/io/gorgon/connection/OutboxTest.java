package io.gorgon.connection;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.wire.Frame;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the sender's thread writes, and what is left to one that may wait. */
class OutboxTest {

  private static final int LIMIT = 8 << 20;

  /** Two of them fit what surely may be unread, three do not. */
  private static final int THIRD = 24 * 1024;

  private final Deque<Runnable> blocking = new ArrayDeque<>();
  private Path home;
  private SocketChannel near;
  private SocketChannel far;
  private FrameChannel reader;
  private Outbox outbox;
  private int frames;

  @BeforeEach
  void connect() throws IOException {
    home = Files.createTempDirectory(Path.of("/tmp"), "ob");
    var address = UnixDomainSocketAddress.of(home.resolve("s"));
    try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(address);
      near = SocketChannel.open(address);
      far = server.accept();
    }
    reader = new FrameChannel(far, LIMIT, (place, size) -> null);
    outbox = new Outbox(new FrameChannel(near, LIMIT, (place, size) -> null), blocking::addLast);
  }

  @AfterEach
  void disconnect() throws IOException {
    near.close();
    far.close();
    Files.deleteIfExists(home.resolve("s"));
    Files.delete(home);
  }

  private long send(int size) {
    frames++;
    return outbox.send(List.of(Frame.of(Frame.Kind.REQUEST, frames, new byte[size])));
  }

  /** The ids of the frames that have been written, all of which must be there. */
  private List<Long> arrived(int count) throws IOException {
    List<Long> ids = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      ids.add(reader.read().id());
    }
    return ids;
  }

  /** Whether nothing has been written that was not read. */
  private boolean isQuiet() throws IOException {
    far.configureBlocking(false);
    try {
      return !reader.hasMore() && far.read(java.nio.ByteBuffer.allocate(1)) == 0;
    } finally {
      far.configureBlocking(true);
    }
  }

  @Test
  void whatSurelyFitsIsWrittenByItsSender() throws IOException {
    send(THIRD);
    send(THIRD);

    assertThat(blocking).isEmpty();
    assertThat(arrived(2)).containsExactly(1L, 2L);
  }

  @Test
  void framesThatAreSentTogetherAreWrittenTogether() throws IOException {
    outbox.send(List.of(Frame.of(Frame.Kind.REQUEST, 1), Frame.of(Frame.Kind.REQUEST, 2)));

    assertThat(arrived(2)).containsExactly(1L, 2L);
  }

  @Test
  void whatMightNotFitIsLeftToAThreadThatMayWait() throws IOException {
    send(THIRD);
    send(THIRD);
    send(THIRD);

    assertThat(blocking).hasSize(1);
    assertThat(arrived(2)).containsExactly(1L, 2L);
    assertThat(isQuiet()).isTrue();
    blocking.removeFirst().run();
    assertThat(arrived(1)).containsExactly(3L);
  }

  @Test
  void aSingleFrameThatIsTooLargeToBeSureIsLeftToAThreadThatMayWait() throws IOException {
    send(65 * 1024);

    assertThat(blocking).hasSize(1);
    assertThat(isQuiet()).isTrue();
  }

  @Test
  void whatComesBehindWaitsBehindHoweverSmallAndHoweverMuchWasReadMeanwhile() throws IOException {
    send(THIRD);
    send(THIRD);
    long all = send(THIRD);
    outbox.noteRead(all);
    send(1);

    assertThat(blocking).hasSize(1);
    blocking.removeFirst().run();
    assertThat(arrived(4)).containsExactly(1L, 2L, 3L, 4L);
  }

  @Test
  void whatWasReadMakesRoomAgain() throws IOException {
    send(THIRD);
    long second = send(THIRD);
    outbox.noteRead(second);
    send(THIRD);
    send(THIRD);

    assertThat(blocking).isEmpty();
    assertThat(arrived(4)).containsExactly(1L, 2L, 3L, 4L);
  }

  @Test
  void anOldPositionTakesNoRoomBack() {
    long first = send(THIRD);
    long second = send(THIRD);
    outbox.noteRead(second);
    outbox.noteRead(first);
    send(THIRD);
    send(THIRD);

    assertThat(blocking).isEmpty();
  }

  @Test
  void whenAllThatWaitedIsWrittenTheSenderWritesAgain() throws IOException {
    send(THIRD);
    send(THIRD);
    long third = send(THIRD);
    blocking.removeFirst().run();
    outbox.noteRead(third);
    send(1);

    assertThat(blocking).isEmpty();
    assertThat(arrived(4)).containsExactly(1L, 2L, 3L, 4L);
  }

  @Test
  void whatIsStillUnreadAfterTheWaitIsLeftToTheOtherThreadOnceMore() throws IOException {
    send(THIRD);
    send(THIRD);
    send(THIRD);
    blocking.removeFirst().run();
    send(1);

    assertThat(blocking).hasSize(1);
    blocking.removeFirst().run();
    assertThat(arrived(4)).containsExactly(1L, 2L, 3L, 4L);
  }

  @Test
  void manySmallFramesAreChargedForMoreThanTheirBytes() {
    for (int i = 0; i < 100; i++) {
      send(1);
    }

    assertThat(blocking).hasSize(1);
  }

  @Test
  void positionsGrow() {
    assertThat(send(1)).isPositive().isLessThan(send(1));
  }
}
