package shop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gorgon.PythonPool;
import io.gorgon.message.Call;
import io.gorgon.testkit.FakeLanguageModel;
import io.gorgon.testkit.GorgonTestKit;
import io.gorgon.testkit.ModelAnswer;
import io.gorgon.testkit.RealPython;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

@RealPython
class HelpTest {

  /** What is tested: Python asks a language model at that URL. */
  record Help(PythonPool python, String url) {
    CompletionStage<String> with(String question) {
      return python
          .call(
              Call.of("gorgon.examples.advice:ask", url, question)
                  .withTimeout(Duration.ofSeconds(3)))
          .thenApply(reply -> reply.as(String.class))
          .exceptionally(failed -> "we will call you");
    }
  }

  @Test
  void whoAsksIsTold(GorgonTestKit kit, PythonPool pool, FakeLanguageModel model) {
    model.next(ModelAnswer.text("Add water."));

    assertEquals("Add water.", kit.get(new Help(pool, model.url()).with("How is tea made?")));
    assertEquals("How is tea made?", model.lastAsked().last());
  }

  @Test
  void whateverIsWrongWithTheModelWeCall(
      GorgonTestKit kit, PythonPool pool, FakeLanguageModel model) {
    model.next(
        ModelAnswer.rateLimited(Duration.ofSeconds(30)),
        ModelAnswer.error(500, "down"),
        ModelAnswer.malformed(),
        ModelAnswer.text("Add water.").cutAfter(1),
        ModelAnswer.hangs());

    for (int i = 0; i < 5; i++) {
      assertEquals("we will call you", kit.get(new Help(pool, model.url()).with("How?")));
    }
  }
}
