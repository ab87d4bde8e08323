package io.gorgon.proving;

import io.gorgon.PythonPool;
import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.WorkerLost;
import io.gorgon.message.Reply;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/**
 * Callers who have nothing to do with what a test does to a pool: one with plain calls, one with
 * calls that may be repeated, one with a session. Each makes the next call a little after its last
 * answer. What they were told is joined with what workers wrote down.
 */
public final class Bystanders {

  private static final Duration PAUSE = Duration.ofMillis(3);
  private static final int RETRIES = 5;

  private final PythonPool pool;
  private final Journal journal;
  private final Path file;
  private final Executor later =
      CompletableFuture.delayedExecutor(PAUSE.toMillis(), TimeUnit.MILLISECONDS);
  private final AtomicBoolean stopped = new AtomicBoolean();
  private final AtomicInteger calls = new AtomicInteger();
  private final List<CompletableFuture<Void>> callers = new ArrayList<>();

  /**
   * Starts calling.
   *
   * @param expected what they may be told
   */
  Bystanders(PythonPool pool, Expected expected) {
    this.pool = pool;
    this.journal = new Journal();
    try {
      this.file = Files.createTempFile("gorgon-journal-", "");
    } catch (IOException failed) {
      throw new AssertionError(failed);
    }
    start(call -> pool.call(call), 0, expected.once);
    start(call -> pool.call(call), RETRIES, expected.repeated);
    start(call -> pool.session("bystander").call(call), 0, expected.inSession);
  }

  /** What a bystander may be told. */
  public enum Expected {
    /** Answers: the fault is somebody else's. */
    ANSWERS(any -> false, any -> false, any -> false),

    /** The same, but a call that a process was taken from, and that must not repeat, may fail. */
    HIT(WorkerLost.class::isInstance, any -> false, WorkerLost.class::isInstance),

    /** Any typed failure: the pool cannot serve at times. */
    TYPED(any -> true, any -> true, any -> true);

    private final Predicate<PythonFailure> once;
    private final Predicate<PythonFailure> repeated;
    private final Predicate<PythonFailure> inSession;

    Expected(
        Predicate<PythonFailure> once,
        Predicate<PythonFailure> repeated,
        Predicate<PythonFailure> inSession) {
      this.once = once;
      this.repeated = repeated;
      this.inSession = inSession;
    }
  }

  private interface Caller {
    CompletionStage<Reply> call(Call call);
  }

  private void start(Caller caller, int retries, Predicate<PythonFailure> mayFailWith) {
    var done = new CompletableFuture<Void>();
    callers.add(done);
    next(caller, retries, mayFailWith, done);
  }

  private void next(
      Caller caller,
      int retries,
      Predicate<PythonFailure> mayFailWith,
      CompletableFuture<Void> done) {
    if (stopped.get()) {
      done.complete(null);
      return;
    }
    String id = Integer.toString(calls.incrementAndGet());
    String nonce = UUID.randomUUID().toString();
    journal.asked(id, nonce, 1 + retries, mayFailWith);
    caller
        .call(Call.of("targets:journal", file.toString(), id, nonce).idempotent(retries))
        .whenComplete(
            (reply, failure) -> {
              journal.told(id, reply, failure);
              later.execute(() -> next(caller, retries, mayFailWith, done));
            });
  }

  /** Makes no further call and waits for the last answers; an unanswered call fails the test. */
  void stop() {
    stopped.set(true);
    callers.forEach(TestPool::get);
  }

  /** Stops, joins, and fails the test with every violation. */
  void check() {
    List<String> violations;
    try {
      stop();
      violations = journal.violations(Files.readAllLines(file));
      Files.delete(file);
    } catch (IOException failed) {
      throw new AssertionError(failed);
    }
    if (!violations.isEmpty()) {
      throw new AssertionError(
          violations.size()
              + " of "
              + calls
              + " bystanders' calls of "
              + pool
              + " went wrong:\n  "
              + String.join("\n  ", violations));
    }
  }
}
