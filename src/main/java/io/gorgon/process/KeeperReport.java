package io.gorgon.process;

import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.Exit;
import io.gorgon.message.PythonFailure.StartFailed;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** These are the lines that a keeper writes to the JVM. */
sealed interface KeeperReport {

  /** The keeper runs. */
  record Hello(long pid, PythonDescription python) implements KeeperReport {}

  /** This interpreter cannot run the bridge. */
  record Refused(String reason, String python, String executable) implements KeeperReport {}

  /** A worker process exists; it has not spoken yet. */
  record Spawned(Key key, long pid) implements KeeperReport {}

  /** A worker process could not be made. */
  record SpawnFailed(Key key, StartFailed failure) implements KeeperReport {}

  /** A worker process ended and was reaped. */
  record Exited(Key key, long pid, Exit exit) implements KeeperReport {}

  /** The process that workers are forked from has imported its modules. */
  record Template(long pid, long millis, List<String> modules, String printed)
      implements KeeperReport {}

  /** Memory of each worker's process group, in bytes. */
  record Memory(Map<Key, Long> bytes) implements KeeperReport {}

  /** Memory that the keeper made for an order, or why it could not. */
  record MadeMemory(long order, long pid, int descriptor, String problem) implements KeeperReport {}

  /** Something that an operator may want to read. */
  record Notice(String level, String message) implements KeeperReport {}

  /** One incarnation of one slot. */
  record Key(int slot, long generation) {}

  /**
   * Reads one line.
   *
   * @throws IllegalArgumentException for a line of another shape
   */
  static KeeperReport from(JsonNode line) {
    String event = line.path("event").asText();
    return switch (event) {
      case "hello" -> new Hello(line.path("pid").asLong(), PythonDescription.from(line));
      case "refused" ->
          new Refused(
              line.path("reason").asText(),
              line.path("python").asText(),
              line.path("executable").asText());
      case "spawned" -> new Spawned(key(line), line.path("pid").asLong());
      case "spawn_failed" -> new SpawnFailed(key(line), spawnFailure(line));
      case "template" ->
          new Template(
              line.path("pid").asLong(),
              line.path("milliseconds").asLong(),
              texts(line.path("modules")),
              line.path("printed").asText());
      case "exited" ->
          new Exited(
              key(line),
              line.path("pid").asLong(),
              new Exit(number(line.path("code")), number(line.path("signal"))));
      case "memory" -> {
        var bytes = new HashMap<Key, Long>();
        line.path("workers").forEach(one -> bytes.put(key(one), one.path("rss").asLong()));
        yield new Memory(bytes);
      }
      case "segment" ->
          new MadeMemory(
              line.path("order").asLong(),
              line.path("pid").asLong(),
              line.path("descriptor").asInt(-1),
              line.path("message").asText());
      case "warning", "error" -> new Notice(event, line.path("message").asText());
      default -> throw new IllegalArgumentException("unknown keeper report: " + event);
    };
  }

  /** What its template says went wrong, or what the keeper itself could not do. */
  private static StartFailed spawnFailure(JsonNode line) {
    return line.path("failure").isObject()
        ? StartFailure.from(line.path("failure"))
        : new StartFailed(StartFailed.Kind.ENVIRONMENT, line.path("message").asText(), "");
  }

  private static List<String> texts(JsonNode array) {
    List<String> texts = new ArrayList<>();
    array.forEach(one -> texts.add(one.asText()));
    return List.copyOf(texts);
  }

  private static Key key(JsonNode line) {
    if (!line.path("slot").isInt() || !line.path("generation").isIntegralNumber()) {
      throw new IllegalArgumentException("a report about no worker: " + line);
    }
    return new Key(line.path("slot").asInt(), line.path("generation").asLong());
  }

  private static @Nullable Integer number(JsonNode node) {
    return node.isNumber() ? node.asInt() : null;
  }
}
