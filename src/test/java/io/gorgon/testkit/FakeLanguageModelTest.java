package io.gorgon.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What the fake language model answers, records, and does wrong when it is told to. */
class FakeLanguageModelTest {

  private static final String QUESTION =
      "{\"model\": \"m\", \"messages\": [{\"role\": \"user\", \"content\": \"why?\"}]}";
  private static final String STREAMED = QUESTION.replace("\"m\",", "\"m\", \"stream\": true,");

  private final HttpClient client = HttpClient.newHttpClient();

  private CompletableFuture<HttpResponse<String>> ask(FakeLanguageModel model, String question) {
    return ask(model.url() + "/chat/completions", question);
  }

  private CompletableFuture<HttpResponse<String>> ask(String url, String question) {
    var request =
        HttpRequest.newBuilder(URI.create(url))
            .header("Authorization", "Bearer sk-1")
            .POST(BodyPublishers.ofString(question))
            .build();
    return client.sendAsync(request, BodyHandlers.ofString());
  }

  private HttpResponse<String> asked(FakeLanguageModel model, String question) {
    return Stages.get(ask(model, question));
  }

  @Test
  void itAnswersInTurnAndOtherwiseAsItWasTold() {
    try (var model = FakeLanguageModel.saying("because")) {
      model
          .next(ModelAnswer.text("\"first\""))
          .nextOf(request -> ModelAnswer.text("you asked " + request.last()));

      assertThat(asked(model, QUESTION).body()).contains("\"content\":\"\\\"first\\\"\"");
      assertThat(asked(model, QUESTION).body()).contains("you asked why?", "\"total_tokens\":18");
      assertThat(asked(model, QUESTION).body()).contains("\"content\":\"because\"");
      model.says("no reason");
      assertThat(asked(model, QUESTION).body()).contains("\"content\":\"no reason\"");
    }
  }

  @Test
  void itRecordsWhatItWasAsked() {
    try (var model = FakeLanguageModel.saying("because")) {
      assertThatThrownBy(model::lastAsked).hasMessageContaining("was asked nothing");
      asked(model, QUESTION);
      asked(model, STREAMED);

      assertThat(model.asked()).extracting(ModelRequest::isStream).containsExactly(false, true);
      assertThat(model.lastAsked().model()).isEqualTo("m");
      assertThat(model.lastAsked().last()).isEqualTo("why?");
      assertThat(model.lastAsked().all()).contains("user");
      assertThat(model.lastAsked().authorization()).isEqualTo("Bearer sk-1");
      assertThatThrownBy(() -> model.lastAsked().input("question"))
          .hasMessageContaining("there is no input 'question' in: why?");
    }
  }

  @Test
  void aStreamComesInPiecesWithUsageAndAnEnd() {
    try (var model = FakeLanguageModel.saying("because it is so")) {
      HttpResponse<String> answer = asked(model, STREAMED);

      assertThat(answer.headers().firstValue("content-type")).contains("text/event-stream");
      assertThat(answer.body().lines().filter(line -> line.startsWith("data: "))).hasSize(6);
      assertThat(answer.body())
          .contains("\"content\":\"becau\"", "\"finish_reason\":\"stop\"", "\"total_tokens\":18")
          .endsWith("data: [DONE]\n\n");
    }
  }

  @Test
  void whatIsNotScriptedIsRefusedAndSaysSo() {
    try (var model = FakeLanguageModel.start()) {
      HttpResponse<String> answer = asked(model, QUESTION);

      assertThat(answer.statusCode()).isEqualTo(400);
      assertThat(answer.body()).contains("the test has said no answer to 'why?'");
      assertThat(asked(model, "no json").statusCode()).isEqualTo(400);
      assertThat(Stages.get(ask(model.url() + "/embeddings", QUESTION)).statusCode())
          .isEqualTo(404);
      assertThat(model.asked()).hasSize(1);
      model.answers(
          request -> {
            throw new IllegalStateException("broken");
          });
      assertThat(asked(model, QUESTION).body()).contains("the test's answer threw", "broken");
    }
  }

