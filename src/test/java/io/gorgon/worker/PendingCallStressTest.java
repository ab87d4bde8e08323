package io.gorgon.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Call;
import io.gorgon.message.Payload;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.Draining;
import io.gorgon.message.Reply;
import io.gorgon.message.WorkerId;
import io.gorgon.stress.Rounds;
import io.gorgon.stress.Rounds.Part;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** An answer, a failure, a cancel, a deadline and an abandonment of one call, all at once. */
class PendingCallStressTest {

  private static final int CALLS = 200;

  /** One call, and who believes to have answered it. */
  private static final class Contest {
    final PendingCall call =
        new PendingCall("c", Call.of("m:f"), Payload.EMPTY, 0, 1, Dialogue.NONE);
    final AtomicInteger winners = new AtomicInteger();
    final AtomicInteger abandoned = new AtomicInteger();
    final AtomicInteger answers = new AtomicInteger();
    volatile String winner = "";

    Contest() {
      call.answer().whenComplete((reply, failure) -> answers.incrementAndGet());
      call.heldBy(
          new PendingCall.Holder() {
            @Override
            public void onAbandoned(PendingCall of, boolean dirty) {
              abandoned.incrementAndGet();
            }

            @Override
            public boolean hasStarted(PendingCall of) {
              return true;
            }
          });
    }

    void tries(String how) {
      boolean won =
          switch (how) {
            case "value" ->
                call.complete(
                    new Reply(
                        "c",
                        new WorkerId("p", 0, 1),
                        1,
                        Duration.ZERO,
                        Duration.ZERO,
                        Payload.EMPTY));
            case "failure" -> call.fail(new Draining("p", false));
            case "cancel" -> call.cancel("told to");
            case "expire" -> call.expire();
            default -> call.abandon(new Draining("p", true), true);
          };
      if (won) {
        winners.incrementAndGet();
        winner = how;
      }
    }

    String outcome() {
      try {
        call.answer().getNow(null);
        return "value";
      } catch (CompletionException failed) {
        return outcome((PythonFailure) failed.getCause());
      }
    }

    private static String outcome(PythonFailure failure) {
      if (failure instanceof Draining draining) {
        return draining.getMessage().equals(new Draining("p", false).getMessage())
            ? "failure"
            : "abandon";
      }
      return failure instanceof Cancelled
          ? "cancel"
          : failure instanceof DeadlineExceeded ? "expire" : "?";
    }
  }

  @Test
  void oneOfThemAnswersTheOthersKnowAndTheHolderHearsOfIt() {
    Rounds.play("answers of one call", PendingCallStressTest::round);
  }

  private static void round(Random dice, Rounds crew) throws Exception {
    List<Contest> contests = new ArrayList<>();
    for (int i = 0; i < CALLS; i++) {
      contests.add(new Contest());
    }
    List<String> all = new ArrayList<>(List.of("value", "failure", "cancel", "expire", "abandon"));
    Collections.shuffle(all, dice);
    List<Part> parts = new ArrayList<>();
    for (String how : all.subList(0, 2 + dice.nextInt(4))) {
      parts.add(() -> contests.forEach(contest -> contest.tries(how)));
    }
    crew.atOnce(parts);
    for (Contest contest : contests) {
      assertThat(contest.winners).hasValue(1);
      assertThat(contest.answers).hasValue(1);
      assertThat(contest.outcome()).isEqualTo(contest.winner);
      boolean told = contest.winner.equals("value") || contest.winner.equals("failure");
      assertThat(contest.abandoned).hasValue(told ? 0 : 1);
    }
  }
}
