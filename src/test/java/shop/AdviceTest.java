package shop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.gorgon.PythonPool;
import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent.WorkerGone;
import io.gorgon.message.PoolEvent.WorkerReady;
import io.gorgon.testkit.ScriptedPool;
import io.gorgon.testkit.ScriptedPython;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

@ScriptedPython
class AdviceTest {

  /** What is tested. */
  record Advice(PythonPool python) {
    CompletionStage<String> on(String question) {
      return python
          .call(Call.of("model:answer", question).withTimeout(Duration.ofMinutes(1)))
          .thenApply(reply -> reply.as(String.class))
          .exceptionally(late -> "ask again later");
    }
  }

  @Test
  void whoWaitedAMinuteIsAskedToComeBack(ScriptedPool python) {
    python.hangs("model:answer");
    var advice = new Advice(python.pool()).on("why?");

    python.passes(Duration.ofSeconds(59));
    assertFalse(python.isDone(advice));
    python.passes(Duration.ofMillis(1_250)); // a call's deadline is kept within 250 ms
    assertEquals("ask again later", python.now(advice));
    python.events().expectInOrder(WorkerGone.class, WorkerReady.class); // nobody else waits for it
  }

  @Test
  void anAnswerMayTakeItsTime(ScriptedPool python) {
    python.answersAfter(Duration.ofSeconds(50), "model:answer", request -> "because");

    assertEquals("because", python.get(new Advice(python.pool()).on("why?")));
  }
}
