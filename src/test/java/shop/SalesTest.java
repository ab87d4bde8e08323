package shop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gorgon.PythonPool;
import io.gorgon.message.Call;
import io.gorgon.testkit.GorgonTestKit;
import io.gorgon.testkit.RealPython;
import org.junit.jupiter.api.Test;

@RealPython(config = "path = [\"src/main/python\"]") // where your modules are
class SalesTest {

  @Test
  void aSaleTellsWhatIsLeft(GorgonTestKit kit, PythonPool pool) {
    var left = kit.get(pool.call(Call.of("gorgon.examples.shop:sell", "tea", 2)));

    assertEquals(1, left.as(Integer.class));
  }

  @Test
  void thatIsThreeLinesWithoutTheExtension() {
    try (var kit = GorgonTestKit.real("min-workers = 1")) {
      var sold = kit.pool().call(Call.of("gorgon.examples.shop:sell", "tea", 4));

      kit.failure(sold).raised("LookupError").says("1 tea too few");
    }
  }
}
