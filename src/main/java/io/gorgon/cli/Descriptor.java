package io.gorgon.cli;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import picocli.CommandLine;

/**
 * What a standard stream of this process leads to, as far as the system tells.
 *
 * @param target a path, or something like {@code pipe:[4711]}; empty if it is not known
 */
record Descriptor(String target) {

  static final int IN = 0;
  static final int ERR = 2;

  /** The descriptor {@code number} of this process. */
  static Descriptor of(int number) {
    try {
      Path link = Path.of("/proc/self/fd", Integer.toString(number));
      return new Descriptor(Files.readSymbolicLink(link).toString());
    } catch (IOException unknown) {
      return new Descriptor("");
    }
  }

  /** Whether a person is on the other side. */
  boolean isTerminal() {
    if (target.isEmpty()) {
      return CommandLine.Help.Ansi.AUTO.enabled();
    }
    return target.startsWith("/dev/pts/")
        || target.startsWith("/dev/tty")
        || target.equals("/dev/console");
  }

  /**
   * Whether it was closed when this process began: then the JVM's own first file got its number,
   * and who reads it reads a class library.
   */
  boolean wasClosed() {
    if (!target.startsWith("/")) {
      return false;
    }
    String classPath = System.getProperty("java.class.path", "");
    return isUnder(Path.of(System.getProperty("java.home", "/nowhere")))
        || Arrays.stream(classPath.split(File.pathSeparator, -1))
            .anyMatch(entry -> !entry.isEmpty() && isUnder(Path.of(entry)));
  }

  private boolean isUnder(Path place) {
    try {
      return Path.of(target).startsWith(place.toRealPath());
    } catch (IOException missing) {
      return false;
    }
  }
}
