package io.gorgon.process;

import io.gorgon.message.PythonFailure.StartFailed;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * This takes the bridge's Python sources out of the jar, into a directory that is named by their
 * SHA-256, so that versions never mix and CPython can cache its byte code beside them.
 */
public final class BridgePackage {

  private static final String RESOURCE = "/io/gorgon/bridge";

  private BridgePackage() {}

  /**
   * Gives the directory that Python runs: {@code $XDG_CACHE_HOME/gorgon/HASH} (or {@code
   * ~/.cache/gorgon/HASH}), or one inside {@code fallback} where the cache cannot be written or
   * somebody has changed what is in it. Blocks on the file system; safe to call from many threads
   * and JVMs at once.
   *
   * @throws StartFailed of kind ENVIRONMENT if neither place can be written
   */
  public static Path unpack(Path fallback) {
    return unpack(cache(), fallback);
  }

  static Path unpack(Path cache, Path fallback) {
    Map<String, byte[]> sources = sources();
    String hash = hash(sources);
    try {
      return unpackInto(cache, hash, sources);
    } catch (IOException readOnly) {
      try {
        return unpackInto(fallback, "bridge", sources);
      } catch (IOException refused) {
        throw new StartFailed(
            StartFailed.Kind.ENVIRONMENT,
            "the Python bridge cannot be unpacked ("
                + readOnly
                + "; "
                + refused
                + "): make "
                + cache
                + " writable, or set XDG_CACHE_HOME",
            "");
      }
    }
  }

  private static Path cache() {
    String configured = System.getenv("XDG_CACHE_HOME");
    Path home =
        configured != null && !configured.isEmpty()
            ? Path.of(configured)
            : Path.of(System.getProperty("user.home", "/"), ".cache");
    return home.resolve("gorgon");
  }

  private static Path unpackInto(Path parent, String name, Map<String, byte[]> sources)
      throws IOException {
    Path home = parent.resolve(name);
    if (isWhole(home, sources)) {
      return home;
    }
    Files.createDirectories(parent);
    Path draft =
        Files.createTempDirectory(
            parent,
            ".draft-",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    try {
      for (var source : sources.entrySet()) {
        Path file = draft.resolve(source.getKey());
        Files.createDirectories(file.getParent());
        Files.write(file, source.getValue());
      }
      Files.move(draft, home, StandardCopyOption.ATOMIC_MOVE);
    } catch (FileSystemException another) {
      // Another JVM was faster; or somebody has changed the copy: then it is left to its owner.
      if (!isWhole(home, sources)) {
        throw another;
      }
    } finally {
      RunDirectory.deleteTree(draft);
    }
    return home;
  }

  private static boolean isWhole(Path home, Map<String, byte[]> sources) throws IOException {
    for (var source : sources.entrySet()) {
      Path file = home.resolve(source.getKey());
      if (!Files.isRegularFile(file)
          || !Arrays.equals(Files.readAllBytes(file), source.getValue())) {
        return false;
      }
    }
    return true;
  }

  private static Map<String, byte[]> sources() {
    URL root = BridgePackage.class.getResource(RESOURCE);
    if (root == null) {
      throw new IllegalStateException(
          "the jar lacks " + RESOURCE + ": it was built without its Python part");
    }
    try {
      URI uri = root.toURI();
      if (!uri.getScheme().equals("jar")) {
        return read(Path.of(uri));
      }
      try (FileSystem jar = FileSystems.newFileSystem(uri, Map.of())) {
        return read(jar.getPath(RESOURCE));
      } catch (FileSystemAlreadyExistsException shared) {
        return read(FileSystems.getFileSystem(uri).getPath(RESOURCE));
      }
    } catch (IOException | URISyntaxException unreadable) {
      throw new IllegalStateException("the Python bridge cannot be read from " + root, unreadable);
    }
  }

  private static Map<String, byte[]> read(Path root) throws IOException {
    Map<String, byte[]> sources = new TreeMap<>();
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        if (!file.toString().contains("__pycache__")) {
          try (InputStream in = Files.newInputStream(file)) {
            sources.put(root.relativize(file).toString(), in.readAllBytes());
          }
        }
      }
    }
    return sources;
  }

  private static String hash(Map<String, byte[]> sources) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      sources.forEach(
          (name, bytes) -> {
            digest.update(name.getBytes(java.nio.charset.StandardCharsets.UTF_8));
            digest.update((byte) 0);
            digest.update(bytes);
          });
      return HexFormat.of().formatHex(digest.digest(), 0, 16);
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
