package io.gorgon.cli;

import io.gorgon.message.Call;
import io.gorgon.message.Values;
import io.gorgon.process.Interpreter;
import io.gorgon.wire.Frame;
import io.gorgon.wire.FrameCodec;
import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/**
 * The floor that a pool is measured against: a blocking Java thread and a Python loop that exchange
 * the frame of one request over a unix socket, on the same interpreter.
 */
final class Floor implements AutoCloseable {

  private final Path directory;
  private final Process python;
  private final SocketChannel socket;
  private final ByteBuffer frame;
  private final ByteBuffer answer;

  Floor(String interpreter, Call call) throws IOException {
    directory = Files.createTempDirectory("gorgon-floor-");
    Path script = directory.resolve("floor.py");
    try (InputStream in = Objects.requireNonNull(Floor.class.getResourceAsStream("floor.py"))) {
      Files.copy(in, script);
    }
    Frame request = Frame.of(Frame.Kind.REQUEST, 1, Values.encodeRequest(call, "default-1"));
    int size = (int) FrameCodec.sizeOf(request);
    frame = ByteBuffer.allocateDirect(size);
    answer = ByteBuffer.allocateDirect(size);
    new FrameCodec(1 << 30).encode(request, frame);
    frame.flip();
    Path path = directory.resolve("sock");
    try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(path));
      python =
          new ProcessBuilder(
                  Interpreter.find(interpreter).path().toString(),
                  script.toString(),
                  path.toString(),
                  Integer.toString(size))
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      socket = server.accept();
      socket.setOption(StandardSocketOptions.SO_SNDBUF, 1 << 20);
      socket.setOption(StandardSocketOptions.SO_RCVBUF, 1 << 20);
    }
  }

  /** There and back, once. */
  void exchange() throws IOException {
    frame.rewind();
    while (frame.hasRemaining()) {
      socket.write(frame);
    }
    answer.clear();
    while (answer.hasRemaining()) {
      if (socket.read(answer) < 0) {
        throw new IOException("the floor's Python ended");
      }
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
    python.destroy();
    try (var files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(directory);
  }
}
