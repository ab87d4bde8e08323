package io.gorgon;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.Exceptions;
import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure.Draining;
import io.gorgon.message.Reply;
import io.gorgon.message.WorkerId;
import io.gorgon.stress.Rounds;
import io.gorgon.stress.Rounds.Part;
import io.gorgon.tool.Tools;
import io.gorgon.worker.Dialogue;
import io.gorgon.worker.PendingCall;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;

/** Callbacks from many threads, some of which block or throw; calls answered while one looks. */
class CallbacksStressTest {

  private static final int BRINGERS = 4;
  private static final int EACH = 300;
  private static final int CALLS = 100;

  @Test
  void everyCallbackRunsOnceWhateverTheOthersDo() {
    Rounds.play("callbacks", CallbacksStressTest::callbacks);
  }

  private static void callbacks(Random dice, Rounds crew) throws Exception {
    var callbacks = new Callbacks(task -> crew.threads().execute(() -> quietly(task)));
    var ran = new AtomicIntegerArray(BRINGERS * EACH);
    var left = new CountDownLatch(BRINGERS * EACH);
    List<Part> parts = new ArrayList<>();
    for (int bringer = 0; bringer < BRINGERS; bringer++) {
      int first = bringer * EACH;
      var random = new Random(dice.nextLong());
      parts.add(
          () -> {
            for (int i = first; i < first + EACH; i++) {
              int number = i;
              int kind = random.nextInt(100);
              callbacks.execute(
                  () -> {
                    ran.incrementAndGet(number);
                    left.countDown();
                    if (kind == 0) {
                      throw new IllegalStateException("a callback of the user's");
                    } else if (kind == 1) {
                      java.util.concurrent.locks.LockSupport.parkNanos(300_000);
                    }
                  });
            }
          });
    }
    crew.atOnce(parts);
    assertThat(left.await(10, TimeUnit.SECONDS)).as("callbacks left: " + left).isTrue();
    for (int i = 0; i < ran.length(); i++) {
      assertThat(ran.get(i)).isEqualTo(1);
    }
  }

  private static void quietly(Runnable task) {
    try {
      task.run();
    } catch (IllegalStateException ofTheUsers) {
      // The dispatcher tells of it.
    }
  }

  @Test
  void allWhoAskForACallsAnswerHearTheSameOne() {
    Rounds.play("stages of a call", CallbacksStressTest::stages);
  }

  private static void stages(Random dice, Rounds crew) throws Exception {
    for (int i = 0; i < CALLS; i++) {
      stagesOfOne(dice, crew);
    }
  }

  private static void stagesOfOne(Random dice, Rounds crew) throws Exception {
    var call = new PendingCall("c", Call.of("m:f"), Payload.EMPTY, 0, 1, Dialogue.NONE);
    var running =
        new RunningCall(
            call,
            new CallDialogue(null, Tools.NONE, 1, List.of(), Dialogue.NONE),
            Exceptions.NONE,
            new Callbacks(crew.threads()));
    var before = new CompletableFuture<String>();
    var during = new CompletableFuture<String>();
    running.whenComplete((reply, failure) -> before.complete(outcome(failure)));
    Part answer =
        dice.nextBoolean()
            ? () ->
                call.complete(
                    new Reply(
                        "c",
                        new WorkerId("p", 0, 1),
                        1,
                        Duration.ZERO,
                        Duration.ZERO,
                        Payload.EMPTY))
            : () -> call.fail(new Draining("p", false));
    crew.atOnce(
        List.of(
            answer,
            running::cancel,
            () -> running.whenComplete((reply, failure) -> during.complete(outcome(failure)))));
    var after = new CompletableFuture<String>();
    running.whenComplete((reply, failure) -> after.complete(outcome(failure)));
    String outcome = before.get(5, TimeUnit.SECONDS);
    assertThat(during.get(5, TimeUnit.SECONDS)).isEqualTo(outcome);
    assertThat(after.get(5, TimeUnit.SECONDS)).isEqualTo(outcome);
    assertThat(running.isDone()).isTrue();
  }

  private static String outcome(Throwable failure) {
    return failure == null ? "value" : failure.getClass().getSimpleName();
  }
}
