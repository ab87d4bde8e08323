package shop;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gorgon.PythonPool;
import io.gorgon.message.Call;
import io.gorgon.message.PoolEvent.LeaseEnded;
import io.gorgon.message.PoolEvent.LeaseGranted;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.message.PythonFailure.CheckoutRefused;
import io.gorgon.pool.CheckoutKind;
import io.gorgon.testkit.Mortal;
import io.gorgon.testkit.ScriptedPool;
import io.gorgon.testkit.ScriptedPython;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

@ScriptedPython(config = "min-workers = 1, max-workers = 1")
class TrainingTest {

  @Test
  void aTrainingEndsWithItsOwner(ScriptedPool python, PythonPool pool) {
    python.hangs("model:train");
    Mortal owner = python.mortal(); // your actor, in its place
    var worker =
        python.get(
            pool.checkout(
                CheckoutKind.anonymous(), Optional.of(owner.ref()), Duration.ofSeconds(1)));
    var training = worker.call(Call.of("model:train"));

    owner.dies();

    python.failure(training).is(Cancelled.class).hadStarted(true);
    python.events().expectInOrder(LeaseGranted.class, LeaseEnded.class);
    assertTrue(worker.isEnded());
    python.figures().awaitReady(1); // a new process: the old one was in the middle of something
  }

  @Test
  void whoFindsNoWorkerIsToldInTime(ScriptedPool python, PythonPool pool) {
    var first = python.get(pool.checkout());
    var second = pool.checkout(CheckoutKind.anonymous(), Optional.empty(), Duration.ofSeconds(3));

    python.passes(Duration.ofSeconds(3));

    python.failure(second).is(CheckoutRefused.class).isRetryable(true);
    first.close(); // else the test class fails: it would have left a lease over
  }
}
