package io.gorgon.connection;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.stress.Rounds;
import io.gorgon.stress.Rounds.Part;
import io.gorgon.wire.Frame;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Several threads send frames of all sizes, and the other side reads slowly. */
class OutboxStressTest {

  private static final int LIMIT = 8 << 20;
  private static final int SENDERS = 3;
  private static final int EACH = 60;

  @Test
  void everyFrameArrivesWholeOnceAndInItsSendersOrder() {
    Rounds.play("outbox", OutboxStressTest::round);
  }

  private static void round(Random dice, Rounds crew) throws Exception {
    Path home = Files.createTempDirectory(Path.of("/tmp"), "os");
    var address = UnixDomainSocketAddress.of(home.resolve("s"));
    try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(address);
      try (var near = SocketChannel.open(address);
          var far = server.accept()) {
        var outbox =
            new Outbox(new FrameChannel(near, LIMIT, (place, size) -> null), crew.threads());
        List<Part> parts = new ArrayList<>();
        var reading = new Random(dice.nextLong());
        parts.add(() -> read(new FrameChannel(far, LIMIT, (place, size) -> null), outbox, reading));
        for (int sender = 1; sender <= SENDERS; sender++) {
          long first = sender * 1_000L;
          var random = new Random(dice.nextLong());
          parts.add(() -> send(outbox, first, random));
        }
        crew.atOnce(parts);
      }
    } finally {
      Files.deleteIfExists(home.resolve("s"));
      Files.delete(home);
    }
  }

  private static void send(Outbox outbox, long first, Random dice) {
    for (int i = 0; i < EACH; i++) {
      int size = dice.nextInt(8) == 0 ? dice.nextInt(200_000) : dice.nextInt(2_000);
      var body = new byte[size];
      java.util.Arrays.fill(body, (byte) (first / 1_000));
      outbox.send(List.of(Frame.of(Frame.Kind.REQUEST, first + i, body)));
    }
  }

  private static void read(FrameChannel far, Outbox outbox, Random dice) throws Exception {
    Map<Long, Long> last = new HashMap<>();
    long position = 0;
    for (int i = 0; i < SENDERS * EACH; i++) {
      Frame frame = far.read();
      long sender = frame.id() / 1_000;
      assertThat(frame.id() % 1_000).isEqualTo(last.merge(sender, 1L, Long::sum) - 1);
      for (byte each : frame.body()) {
        if (each != sender) {
          throw new AssertionError(frame + " has bytes of another");
        }
      }
      position += frame.body().length + 28;
      if (dice.nextInt(4) == 0) {
        outbox.noteRead(position);
      }
    }
  }
}
