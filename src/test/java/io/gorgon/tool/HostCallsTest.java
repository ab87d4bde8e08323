package io.gorgon.tool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.Call;
import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.ProtocolViolation;
import io.gorgon.proving.NotingHolder;
import io.gorgon.wire.Frame;
import io.gorgon.worker.Dialogue;
import io.gorgon.worker.PendingCall;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.MDC;

/** What Python is told of the tools that it calls. */
class HostCallsTest {

  private static final long NOW = 1_000;
  private static final long LIMIT = 4_096;

  /** What has no form on the wire. */
  private static final class Untellable {
    @SuppressWarnings("unused") // read by Jackson
    public int getValue() {
      throw new IllegalStateException("by the test");
    }
  }

  private final NotingHolder worker = new NotingHolder();
  private final PendingCall call =
      new PendingCall(
          "c-1",
          Call.of("m:f"),
          Payload.EMPTY,
          0,
          NOW + Duration.ofSeconds(3).toNanos(),
          Dialogue.NONE);
  private final Deque<Runnable> waiting = new ArrayDeque<>();
  private Tools tools = Tools.NONE;

  private final HostCalls calls = new HostCalls(() -> tools, 2, waiting::addLast, () -> NOW, LIMIT);

  @BeforeEach
  void run() {
    call.heldBy(worker);
  }

  private void ask(String body) {
    calls.onHostCall(
        call,
        Frame.of(
            Frame.Kind.HOST_CALL, NotingHolder.REQUEST, body.getBytes(StandardCharsets.UTF_8)));
    waiting.removeFirst().run();
  }

  private void ask(String name, String arguments) {
    ask("{\"host\":5,\"name\":\"" + name + "\",\"args\":" + arguments + ",\"kwargs\":{}}");
  }

  private JsonNode told() {
    assertThat(worker.sent()).hasSize(1);
    Frame frame = worker.sent().get(0);
    assertThat(frame.kind()).isEqualTo(Frame.Kind.HOST_REPLY);
    assertThat(frame.id()).isEqualTo(NotingHolder.REQUEST);
    JsonNode body = worker.bodies().get(0);
    assertThat(body.path("host").asLong()).isEqualTo(5);
    return body;
  }

  private void assertRaised(String kind, Class<?> type, String message) {
    JsonNode failure = told().path("failure");
    assertThat(failure.path("kind").asText()).isEqualTo(kind);
    assertThat(failure.path("type").asText()).isEqualTo(type.getName());
    assertThat(failure.path("message").asText()).contains(message);
    assertThat(failure.path("names")).isEmpty();
  }

  @Test
  void aToolIsRunByTheExecutorAndNotByWhoeverBringsTheQuestion() {
    List<String> ran = new ArrayList<>();
    tools = Tools.NONE.with("t", asked -> ran.add("it"));
    calls.onHostCall(
        call,
        Frame.of(
            Frame.Kind.HOST_CALL,
            NotingHolder.REQUEST,
            "{\"host\":5,\"name\":\"t\"}".getBytes(StandardCharsets.UTF_8)));
    assertThat(ran).isEmpty();
    assertThat(worker.sent()).isEmpty();

    waiting.removeFirst().run();

    assertThat(ran).containsExactly("it");
    assertThat(told().path("value").asBoolean()).isTrue();
  }

  @Test
  void aToolGetsItsArgumentsAndItsValueIsTold() {
    tools =
        Tools.NONE.with(
            "add",
            asked -> asked.argument(0, Integer.class) + asked.argument("more", Integer.class));
    ask("{\"host\":5,\"name\":\"add\",\"args\":[3],\"kwargs\":{\"more\":4}}");

    assertThat(told().path("value").asInt()).isEqualTo(7);
    assertThat(told().has("failure")).isFalse();
  }

  @Test
  void aToolMayAnswerLaterAndWithNothing() {
    var later = new CompletableFuture<Object>();
    tools = Tools.NONE.withAsync("t", asked -> later);
    ask("t", "[]");
    assertThat(worker.sent()).isEmpty();

    later.complete(null);

    assertThat(told().get("value").isNull()).isTrue();
  }

  @Test
  void aToolThatIsNotThereIsUnknownAndThoseThatAreAreNamed() {
    tools = Tools.NONE.with("a", asked -> 1).with("b", asked -> 2);
    ask("c", "[]");

    JsonNode failure = told().path("failure");
    assertThat(failure.path("kind").asText()).isEqualTo("unknown");
    assertThat(failure.path("message").asText()).isEqualTo("there is no tool 'c' among [a, b]");
    assertThat(failure.path("names")).extracting(JsonNode::asText).containsExactly("a", "b");
  }

  @Test
  void aCallWithoutToolsSaysSo() {
    ask("c", "[]");

    assertThat(told().path("failure").path("message").asText()).contains("was given none");
  }

