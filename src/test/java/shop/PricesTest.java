package shop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gorgon.PythonPool;
import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure.PythonRaised;
import io.gorgon.testkit.ScriptedPool;
import io.gorgon.testkit.ScriptedPython;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

@ScriptedPython
class PricesTest {

  /** What is tested. */
  record Prices(PythonPool python) {
    CompletionStage<Integer> of(String item, int count) {
      return python
          .call(Call.of("shop:price", item, count))
          .thenApply(reply -> reply.as(Integer.class));
    }
  }

  @Test
  void aPriceIsWhatPythonSays(ScriptedPool python) {
    python.answers("shop:price", request -> 7 * request.argument(1, Integer.class));

    assertEquals(14, python.get(new Prices(python.pool()).of("tea", 2)));
    assertEquals("tea", python.requests("shop:price").get(0).argument(0, String.class));
  }

  @Test
  void whatIsNotSoldIsAFailure(ScriptedPool python) {
    python.raises("shop:price", "shop.NotSold", "no coffee", "LookupError");

    python
        .failure(new Prices(python.pool()).of("coffee", 1))
        .is(PythonRaised.class)
        .raised("LookupError")
        .says("no coffee");
  }
}
