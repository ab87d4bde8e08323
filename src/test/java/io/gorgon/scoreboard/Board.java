package io.gorgon.scoreboard;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gorgon.proving.TestMachine;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Rows of one name: written as JSON, and as the table between two markers of the README. */
final class Board {

  static final int ROWS = 25;

  private static final Path README = Path.of("README.md");
  private static final String HEAD =
      "| # | figure | target | measured | |\n|---|---|---|---|---|\n";

  private final String name;
  private final Tier tier;
  private final Map<Integer, Row> rows = new TreeMap<>();

  /** What others had to do on this machine when it began, in processes that want to run. */
  private final double loadBefore =
      ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();

  /**
   * For rows that are measured together.
   *
   * @param name of the markers, and of the JSON file
   */
  Board(String name, Tier tier) {
    this.name = name;
    this.tier = tier;
  }

  void add(Row... measured) {
    for (Row row : measured) {
      rows.put(row.number(), row);
      System.out.printf(
          "[scoreboard] %d %s: %s (%s) %s%n",
          row.number(), row.figure(), row.measured(), row.target(), row.verdict());
    }
  }

  Collection<Row> rows() {
    return rows.values();
  }

  /** Writes the JSON; the README's table too if {@code -Dscoreboard.publish} is set. */
  void write() throws IOException {
    Path file = Files.createDirectories(Path.of("target")).resolve(name + ".json");
    new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValue(file.toFile(), json());
    if (System.getProperty("scoreboard.publish") != null) {
      publish(name, caption() + "\n\n" + table());
    }
  }

  /** The figures as they are in the README must be those of such a table, of whatever day. */
  List<String> publishedRows() throws IOException {
    String readme = Files.readString(README);
    String block = readme.substring(start(name, readme), end(name, readme));
    return block.lines().filter(line -> line.matches("\\| \\d+ \\|.*")).toList();
  }

  /** Puts a text between two markers of the README. */
  static void publish(String marker, String text) throws IOException {
    String readme = Files.readString(README);
    Files.writeString(
        README,
        readme.substring(0, start(marker, readme))
            + "\n"
            + text.strip()
            + "\n"
            + readme.substring(end(marker, readme)));
  }

  private static int start(String marker, String readme) {
    String line = "<!-- " + marker + " -->";
    int at = readme.indexOf(line);
    if (at < 0) {
      throw new AssertionError("README.md has no marker " + line);
    }
    return at + line.length();
  }

  private static int end(String marker, String readme) {
    return readme.indexOf("<!-- /" + marker + " -->");
  }

  private String caption() {
    return LocalDate.now()
        + ", "
        + machine()
        + String.format(Locale.ROOT, ", load average %.0f before it began, ", loadBefore)
        + tier.name()
        + " tier, seed "
        + tier.seed()
        + ":";
  }

  /** What it was measured on. */
  static String machine() {
    return Runtime.getRuntime().availableProcessors()
        + " cores, "
        + Math.round(ProcessTable.memoryOfTheMachine() / 1e9)
        + " GB, JDK "
        + Runtime.version().feature()
        + ", Python "
        + TestMachine.CURRENT.pythonVersion().orElse("missing");
  }

  private String table() {
    var text = new StringBuilder(HEAD);
    for (Row row : rows.values()) {
      text.append(
          String.format(
              "| %d | %s | %s | %s | %s |%n",
              row.number(), row.figure(), row.target(), row.measured(), row.verdict()));
    }
    return text.toString();
  }

  private ObjectNode json() {
    var mapper = new ObjectMapper();
    ObjectNode all = mapper.createObjectNode();
    all.put("date", LocalDate.now().toString())
        .put("tier", tier.name())
        .put("seed", tier.seed())
        .put("replay", tier.replay())
        .put("cores", Runtime.getRuntime().availableProcessors())
        .put("memoryBytes", ProcessTable.memoryOfTheMachine())
        .put("loadBefore", loadBefore)
        .put("jdk", Runtime.version().toString())
        .put("python", TestMachine.CURRENT.pythonVersion().orElse("missing"));
    var list = all.putArray("rows");
    for (Row row : rows.values()) {
      ObjectNode one =
          list.addObject()
              .put("number", row.number())
              .put("figure", row.figure())
              .put("target", row.target())
              .put("measured", row.measured())
              .put("verdict", row.verdict());
      var figures = one.putArray("figures");
      for (Figure figure : row.figures()) {
        figures
            .addObject()
            .put("name", figure.name())
            .put("measured", figure.measured())
            .put("target", figure.target())
            .put("atLeast", figure.atLeast())
            .put("unit", figure.unit())
            .put("gate", figure.gate().name())
            .put("met", figure.isMet());
      }
    }
    return all;
  }
}
