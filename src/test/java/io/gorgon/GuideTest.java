package io.gorgon;

import static io.gorgon.proving.TestPool.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.type.TypeReference;
import io.gorgon.message.Attachment;
import io.gorgon.message.Call;
import io.gorgon.message.Chunk;
import io.gorgon.message.Exceptions;
import io.gorgon.message.Progress;
import io.gorgon.message.PythonFailure.PythonRaised;
import io.gorgon.message.Reply;
import io.gorgon.message.WorkerId;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestPool;
import io.gorgon.stream.JavaSource;
import io.gorgon.tool.Tools;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.CompletionStage;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.japi.Pair;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.stream.javadsl.SourceWithContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The snippets of the guide, run on real Python. Each stands in the guide as it stands here,
 * between the two marks; the last test compares them.
 */
@NeedsLayer(Layer.BRIDGE_MOCK)
class GuideTest {

  private static final Path GUIDE = Path.of("src/site/markdown/guide.md");
  private static final Path HERE = Path.of("src/test/java/io/gorgon/GuideTest.java");

  private static TestPool shared;
  private static PythonPool pool;
  private static ActorSystem<?> system;

  @BeforeAll
  static void start() {
    shared = TestPool.start().awaitReady(2);
    pool = shared.pool();
    system = shared.system();
  }

  @AfterAll
  static void stop() {
    shared.close();
  }

  @Test
  void streams() {
    // snippet: streams
    Source<Chunk, RunningCall> numbers =
        pool.stream(Call.of("gorgon.examples.streams:count_down", 1_000));
    CompletionStage<List<Integer>> firstThree =
        numbers.map(chunk -> chunk.as(Integer.class)).take(3).runWith(Sink.seq(), system);
    // end

    assertThat(get(firstThree)).containsExactly(1_000, 999, 998);
  }

  @Test
  void flows() {
    List<String> lines = List.of("one two", "three");
    // snippet: flows
    CompletionStage<List<Integer>> words =
        Source.from(lines)
            .via(pool.flow(4, line -> Call.of("gorgon.examples.text:analyse", line)))
            .map(reply -> reply.tree().get("words").asInt())
            .runWith(Sink.seq(), system);
    // end

    assertThat(get(words)).containsExactly(2, 1);
  }

  @Test
  void offsets() {
    Source<Pair<String, Long>, ?> records = Source.single(Pair.create("one two", 41L));
    // snippet: offsets
    CompletionStage<List<Pair<Reply, Long>>> committed =
        SourceWithContext.fromPairs(records)
            .via(pool.flowWithContext(4, line -> Call.of("gorgon.examples.text:analyse", line)))
            .asSource()
            .runWith(Sink.seq(), system);
    // end

    assertThat(get(committed).get(0).second()).isEqualTo(41L);
  }

  @Test
  void sources() {
    // snippet: sources
    Source<String, ?> words = Source.from(List.of("a", "b", "a"));
    Source<Chunk, RunningCall> totals =
        pool.stream(Call.of("gorgon.examples.streams:running_totals", JavaSource.of(words)));
    // end

    List<Map<String, Integer>> seen =
        get(
            totals
                .map(chunk -> chunk.as(new TypeReference<Map<String, Integer>>() {}))
                .runWith(Sink.seq(), system));
    assertThat(seen.get(2)).isEqualTo(Map.of("a", 2, "b", 1));
  }

  @Test
  void tools() {
    Map<String, String> weather = Map.of("Rome", "sunny");
    // snippet: tools
    pool.offer(Tools.NONE.with("weather", call -> weather.get(call.argument(0, String.class))));
    RunningCall trip = pool.call(Call.of("gorgon.examples.tools:trip", List.of("Rome", "Oslo")));
    // end

    Map<String, String> found = get(trip).as(new TypeReference<Map<String, String>>() {});
    assertThat(found).containsEntry("Rome", "sunny").containsEntry("Oslo", null);
  }

  @Test
  void progress() {
    List<String> lines = List.of("ab", "abcd");
    // snippet: progress
    RunningCall running = pool.call(Call.of("gorgon.examples.progress:mean_length", lines));
    Source<Progress, ?> progress = running.progress();
    // end

    get(progress.runWith(Sink.seq(), system));
    assertThat(get(running).as(Double.class)).isEqualTo(3.0);
  }

  @Test
  void arrays() {
    // snippet: arrays
    Attachment matrix = Attachment.of(new double[] {1, 2, 3, 4, 5, 6}, 2, 3);
    Reply reply = get(pool.call(Call.of("targets:echo", matrix)));
    double[] same = reply.as(Attachment.class).toDoubleArray();
    // end

    assertThat(same).containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(reply.as(Attachment.class).shape()).containsExactly(2, 3);
  }

  @Test
  void limits() {
    // snippet: limits
    Call call =
        Call.of("gorgon.examples.streams:ticks", 0.01, 3)
            .withTimeout(Duration.ofSeconds(5)) // until the first element
            .withIdleTimeout(Duration.ofSeconds(1)) // between two
            .withTrace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    // end

    assertThat(get(pool.stream(call).runWith(Sink.seq(), system))).hasSize(3);
  }

  private static final class OutOfStock extends RuntimeException {
    OutOfStock(PythonRaised raised) {
      super(raised.exception().message(), raised);
    }
  }

  @Test
  void exceptions() {
    try (var own = TestPool.start().awaitReady(1)) {
      PythonPool pool = own.pool();
      // snippet: exceptions
      pool.translate(
          Exceptions.NONE
              .with("gorgon.examples.shop.OutOfStock", raised -> new OutOfStock(raised))
              .with("LookupError", raised -> new NoSuchElementException(raised.getMessage())));
      // end

      assertThatThrownBy(() -> pool.call(Call.of("gorgon.examples.shop:sell", "tea", 5)).join())
          .isInstanceOf(OutOfStock.class)
          .hasMessage("2 tea too few");
      assertThatThrownBy(() -> pool.call(Call.of("targets:raise_error", "KeyError", "x")).join())
          .isInstanceOf(NoSuchElementException.class)
          .hasCauseInstanceOf(PythonRaised.class);
    }
  }

  @Test
  void dump() {
    WorkerId worker = get(pool.call(Call.of("targets:pid"))).worker();
    // snippet: dump
    CompletionStage<String> stacks = pool.dump(worker);
    // end

    assertThat(get(stacks)).contains("Current thread 0x");
  }

  @Test
  void theGuideShowsWhatIsRunHere() throws IOException {
    Map<String, String> here = snippets(Files.readString(HERE), "// snippet: (\\w+)\n(.*?)// end");
    Map<String, String> there =
        snippets(Files.readString(GUIDE), "<!-- (\\w+) -->\n```java\n(.*?)```");

    assertThat(here).isNotEmpty();
    assertThat(there).isEqualTo(here);
  }

  private static Map<String, String> snippets(String text, String pattern) {
    Matcher found = Pattern.compile(pattern, Pattern.DOTALL).matcher(text);
    return found
        .results()
        .filter(result -> !result.group(1).equals("snippet"))
        .collect(
            Collectors.toMap(
                result -> result.group(1), result -> result.group(2).stripIndent().strip()));
  }
}
