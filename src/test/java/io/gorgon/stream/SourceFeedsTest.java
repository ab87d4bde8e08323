package io.gorgon.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.Call;
import io.gorgon.message.Elements;
import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure.ProtocolViolation;
import io.gorgon.message.PythonFailure.TooLarge;
import io.gorgon.proving.NotingHolder;
import io.gorgon.testkit.VirtualTime;
import io.gorgon.wire.Frame;
import io.gorgon.worker.Dialogue;
import io.gorgon.worker.PendingCall;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.apache.pekko.Done;
import org.apache.pekko.NotUsed;
import org.apache.pekko.japi.Pair;
import org.apache.pekko.stream.Materializer;
import org.apache.pekko.stream.SystemMaterializer;
import org.apache.pekko.stream.javadsl.Keep;
import org.apache.pekko.stream.javadsl.Source;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Java sources, run as Python pulls. */
class SourceFeedsTest {

  private static final long LIMIT = 1_024;

  private static VirtualTime time;
  private static Materializer materializer;

  private final NotingHolder worker = new NotingHolder();
  private final PendingCall call =
      new PendingCall("c", Call.of("m:f"), Payload.EMPTY, 0, 0, Dialogue.NONE);

  /** What has no form on the wire. */
  private static final class Untellable {
    @SuppressWarnings("unused") // read by Jackson
    public int getValue() {
      throw new IllegalStateException("by the test");
    }
  }

  @BeforeAll
  static void begin() {
    time = VirtualTime.begin();
    materializer = SystemMaterializer.get(time.system()).materializer();
  }

  @AfterAll
  static void end() {
    time.close();
  }

  @BeforeEach
  void run() {
    call.heldBy(worker);
  }

  private static SourceFeeds feeds(Source<?, ?>... sources) {
    List<Elements> elements = List.of(sources).stream().<Elements>map(JavaSource::of).toList();
    return new SourceFeeds(elements, materializer, LIMIT);
  }

  private static Source<Integer, NotUsed> numbers(int count) {
    return Source.from(IntStream.rangeClosed(1, count).boxed().toList());
  }

  private void pull(SourceFeeds feeds, String body) {
    feeds.onPull(
        call,
        Frame.of(Frame.Kind.PULL, NotingHolder.REQUEST, body.getBytes(StandardCharsets.UTF_8)));
    time.settle();
  }

  private void pull(SourceFeeds feeds, int source, int count) {
    pull(feeds, "{\"source\":" + source + ",\"n\":" + count + "}");
  }

  private void assertIsFirstItem(JsonNode body) {
    assertThat(worker.sent())
        .allMatch(frame -> frame.kind() == Frame.Kind.ITEM && frame.id() == NotingHolder.REQUEST);
    assertThat(body.path("source").asInt(-1)).isZero();
    assertThat(body.path("values")).extracting(JsonNode::asInt).containsExactly(1);
  }

  @Test
  void pythonGetsAsManyElementsAsItPulls() {
    SourceFeeds feeds = feeds(numbers(9).map(List::of));
    pull(feeds, 0, 2);
    assertThat(worker.bodies())
        .extracting(body -> body.path("values").toString())
        .containsExactly("[[1]]", "[[2]]");

    pull(feeds, 0, 1);
    assertThat(worker.bodies())
        .extracting(body -> body.path("values").toString())
        .containsExactly("[[1]]", "[[2]]", "[[3]]");
  }

  @Test
  void aSourceThatPythonDoesNotPullIsNotRun() {
    var runs = new AtomicInteger();
    SourceFeeds feeds =
        feeds(
            numbers(3),
            Source.lazySource(
                () -> {
                  runs.incrementAndGet();
                  return numbers(3);
                }));
    pull(feeds, 0, 1);
    assertThat(runs).hasValue(0);

    pull(feeds, 1, 1);
    pull(feeds, 1, 1);
    assertThat(runs).hasValue(1);
    assertThat(worker.bodies())
        .extracting(body -> body.path("source").asInt())
        .containsExactly(0, 1, 1);
  }

