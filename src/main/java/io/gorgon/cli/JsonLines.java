package io.gorgon.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Files with one JSON value a line: what is to be done, and what is done already. */
final class JsonLines {

  private JsonLines() {}

  /** A line that is not blank, and its number, from 1. */
  record Line(long number, String text) {}

  static List<Line> read(Path file) throws IOException {
    List<Line> lines = new ArrayList<>();
    long number = 0;
    for (String text : Files.readAllLines(file)) {
      number++;
      if (!text.isBlank()) {
        lines.add(new Line(number, text.strip()));
      }
    }
    return lines;
  }

  /** Where answers go, and which there were before. */
  record Answers(Set<Long> done, PrintStream out, boolean closes) implements AutoCloseable {

    boolean isDone(long line) {
      return done.contains(line);
    }

    @Override
    public void close() {
      out.flush();
      if (closes) {
        out.close();
      }
    }
  }

  /**
   * Opens a file to go on with it: answered lines stay; failed ones, and one that a crash has cut,
   * are taken out, so that each line is there once in the end.
   */
  static Answers answers(@Nullable File file) throws IOException {
    if (file == null) {
      return new Answers(
          Set.of(), new PrintStream(System.out, false, StandardCharsets.UTF_8), false);
    }
    Path path = file.toPath();
    Set<Long> done = new HashSet<>();
    if (Files.exists(path)) {
      List<String> kept = new ArrayList<>();
      List<String> all = Files.readAllLines(path);
      for (String text : all) {
        JsonNode answer = parse(text);
        if (answer.path("line").isIntegralNumber()
            && answer.has("outputs")
            && done.add(answer.path("line").asLong())) {
          kept.add(text);
        }
      }
      replace(path, kept);
    }
    return new Answers(
        done,
        new PrintStream(
            Files.newOutputStream(path, StandardOpenOption.CREATE, StandardOpenOption.APPEND),
            false,
            StandardCharsets.UTF_8),
        true);
  }

  /** The old file is there until the new one is complete. */
  private static void replace(Path path, List<String> lines) throws IOException {
    Path beside = path.resolveSibling(path.getFileName() + ".part");
    Files.write(beside, lines);
    Files.move(beside, path, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }

  private static JsonNode parse(String text) {
    try {
      return CallArguments.parse(text);
    } catch (JsonProcessingException cut) {
      return MissingNode.getInstance();
    }
  }
}