  @Test
  void errorsAndRateLimitsAreAProvidersOwn() {
    try (var model = FakeLanguageModel.start()) {
      model.next(
          ModelAnswer.rateLimited(Duration.ofSeconds(7)),
          ModelAnswer.error(500, "\"down\"").withHeader("x-one", "1").withHeader("x-two", "2"),
          ModelAnswer.malformed());

      HttpResponse<String> limited = asked(model, QUESTION);
      assertThat(limited.statusCode()).isEqualTo(429);
      assertThat(limited.headers().firstValue("retry-after")).contains("7");
      HttpResponse<String> down = asked(model, QUESTION);
      assertThat(down.statusCode()).isEqualTo(500);
      assertThat(down.body()).contains("\"message\":\"\\\"down\\\"\"");
      assertThat(down.headers().map()).containsKeys("x-one", "x-two");
      assertThat(asked(model, QUESTION).body()).isEqualTo("{\"id\": \"1\", \"choices\": [");
    }
  }

  @Test
  void aCutAnswerBreaksOff() {
    try (var model = FakeLanguageModel.start()) {
      model.next(
          ModelAnswer.text("because").cutAfter(0),
          ModelAnswer.text("because").cutAfter(1),
          ModelAnswer.text("because").cutAfter(9));

      for (String question : new String[] {QUESTION, STREAMED, STREAMED}) {
        assertThat(ask(model, question))
            .failsWithin(Stages.PATIENCE)
            .withThrowableThat()
            .withCauseInstanceOf(IOException.class);
      }
    }
  }

  @Test
  void anAnswerWaitsForItsGate() {
    var open = new CompletableFuture<Void>();
    try (var model = FakeLanguageModel.start()) {
      model.next(ModelAnswer.text("because").behind(open, 1), ModelAnswer.text("now"));
      var first = new CompletableFuture<String>();
      var waiting =
          client.sendAsync(
              HttpRequest.newBuilder(URI.create(model.url() + "/chat/completions"))
                  .POST(BodyPublishers.ofString(STREAMED))
                  .build(),
              BodyHandlers.ofByteArrayConsumer(
                  bytes -> bytes.ifPresent(some -> first.complete(new String(some)))));

      assertThat(Stages.get(first)).contains("becau");
      assertThat(asked(model, QUESTION).body()).contains("now");
      assertThat(waiting).isNotDone();
      open.complete(null);
      assertThat(Stages.get(waiting).statusCode()).isEqualTo(200);
    }
  }

  @Test
  void whoHangsIsCutOffWhenItCloses() throws Exception {
    CompletableFuture<HttpResponse<String>> hanging;
    try (var model = FakeLanguageModel.start()) {
      var arrived = new CompletableFuture<Void>();
      model.nextOf(
          request -> {
            arrived.complete(null);
            return ModelAnswer.hangs();
          });
      hanging = ask(model, QUESTION);
      arrived.get(Stages.PATIENCE.toSeconds(), TimeUnit.SECONDS);
      assertThat(hanging).isNotDone();
    }
    assertThat(hanging).failsWithin(Stages.PATIENCE);
  }

  @Test
  void answersThatNobodyAskedForAreNamedWhenItCloses() {
    var model = FakeLanguageModel.start();
    model.next(ModelAnswer.text("one"), ModelAnswer.text("two"));
    asked(model, QUESTION);

    assertThatThrownBy(model::close)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("leaked answer: 1 of what next(...) scripted");
    model.close(); // once is enough
  }

  @Test
  void aKitHasOneThatEndsWithIt() {
    FakeLanguageModel model;
    try (var kit = GorgonTestKit.scripted()) {
      model = kit.languageModel();
      assertThat(kit.languageModel()).isSameAs(model);
      assertThat(asked(model.says("so"), QUESTION).body()).contains("\"so\"");
    }
    assertThat(ask(model, QUESTION)).failsWithin(Stages.PATIENCE);
    var kit = GorgonTestKit.scripted();
    kit.languageModel().next(ModelAnswer.text("never"));
    assertThatThrownBy(kit::close).hasMessageContaining("leaked answer: 1 of what");
  }
}
