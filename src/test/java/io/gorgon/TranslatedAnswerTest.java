package io.gorgon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gorgon.message.Exceptions;
import io.gorgon.message.Payload;
import io.gorgon.message.PythonException;
import io.gorgon.message.PythonFailure.NameTaken;
import io.gorgon.message.PythonFailure.PythonRaised;
import io.gorgon.message.Reply;
import io.gorgon.message.WorkerId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;

/** Where the user's code runs between an answer and those who wait for it, and where not at all. */
class TranslatedAnswerTest {

  private static final WorkerId WORKER = new WorkerId("p", 0, 1);
  private static final Exceptions OWN =
      Exceptions.NONE.with("a.B", raised -> new IllegalStateException(raised));

  private static PythonRaised raised() {
    return new PythonRaised(
        "m:f",
        WORKER,
        new PythonException(
            "B", "a", List.of("a.B"), "", List.of(), List.of(), null, List.of(), ""));
  }

  private final CompletableFuture<Reply> answer = new CompletableFuture<>();
  private final List<Runnable> tasks = new ArrayList<>();

  @Test
  void withoutExceptionsOfTheUsersItIsTheAnswerItself() {
    assertThat(TranslatedAnswer.of(answer, Exceptions.NONE, tasks::add)).isSameAs(answer);
    assertThat(answer.getNumberOfDependents()).isZero();
  }

  @Test
  void aReplyAndAnyOtherFailurePassWithoutAnotherThread() {
    var translated = TranslatedAnswer.of(answer, OWN, tasks::add);
    var reply = new Reply("p-1", WORKER, 1, Duration.ZERO, Duration.ZERO, Payload.EMPTY);
    answer.complete(reply);
    assertThat(translated.join()).isSameAs(reply);

    var failed = new CompletableFuture<Reply>();
    var told = TranslatedAnswer.of(failed, OWN, tasks::add);
    failed.completeExceptionally(new NameTaken("p"));
    assertThatThrownBy(told::join).hasCauseInstanceOf(NameTaken.class);
    assertThat(tasks).isEmpty();
  }

  @Test
  void whatWasRaisedIsTranslatedByTheExecutorAlone() {
    var translated = TranslatedAnswer.of(answer, OWN, tasks::add);
    answer.completeExceptionally(raised());

    assertThat(translated).isNotDone();
    tasks.remove(0).run();
    assertThatThrownBy(translated::join).hasCauseInstanceOf(IllegalStateException.class);
  }

  @Test
  void anExecutorThatHasStoppedLeavesWhatWasRaised() {
    Executor stopped =
        task -> {
          throw new RejectedExecutionException();
        };
    var translated = TranslatedAnswer.of(answer, OWN, stopped);
    answer.completeExceptionally(raised());

    assertThatThrownBy(translated::join).hasCauseInstanceOf(PythonRaised.class);
  }
}