  @Test
  void theToolsAreThoseThatAreThereWhenPythonAsks() {
    tools = Tools.NONE.with("late", asked -> 1);
    ask("late", "[]");

    assertThat(told().path("value").asInt()).isEqualTo(1);
  }

  @Test
  void whatAToolThrowsIsRaisedWithItsTypeAndMessage() {
    tools =
        Tools.NONE.with(
            "t",
            asked -> {
              throw new IOException("disk");
            });
    ask("t", "[]");

    assertRaised("raised", IOException.class, "disk");
  }

  @Test
  void whatAToolsStageFailsWithIsRaised() {
    tools =
        Tools.NONE.withAsync(
            "t",
            asked ->
                CompletableFuture.failedFuture(
                    new CompletionException(new IllegalStateException("later"))));
    ask("t", "[]");

    assertRaised("raised", IllegalStateException.class, "later");
  }

  @Test
  void anErrorIsRaisedTooAndGoesOnToWhoeverRanTheTool() {
    tools =
        Tools.NONE.with(
            "t",
            asked -> {
              throw new NoClassDefFoundError("x/Y");
            });

    assertThatThrownBy(() -> ask("t", "[]")).isInstanceOf(NoClassDefFoundError.class);

    assertRaised("raised", NoClassDefFoundError.class, "x/Y");
  }

  @Test
  void anExceptionWithoutAMessageIsRaisedAllTheSame() {
    tools =
        Tools.NONE.with(
            "t",
            asked -> {
              throw new IllegalStateException();
            });
    ask("t", "[]");

    assertRaised("raised", IllegalStateException.class, "no message");
  }

  @Test
  void anArgumentThatIsMissingIsABadArgument() {
    tools = Tools.NONE.with("t", asked -> asked.argument(1, String.class));
    ask("t", "[0]");

    assertRaised("bad_arguments", BadToolArguments.class, "takes an argument at 1, and got 1");
  }

  @Test
  void aToolThatCallsTooDeeplyIsToldApart() {
    tools =
        Tools.NONE.with(
            "t",
            asked -> {
              throw new PythonFailure.NestedTooDeep("m:g", 4);
            });
    ask("t", "[]");

    assertRaised("too_deep", PythonFailure.NestedTooDeep.class, "max-nesting");
  }

  @Test
  void aResultThatIsTooLargeIsRaisedAndNamesTheTool() {
    tools = Tools.NONE.with("big", asked -> "x".repeat((int) LIMIT));
    ask("big", "[]");

    assertRaised("raised", PythonFailure.TooLarge.class, "the result of tool 'big'");
  }

  @Test
  void aResultThatCannotTravelIsRaisedAndNamesTheTool() {
    tools = Tools.NONE.with("odd", asked -> new Untellable());
    ask("odd", "[]");

    assertRaised("raised", PythonFailure.NotSerializable.class, "the result of tool 'odd'");
  }

  @Test
  void aToolThatGivesNoStageFails() {
    tools = Tools.NONE.withAsync("t", asked -> null);
    ask("t", "[]");

    assertThat(told().path("failure").path("kind").asText()).isEqualTo("raised");
  }

  @Test
  void aQuestionThatCannotBeReadEndsTheCallAndItsWorker() {
    ask("{\"host\":");

    assertThat(worker.sent()).isEmpty();
    assertThat(worker.abandoned()).containsExactly(true);
    assertThatThrownBy(() -> call.answer().join()).hasCauseInstanceOf(ProtocolViolation.class);
  }

  @Test
  void aToolWorksAsAPartOfTheCallWithItsDepthAndItsLog() {
    List<Object> seen = new ArrayList<>();
    tools =
        Tools.NONE.with(
            "t",
            asked -> {
              seen.add(asked.callId());
              seen.add(Nesting.current());
              seen.add(MDC.get("call"));
              return null;
            });
    ask("t", "[]");

    assertThat(seen).containsExactly("c-1", Optional.of(new Nesting(call, 2)), "c-1");
    assertThat(Nesting.current()).isEmpty();
    assertThat(MDC.get("call")).isNull();
  }

  @Test
  void aToolHasTheTimeThatTheCallHasOrThatPythonGivesIt() {
    List<Duration> remaining = new ArrayList<>();
    tools = Tools.NONE.with("t", asked -> remaining.add(asked.remaining()));
    ask("{\"host\":5,\"name\":\"t\"}");
    ask("{\"host\":5,\"name\":\"t\",\"timeout\":1.5}");
    ask("{\"host\":5,\"name\":\"t\",\"timeout\":60}");
    ask("{\"host\":5,\"name\":\"t\",\"timeout\":null}");

    assertThat(remaining)
        .containsExactly(
            Duration.ofSeconds(3),
            Duration.ofMillis(1_500),
            Duration.ofSeconds(3),
            Duration.ofSeconds(3));
  }
}
