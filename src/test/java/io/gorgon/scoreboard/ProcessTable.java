package io.gorgon.scoreboard;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/** What /proc says of processes. */
final class ProcessTable {

  private static final Path PROC = Path.of("/proc");
  private static final String TOKEN = "GORGON_RUN=";

  private ProcessTable() {}

  static long memoryOfTheMachine() {
    return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getTotalMemorySize();
  }

  /** Whether it is there and no zombie. */
  static boolean isAlive(long pid) {
    return stateOf(pid).filter(state -> state != 'Z').isPresent();
  }

  private static Optional<Character> stateOf(long pid) {
    return stat(pid).map(text -> text.charAt(text.lastIndexOf(')') + 2));
  }

  private static Optional<String> stat(long pid) {
    try {
      return Optional.of(Files.readString(PROC.resolve(pid + "/stat")));
    } catch (IOException gone) {
      return Optional.empty();
    }
  }

  private static List<Long> pids() {
    try (Stream<Path> all = Files.list(PROC)) {
      return all.map(path -> path.getFileName().toString())
          .filter(name -> name.chars().allMatch(Character::isDigit))
          .map(Long::valueOf)
          .toList();
    } catch (IOException unreadable) {
      throw new AssertionError(unreadable);
    }
  }

  /** The run token that a worker's process carries, which all of its pool carry. */
  static String runTokenOf(long pid) {
    return variables(pid).stream()
        .filter(variable -> variable.startsWith(TOKEN))
        .findFirst()
        .orElseThrow(() -> new AssertionError("process " + pid + " carries no run token"));
  }

  /** How many live processes carry it. */
  static long carriersOf(String token) {
    return pids().stream()
        .filter(ProcessTable::isAlive)
        .filter(p -> variables(p).contains(token))
        .count();
  }

  /** How many live processes still carry it when that time is over, or 0 as soon as none does. */
  static long awaitNoCarriers(String variable, long nanos) {
    long begin = System.nanoTime();
    long left = carriersOf(variable);
    while (left > 0 && System.nanoTime() - begin < nanos) {
      LockSupport.parkNanos(5_000_000);
      left = carriersOf(variable);
    }
    return left;
  }

  private static List<String> variables(long pid) {
    try {
      return List.of(
          new String(Files.readAllBytes(PROC.resolve(pid + "/environ")), StandardCharsets.UTF_8)
              .split("\0"));
    } catch (IOException gone) {
      return List.of();
    }
  }

  /** Dead processes that this JVM has not reaped. */
  static long zombiesOfOurs() {
    long self = ProcessHandle.current().pid();
    return pids().stream()
        .map(ProcessTable::stat)
        .flatMap(Optional::stream)
        .filter(
            text -> {
              String[] fields = text.substring(text.lastIndexOf(')') + 2).split(" ");
              return fields[0].equals("Z") && Long.parseLong(fields[1]) == self;
            })
        .count();
  }

  /** What this process has open. */
  static long descriptorsOfOurs() {
    return count(Path.of("/proc/self/fd"));
  }

  static long count(Path directory) {
    try (Stream<Path> all = Files.list(directory)) {
      return all.count();
    } catch (IOException unreadable) {
      throw new AssertionError(unreadable);
    }
  }
}
