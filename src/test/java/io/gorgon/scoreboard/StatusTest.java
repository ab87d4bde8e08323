package io.gorgon.scoreboard;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The evidence that the status page names is there. */
class StatusTest {

  private static final Pattern QUOTED = Pattern.compile("`([^`]+)`");

  private static List<String> quoted() throws IOException {
    List<String> all = new ArrayList<>();
    Matcher matcher = QUOTED.matcher(Files.readString(Path.of("src/site/markdown/status.md")));
    while (matcher.find()) {
      all.add(matcher.group(1));
    }
    return all;
  }

  private static Set<String> filesUnder(String... roots) throws IOException {
    Set<String> names = new HashSet<>();
    for (String root : roots) {
      try (Stream<Path> files = Files.walk(Path.of(root))) {
        files.forEach(file -> names.add(file.getFileName().toString()));
      }
    }
    return names;
  }

  @Test
  void everyTestThatIsNamedExists() throws IOException {
    Set<String> files = filesUnder("src/test/java", "python-bridge/tests");
    List<String> named =
        quoted().stream()
            .filter(text -> text.matches("[A-Z]\\w+Test|test_\\w+\\.py"))
            .map(text -> text.endsWith(".py") ? text : text + ".java")
            .toList();

    assertThat(named).hasSizeGreaterThan(80);
    assertThat(named).allSatisfy(file -> assertThat(files).contains(file));
  }

  @Test
  void everyCommandThatIsNamedExists() throws IOException {
    String pom = Files.readString(Path.of("pom.xml"));
    Set<String> commands =
        filesUnder("src/main/java/io/gorgon/cli").stream()
            .map(file -> file.replace("Command.java", "").toLowerCase(java.util.Locale.ROOT))
            .collect(Collectors.toSet());
    List<String> named =
        quoted().stream().filter(text -> text.matches("(mvn|java|\\.ci/).*")).toList();

    assertThat(named).hasSizeGreaterThan(4);
    for (String command : named) {
      String[] words = command.split(" ");
      String last = words[words.length - 1];
      if (words[0].equals("java")) {
        assertThat(commands).as(command).contains(last);
      } else {
        assertThat(last).as(command).isEqualTo("verify");
        for (String word : words) {
          if (word.startsWith("-P")) {
            assertThat(pom).as(command).contains("<id>" + word.substring(2) + "</id>");
          }
        }
      }
    }
  }
}
