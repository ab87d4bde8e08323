package io.gorgon.testkit;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The processes of a pool, as the operating system has them: those whose environment carries a run
 * token that only the pool's keeper and its descendants were given. Zombies do not count. Linux
 * only; elsewhere there seem to be none.
 */
final class RunProcesses {

  private static final Path PROC = Path.of("/proc");
  private static final String VARIABLE = "GORGON_RUN=";

  private RunProcesses() {}

  /** The token that a process carries, or the empty text. */
  static String tokenOf(long pid) {
    for (String variable : read(PROC.resolve(pid + "/environ")).split("\0", -1)) {
      if (variable.startsWith(VARIABLE)) {
        return variable.substring(VARIABLE.length());
      }
    }
    return "";
  }

  /** Those that carry one of the tokens and live: pid and command line. */
  static List<String> alive(Set<String> tokens) {
    List<String> alive = new ArrayList<>();
    if (tokens.isEmpty() || !Files.isDirectory(PROC.resolve("self"))) {
      return alive;
    }
    try (DirectoryStream<Path> processes = Files.newDirectoryStream(PROC, "[0-9]*")) {
      for (Path process : processes) {
        String pid = process.getFileName().toString();
        if (tokens.contains(tokenOf(Long.parseLong(pid))) && !isZombie(process)) {
          alive.add(pid + " (" + read(process.resolve("cmdline")).replace('\0', ' ').strip() + ")");
        }
      }
    } catch (IOException unreadable) {
      throw new AssertionError(unreadable);
    }
    return alive;
  }

  private static boolean isZombie(Path process) {
    String stat = read(process.resolve("stat"));
    return stat.isEmpty() || stat.startsWith(" Z", stat.lastIndexOf(')') + 1);
  }

  private static String read(Path file) {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
    } catch (IOException goneOrForeign) {
      return "";
    }
  }
}
