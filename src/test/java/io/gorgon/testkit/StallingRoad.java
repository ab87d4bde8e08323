package io.gorgon.testkit;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A way to a local server on which everything can come to a stop: connections stay open and new
 * ones are accepted, but nothing arrives, until it goes on. For tests of what hangs.
 */
public final class StallingRoad implements AutoCloseable {

  private final ServerSocket entry;
  private final int target;
  private final Set<Closeable> sockets = ConcurrentHashMap.newKeySet();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition goesOn = lock.newCondition();
  private boolean stalled;

  /** To the server on that port of this machine. */
  public StallingRoad(int target) {
    this.target = target;
    try {
      this.entry = new ServerSocket(0, 100, InetAddress.getLoopbackAddress());
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
    run(this::accept);
  }

  /** Where one connects to. */
  public int port() {
    return entry.getLocalPort();
  }

  /** From now on nothing arrives any more. */
  public void stall() {
    set(true);
  }

  /** What was held back arrives. */
  public void goOn() {
    set(false);
  }

  private void set(boolean value) {
    lock.lock();
    try {
      stalled = value;
      goesOn.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private static void run(Road road) {
    var thread =
        new Thread(
            () -> {
              try {
                road.walk();
              } catch (IOException | InterruptedException closed) {
                // one end is gone, and the other with it
              }
            },
            "stalling-road");
    thread.setDaemon(true);
    thread.start();
  }

  private interface Road {
    void walk() throws IOException, InterruptedException;
  }

  private void accept() throws IOException {
    while (true) {
      Socket here = entry.accept();
      sockets.add(here);
      run(
          () -> {
            awaitRoad();
            var there = new Socket(InetAddress.getLoopbackAddress(), target);
            sockets.add(there);
            run(() -> carry(here, there));
            carry(there, here);
          });
    }
  }

  private void carry(Socket from, Socket to) throws IOException, InterruptedException {
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      var bytes = new byte[8_192];
      for (int count = in.read(bytes); count >= 0; count = in.read(bytes)) {
        awaitRoad();
        out.write(bytes, 0, count);
      }
    } finally {
      sockets.remove(from);
      sockets.remove(to);
    }
  }

  private void awaitRoad() throws InterruptedException {
    lock.lock();
    try {
      while (stalled) {
        goesOn.await();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    goOn();
    try {
      entry.close();
      for (Closeable socket : sockets) {
        socket.close();
      }
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }
}
