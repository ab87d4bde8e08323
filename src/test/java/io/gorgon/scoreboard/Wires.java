package io.gorgon.scoreboard;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The wires between nodes: each node has a loopback address, from which it connects to others, and
 * is reached through a port here. A node that is cut off keeps its connections, and nothing comes
 * through, either way, as with a pulled cable; when it is joined again, what was under way arrives.
 * Needs no rights. Thread-safe.
 */
final class Wires implements AutoCloseable {

  private final Set<String> cut = new HashSet<>();
  private final List<AutoCloseable> open = new CopyOnWriteArrayList<>();
  private boolean closed;

  /** A port of {@code host} that nobody has now. */
  static int freePort(String host) {
    try (var free = new ServerSocket(0, 1, InetAddress.getByName(host))) {
      return free.getLocalPort();
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  /** The port by which others reach what listens on {@code port} of {@code host}. */
  int reach(String host, int port) {
    try {
      var server = new ServerSocket(0, 64, InetAddress.getByName(host));
      open.add(server);
      run("wire-" + host, () -> accept(server, host, port));
      return server.getLocalPort();
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  private void accept(ServerSocket server, String host, int port) {
    while (!server.isClosed()) {
      try {
        Socket in = server.accept();
        run("wire-" + host + "-in", () -> join(in, host, port));
      } catch (IOException gone) {
        return;
      }
    }
  }

  private void join(Socket in, String host, int port) {
    String from = in.getInetAddress().getHostAddress();
    var out = new Socket();
    open.add(in);
    open.add(out);
    try {
      awaitJoined(from, host);
      in.setTcpNoDelay(true);
      out.setTcpNoDelay(true);
      out.connect(new InetSocketAddress(host, port), 5_000);
      run("wire-" + host + "-back", () -> carry(out, in, from, host));
      carry(in, out, from, host);
    } catch (IOException refused) {
      end(in, out);
    }
  }

  private void carry(Socket from, Socket to, String one, String other) {
    byte[] buffer = new byte[32 * 1024];
    try {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        awaitJoined(one, other);
        out.write(buffer, 0, count);
      }
    } catch (IOException gone) {
      // so is the other end
    }
    awaitJoined(one, other);
    end(from, to);
  }

  private void end(Socket one, Socket other) {
    for (Socket socket : List.of(one, other)) {
      open.remove(socket);
      try {
        socket.close();
      } catch (IOException gone) {
        // is what is wanted
      }
    }
  }

  private synchronized void awaitJoined(String one, String other) {
    while (!closed && (cut.contains(one) || cut.contains(other))) {
      try {
        wait();
      } catch (InterruptedException never) {
        throw new AssertionError(never);
      }
    }
  }

  /** Parts a node from all others. */
  synchronized void cut(String host) {
    cut.add(host);
  }

  /** Joins it again. */
  synchronized void heal(String host) {
    cut.remove(host);
    notifyAll();
  }

  private static void run(String name, Runnable task) {
    var thread = new Thread(task, name);
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    for (AutoCloseable each : open) {
      try {
        each.close();
      } catch (Exception gone) {
        // is what is wanted
      }
    }
  }
}
