package io.gorgon.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The examples of the page on testing are the tests of the package {@code shop}, word for word. */
class TestingGuideTest {

  private static final Path PAGE = Path.of("src/site/markdown/testing.md");
  private static final Path SHOP = Path.of("src/test/java/shop");
  private static final Pattern EXAMPLE =
      Pattern.compile("<!-- (\\w+) -->\n```java\n(.*?)```", Pattern.DOTALL);

  private static Map<String, String> examples() throws IOException {
    Matcher found = EXAMPLE.matcher(Files.readString(PAGE));
    return found
        .results()
        .collect(Collectors.toMap(result -> result.group(1), result -> result.group(2)));
  }

  @Test
  void thePageShowsWhatIsRunHere() throws IOException {
    List<Path> tests;
    try (Stream<Path> files = Files.list(SHOP)) {
      tests = files.toList();
    }
    Map<String, String> examples = examples();

    assertThat(tests).hasSize(7);
    for (Path test : tests) {
      String name = test.getFileName().toString().replace(".java", "");
      String source = Files.readString(test);
      assertThat(examples.get(name)).isEqualTo(source.substring(source.indexOf('\n') + 2));
    }
  }

  @Test
  void everyPhraseIsOnThePage() throws IOException {
    String page = Files.readString(PAGE);
    for (Class<?> words :
        List.of(
            Phrases.class,
            WorkerOfPhrase.class,
            NextWorkerPhrase.class,
            OutcomePhrase.class,
            SessionPhrase.class,
            CommitPhrase.class,
            StorePhrase.class,
            EventsPhrase.class)) {
      for (var method : words.getDeclaredMethods()) {
        if (java.lang.reflect.Modifier.isPublic(method.getModifiers())) {
          assertThat(page).contains(method.getName() + "(");
        }
      }
    }
  }
}
