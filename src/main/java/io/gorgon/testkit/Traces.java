package io.gorgon.testkit;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Traces that tell a kit's calls from one another: W3C {@code traceparent}, and "gorgon" in hex.
 */
final class Traces {

  private final AtomicLong numbers = new AtomicLong();

  String next() {
    long number = numbers.incrementAndGet();
    return String.format("00-676f72676f6e%020x-%016x-01", number, number);
  }

  static boolean isOurs(String trace) {
    return trace.startsWith("00-676f72676f6e");
  }
}
