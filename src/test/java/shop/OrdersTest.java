package shop;

import static io.gorgon.testkit.Phrases.action;
import static io.gorgon.testkit.Phrases.answer;
import static io.gorgon.testkit.Phrases.events;
import static io.gorgon.testkit.Phrases.invariantsHold;
import static io.gorgon.testkit.Phrases.outcome;
import static io.gorgon.testkit.Phrases.workerOfNext;
import static io.gorgon.testkit.Phrases.workers;

import io.gorgon.PythonPool;
import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent.WorkerGone;
import io.gorgon.message.PoolEvent.WorkerReady;
import io.gorgon.message.PythonFailure.WorkerLost;
import io.gorgon.testkit.Point;
import io.gorgon.testkit.Scenario;
import io.gorgon.testkit.ScriptedPython;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

@ScriptedPython // or @RealPython: the scenarios stay as they are
class OrdersTest {

  /** What is tested: it must not order twice, nor pretend to know. */
  record Orders(PythonPool python) {
    CompletionStage<String> place(String item) {
      return python
          .call(Call.of("shop:order", item))
          .thenApply(reply -> "ordered")
          .exceptionally(Orders::explain);
    }

    private static String explain(Throwable failure) {
      Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
      return cause instanceof WorkerLost lost && lost.started() ? "we will write to you" : "sorry";
    }
  }

  @Test
  void anOrderOfUnknownFateIsNotRepeated(Scenario scenario, PythonPool pool) {
    scenario
        .given(workers(2))
        .when(action("tea is ordered", () -> new Orders(pool).place("tea")))
        .and(workerOfNext("shop:order").isKilledAt(Point.BEFORE_ANSWER))
        .then(outcome("tea is ordered").isValue("we will write to you"))
        .and(events().containInOrder(WorkerGone.class, WorkerReady.class))
        .and(invariantsHold());
  }

  @Test
  void anOrderThatHadNotBegunIsMadeElsewhere(Scenario scenario, PythonPool pool) {
    scenario
        .given(workers(2))
        .and(answer("shop:order", request -> 17))
        .when(action("tea is ordered", () -> new Orders(pool).place("tea")))
        .and(workerOfNext("shop:order").isKilledAt(Point.BEFORE_START))
        .then(outcome("tea is ordered").isValue("ordered"))
        .and(invariantsHold());
  }
}
