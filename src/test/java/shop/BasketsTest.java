package shop;

import static io.gorgon.testkit.Phrases.action;
import static io.gorgon.testkit.Phrases.answer;
import static io.gorgon.testkit.Phrases.invariantsHold;
import static io.gorgon.testkit.Phrases.nextCommitOf;
import static io.gorgon.testkit.Phrases.outcome;
import static io.gorgon.testkit.Phrases.session;
import static io.gorgon.testkit.Phrases.timePasses;
import static io.gorgon.testkit.Phrases.workerOfNext;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gorgon.PythonPool;
import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure.CommitUnknown;
import io.gorgon.message.PythonFailure.SessionExpired;
import io.gorgon.testkit.Point;
import io.gorgon.testkit.Scenario;
import io.gorgon.testkit.ScriptedPool;
import io.gorgon.testkit.ScriptedPython;
import io.gorgon.testkit.ScriptedRequest;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

@ScriptedPython(config = "session.ttl = 5m")
class BasketsTest {

  /** What is tested: one more thing in a basket, and what the customer is told. */
  record Baskets(PythonPool python) {
    CompletionStage<String> add(String customer) {
      return python
          .session(customer)
          .call(Call.of("shop:add"))
          .thenApply(reply -> reply.as(Integer.class) + " things")
          .exceptionally(Baskets::explain);
    }

    private static String explain(Throwable failure) {
      Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
      return cause instanceof CommitUnknown
          ? "please look into your basket"
          : cause instanceof SessionExpired ? "your basket was emptied" : "please try again";
    }
  }

  /** What Python does: the same as session.state["things"] = session.state.get("things", 0) + 1. */
  private static Object add(ScriptedRequest request) {
    int things = request.session().getOr("things", 0) + 1;
    request.session().put("things", things);
    return things;
  }

  @Test
  void aBasketIsKeptBetweenCalls(ScriptedPool python) {
    python.answers("shop:add", BasketsTest::add);

    assertEquals("1 things", python.get(new Baskets(python.pool()).add("ann")));
    assertEquals("2 things", python.get(new Baskets(python.pool()).add("ann")));
    assertEquals(2, python.get(python.pool().session("ann").state()).decoded().get("things"));
  }

  @Test
  void whatIsNotKnownIsNotDoneAgain(Scenario scenario, PythonPool pool) {
    scenario
        .given(answer("shop:add", BasketsTest::add))
        .and(session("bob").wasKeptWith(Map.of("things", 5)))
        .and(nextCommitOf("bob").isKeptButUnknown())
        .when(action("bob adds one", () -> new Baskets(pool).add("bob")))
        .then(outcome("bob adds one").isValue("please look into your basket"))
        .and(session("bob").has("things", 6))
        .and(invariantsHold());
  }

  @Test
  void aWorkerThatDiesHasPutNothingIn(Scenario scenario, PythonPool pool) {
    scenario
        .given(answer("shop:add", BasketsTest::add))
        .and(session("cid").wasKeptWith(Map.of("things", 5)))
        .when(action("cid adds one", () -> new Baskets(pool).add("cid")))
        .and(workerOfNext("shop:add").isKilledAt(Point.AFTER_PATCH))
        .then(outcome("cid adds one").isValue("please try again"))
        .and(session("cid").has("things", 5))
        .and(invariantsHold());
  }

  @Test
  void whoComesBackTooLateIsTold(Scenario scenario, PythonPool pool) {
    scenario
        .given(answer("shop:add", BasketsTest::add))
        .and(session("dot").wasKeptWith(Map.of("things", 5)))
        .when(timePasses(Duration.ofMinutes(5)))
        .and(action("dot adds one", () -> new Baskets(pool).add("dot")))
        .then(outcome("dot adds one").isValue("your basket was emptied"))
        .and(session("dot").isGone());
  }
}
