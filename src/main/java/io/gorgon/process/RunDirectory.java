package io.gorgon.process;

import io.gorgon.message.PythonFailure.StartFailed;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.stream.Stream;

/**
 * This is the private directory (mode 0700) where a pool's sockets, pipes and status pages meet.
 * Its path is kept short: a unix socket's path has to fit 107 bytes. The keeper removes it when the
 * JVM is gone, the pool when it closes.
 */
public final class RunDirectory {

  /** What the name begins with; the keeper removes no directory that is named otherwise. */
  public static final String PREFIX = "gorgon-";

  private static final int LONGEST_SOCKET_PATH = 107;
  private static final int LONGEST_FILE_NAME = 32;

  private final Path path;

  private RunDirectory(Path path) {
    this.path = path;
  }

  /**
   * Makes a directory of its own under {@code java.io.tmpdir}, or under {@code /tmp} where that
   * path is too long for sockets. Blocks on the file system.
   *
   * @throws StartFailed of kind ENVIRONMENT if it cannot be made
   */
  public static RunDirectory create() {
    return create(Path.of(System.getProperty("java.io.tmpdir", "/tmp")));
  }

  static RunDirectory create(Path wanted) {
    Path home = wanted;
    int length = home.toString().getBytes(StandardCharsets.UTF_8).length;
    if (length + PREFIX.length() + 20 + LONGEST_FILE_NAME > LONGEST_SOCKET_PATH) {
      home = Path.of("/tmp");
    }
    try {
      return new RunDirectory(
          Files.createTempDirectory(
              home,
              PREFIX,
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))));
    } catch (IOException refused) {
      throw new StartFailed(
          StartFailed.Kind.ENVIRONMENT,
          "no private directory can be made under "
              + home
              + " ("
              + refused
              + "): free some space or set -Djava.io.tmpdir",
          "");
    }
  }

  /** The directory. */
  public Path path() {
    return path;
  }

  /** The path of {@code name} in it. */
  public Path file(String name) {
    return path.resolve(name);
  }

  /** Removes it with what is in it; what is gone already does not matter. Blocks. */
  public void delete() {
    deleteTree(path);
  }

  /** Removes a directory with all that is in it, as far as it can. Follows no links. */
  static void deleteTree(Path root) {
    try (Stream<Path> files = Files.walk(root)) {
      files.sorted(Comparator.reverseOrder()).forEach(RunDirectory::deleteQuietly);
    } catch (IOException | UncheckedIOException gone) {
      // Somebody else removes it too.
    }
  }

  /** Removes a file if it is there. */
  public static void deleteQuietly(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException inUse) {
      // The keeper removes the directory once more when it ends.
    }
  }
}