  @Test
  void theEndIsToldOnceHoweverMuchIsPulled() {
    SourceFeeds feeds = feeds(numbers(1));
    pull(feeds, 0, 5);
    pull(feeds, 0, 5);

    assertThat(worker.bodies()).hasSize(2);
    assertIsFirstItem(worker.bodies().get(0));
    assertThat(worker.bodies().get(1).path("end").asBoolean()).isTrue();
    assertThat(worker.bodies().get(1).path("source").asInt()).isZero();
  }

  @Test
  void theFailureOfASourceIsToldByTypeAndMessageOnce() {
    SourceFeeds feeds = feeds(Source.failed(new IllegalStateException("no more")));
    pull(feeds, 0, 2);
    pull(feeds, 0, 2);

    assertThat(worker.bodies()).hasSize(1);
    JsonNode failure = worker.bodies().get(0).path("failure");
    assertThat(failure.path("type").asText()).isEqualTo("java.lang.IllegalStateException");
    assertThat(failure.path("message").asText()).isEqualTo("no more");
  }

  @Test
  void elementsBeforeAFailureComeFirst() {
    Source<Integer, NotUsed> failing =
        numbers(3)
            .map(
                number -> {
                  if (number == 2) {
                    throw new IllegalStateException("at two");
                  }
                  return number;
                });
    pull(feeds(failing), 0, 3);

    assertThat(worker.bodies()).hasSize(2);
    assertIsFirstItem(worker.bodies().get(0));
    assertThat(worker.bodies().get(1).path("failure").path("message").asText()).isEqualTo("at two");
  }

  @Test
  void anElementThatIsTooLargeEndsTheSourceAndIsToldAsItsFailure() {
    Pair<CompletionStage<Done>, Source<String, NotUsed>> watched =
        Source.repeat("x".repeat(2_000))
            .watchTermination(Keep.right())
            .preMaterialize(materializer);
    pull(feeds(watched.second()), 0, 3);

    assertThat(worker.bodies()).hasSize(1);
    assertThat(worker.bodies().get(0).path("failure").path("type").asText())
        .isEqualTo(TooLarge.class.getName());
    assertThat(time.isDone(watched.first())).isTrue();
  }

  @Test
  void anElementThatCannotTravelIsToldAsTheSourcesFailure() {
    pull(feeds(Source.single(new Untellable())), 0, 1);

    assertThat(worker.bodies()).hasSize(1);
    assertThat(worker.bodies().get(0).path("failure").path("type").asText())
        .endsWith("NotSerializable");
  }

  @Test
  void theEndOfTheCallEndsItsSources() {
    Pair<CompletionStage<Done>, Source<Integer, NotUsed>> watched =
        Source.<Integer>maybe()
            .mapMaterializedValue(never -> NotUsed.getInstance())
            .watchTermination(Keep.right())
            .preMaterialize(materializer);
    pull(feeds(watched.second()), 0, 1);
    assertThat(time.isDone(watched.first())).isFalse();

    call.cancel("by the test");

    assertThat(time.isDone(watched.first())).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"source\":1,\"n\":1}",
        "{\"source\":-1,\"n\":1}",
        "{\"n\":1}",
        "{\"source\":\"x\",\"n\":1}",
        "{\"source\":0,\"n\":0}",
        "{\"source\":0,\"n\":-1}",
        "{\"source\":0}",
        "{\"source\":",
        "[]",
        ""
      })
  void aPullThatMakesNoSenseBreaksTheProtocol(String body) {
    SourceFeeds feeds = feeds(numbers(3));

    assertThatThrownBy(() -> pull(feeds, body)).isInstanceOf(ProtocolViolation.class);
    assertThat(worker.sent()).isEmpty();
  }
}
