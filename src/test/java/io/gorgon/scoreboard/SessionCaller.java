package io.gorgon.scoreboard;

import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.CommitUnknown;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.NotSerializable;
import io.gorgon.message.PythonFailure.PythonRaised;
import io.gorgon.message.PythonFailure.SessionConflict;
import io.gorgon.message.PythonFailure.StoreUnavailable;
import io.gorgon.message.PythonFailure.TooLarge;
import io.gorgon.proving.history.Fact.Terms;
import io.gorgon.scoreboard.SessionPlan.What;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;

/** Makes one call after the other, each in a session that others use too. */
final class SessionCaller {

  private static final Duration LONG = Duration.ofSeconds(20);
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int BURST = 5;
  private static final String[] MALFORMED = {
    "garbage-reply", "flag-flip", "unknown-kind", "oversize-reply"
  };

  private final RecordedPool pool;
  private final RecordedSessions sessions;
  private final List<String> keys;
  private final Random random;

  SessionCaller(RecordedPool pool, List<String> keys, Random random) {
    this.pool = pool;
    this.sessions = new RecordedSessions(pool);
    this.keys = keys;
    this.random = random;
  }

  /** What any call may be told here: its worker was killed, or the store has drawn something. */
  private static boolean isHit(PythonFailure failure) {
    return RecordedPool.isLost(failure)
        || failure instanceof StoreUnavailable
        || failure instanceof CommitUnknown
        || failure instanceof SessionConflict;
  }

  private static Terms terms(Class<?>... also) {
    Predicate<PythonFailure> own =
        failure -> List.of(also).stream().anyMatch(type -> type.isInstance(failure));
    return Terms.once(LONG, failure -> isHit(failure) || own.test(failure));
  }

  /** Does one, and waits until all is told. */
  void make(What what) {
    String key = keys.get(random.nextInt(keys.size()));
    switch (what) {
      case CHANGE -> change(key, terms(), "", "");
      case REPEATED -> change(key, terms().repeated(8), "", "");
      case BURST -> burst(key);
      case LOOK -> await(sessions.call(key, terms(), "", "look").told());
      case JVM_LOOKS -> sessions.look(key);
      case RAISES -> change(key, terms(PythonRaised.class), "", "raise");
      case UNSENDABLE -> change(key, terms(NotSerializable.class), "", "unsendable");
      case TOO_LARGE -> change(key, terms(TooLarge.class), "", "too-large");
      case EXITS -> change(key, terms(), "", "exit");
      case CANCELLED -> cancelled(key);
      case DEADLINE -> {
        Duration limit = Duration.ofMillis(5 + random.nextInt(60));
        Terms late = Terms.once(limit, f -> isHit(f) || f instanceof DeadlineExceeded);
        await(sessions.call(key, late, "", "change", "", random.nextInt(8) * 0.01).told());
      }
      case CHECKPOINTS -> checkpoints(key, "");
      case CHECKPOINTS_THEN_RAISES -> checkpoints(key, "raise");
      case CHECKPOINTS_THEN_EXITS -> checkpoints(key, "exit");
      case STREAM -> stream(key, false, "");
      case STREAM_WITH_CHECKPOINTS -> stream(key, true, "");
      case STREAM_RAISES -> stream(key, random.nextBoolean(), "raise");
      case STREAM_LEFT -> // more elements than a consumer can let come before it has left
          await(
              sessions.stream(
                  key,
                  terms(PythonRaised.class).streaming(30),
                  random.nextBoolean(),
                  "",
                  1 + random.nextInt(8)));
      case KILLED_AFTER_HEADER -> change(key, terms(), "kill-after-header", "");
      case KILLED_BEFORE_REPLY -> change(key, terms(), "kill-before-reply", "");
      case KILLED_MID_REPLY -> change(key, terms(), "kill-mid-reply", "");
      case KILLED_AFTER_REPLY -> change(key, terms(), "kill-after-reply", "");
      case STOPPED -> {
        Terms late =
            Terms.once(Duration.ofMillis(300), f -> isHit(f) || f instanceof DeadlineExceeded);
        change(key, late, random.nextBoolean() ? "stop-before-reply" : "stop-mid-reply", "");
      }
      case MALFORMED -> change(key, terms(), MALFORMED[random.nextInt(MALFORMED.length)], "");
    }
  }

  private void change(String key, Terms terms, String fault, String how) {
    await(sessions.call(key, terms, fault, "change", how).told());
  }

  private void burst(String key) {
    List<CompletableFuture<Void>> told = new ArrayList<>();
    for (int i = 0; i < BURST; i++) {
      told.add(sessions.call(key, terms(), "", "change").told());
    }
    told.forEach(SessionCaller::await);
  }

  private void cancelled(String key) {
    var sent = sessions.call(key, terms(), "", "change", "", random.nextInt(3) * 0.004);
    await(
        CompletableFuture.runAsync(
            () -> {},
            CompletableFuture.delayedExecutor(random.nextInt(12_000), TimeUnit.MICROSECONDS)));
    pool.cancel(sent);
    await(sent.told());
  }

  private void checkpoints(String key, String how) {
    int times = 1 + random.nextInt(3);
    // A checkpoint that is refused is raised in Python.
    await(sessions.call(key, terms(PythonRaised.class), "", "checkpoints", times, how).told());
  }

  private void stream(String key, boolean keep, String how) {
    Terms terms = terms(PythonRaised.class).streaming(3 + random.nextInt(4));
    await(sessions.stream(key, terms, keep, how, Long.MAX_VALUE));
  }

  private static void await(CompletableFuture<Void> told) {
    try {
      told.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    } catch (TimeoutException | ExecutionException | InterruptedException unanswered) {
      // The history shows it.
    }
  }
}
