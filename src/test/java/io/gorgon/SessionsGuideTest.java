package io.gorgon;

import static io.gorgon.proving.TestPool.failureOf;
import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure.PythonRaised;
import io.gorgon.pool.CheckoutKind.Affinity;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.pekko.Done;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The snippets of the page on sessions, run on real Python; the last test compares them. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class SessionsGuideTest {

  private static final Path PAGE = Path.of("src/site/markdown/sessions.md");
  private static final Path HERE = Path.of("src/test/java/io/gorgon/SessionsGuideTest.java");
  private static final Path EXAMPLES = Path.of("python-bridge/src/gorgon/examples/sessions.py");

  private static TestPool shared;
  private static PythonPool pool;

  @BeforeAll
  static void start() {
    shared = TestPool.start().awaitReady(2);
    pool = shared.pool();
  }

  @AfterAll
  static void stop() {
    shared.close();
  }

  @Test
  void callsAndState() {
    // snippet: calls
    Session basket = pool.session("customer-42");
    basket.call(Call.of("gorgon.examples.sessions:add", "tea"));
    int things =
        basket
            .call(Call.of("gorgon.examples.sessions:add", "cup").with("count", 2))
            .join()
            .as(Integer.class);
    // end
    assertThat(things).isEqualTo(3);
    assertThat(failureOf(basket.call(Call.of("gorgon.examples.sessions:buy", 2))))
        .isInstanceOf(PythonRaised.class);

    // snippet: state
    Map<String, Object> kept = basket.state().toCompletableFuture().join().decoded();
    CompletionStage<Done> ended = basket.end();
    // end

    assertThat(kept).isEqualTo(Map.of("basket", Map.of("tea", 1, "cup", 2)));
    get(ended);
    assertThat(get(basket.call(Call.of("gorgon.examples.sessions:buy", 2))).value())
        .isEqualTo(Map.of());
  }

  @Test
  void pinned() {
    // snippet: pinned
    Session pinned = pool.session("customer-42").with(Affinity.PINNED);
    boolean fits =
        pinned.call(Call.of("gorgon.examples.sessions:matches", "tea")).join().as(Boolean.class);
    // end

    assertThat(fits).isTrue();
  }

  @Test
  void thePageShowsWhatIsRun() throws IOException {
    String page = Files.readString(PAGE);
    Map<String, String> here = snippets(Files.readString(HERE), "// snippet: (\\w+)\n(.*?)// end");

    assertThat(here).hasSize(3);
    assertThat(snippets(page, "<!-- (\\w+) -->\n```java\n(.*?)```")).isEqualTo(here);
    snippets(page, "<!-- (sessions).py -->\n```python\n(.*?)```")
        .values()
        .forEach(
            shown -> {
              try {
                assertThat(Files.readString(EXAMPLES)).contains(shown);
              } catch (IOException unreadable) {
                throw new AssertionError(unreadable);
              }
            });
  }

  private static Map<String, String> snippets(String text, String pattern) {
    return Pattern.compile(pattern, Pattern.DOTALL)
        .matcher(text)
        .results()
        .filter(result -> !result.group(1).equals("snippet"))
        .collect(Collectors.toMap(result -> result.group(1), SessionsGuideTest::shown));
  }

  private static String shown(MatchResult result) {
    return result.group(2).stripIndent().strip();
  }
}
