package io.gorgon.scoreboard;

import io.gorgon.Checkout;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.CheckoutRefused;
import io.gorgon.message.PythonFailure.DeadlineExceeded;
import io.gorgon.message.PythonFailure.PythonRaised;
import io.gorgon.message.PythonFailure.WorkerLost;
import io.gorgon.pool.CheckoutKind;
import io.gorgon.pool.Lease;
import io.gorgon.pool.Pool;
import io.gorgon.pool.Verdict;
import io.gorgon.proving.history.Fact.Terms;
import io.gorgon.scoreboard.StormPlan.What;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.pekko.actor.typed.ActorRef;
import org.jspecify.annotations.Nullable;

/**
 * Makes one request of a storm after the other, each when it has been told what the last came to.
 */
final class StormCaller {

  private static final Duration LONG = Duration.ofSeconds(20);
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String[] STOPS = {
    "stop-after-header", "stop-before-reply", "stop-mid-reply"
  };
  private static final String[] MALFORMED = {"garbage-reply", "flag-flip", "unknown-kind"};

  /** A call that a kill may hit, of its own or somebody else's, once it has started. */
  private static final Terms HIT = Terms.once(LONG, RecordedPool::isLost);

  private final RecordedPool pool;
  private final Outcomes outcomes;
  private final Random random;
  private final AtomicReference<@Nullable Lease> old;

  StormCaller(
      RecordedPool pool, Outcomes outcomes, Random random, AtomicReference<@Nullable Lease> old) {
    this.pool = pool;
    this.outcomes = outcomes;
    this.random = random;
    this.old = old;
  }

  /** Does one, and waits until all is told. */
  void make(What what) {
    switch (what) {
      case CALL -> await(plain(HIT, ""));
      case REPEATED -> await(plain(HIT.repeated(8), ""));
      case SESSION -> {
        String key = "s" + random.nextInt(8);
        await(pool.call(call -> pool.pool().session(key).call(call), HIT, "", "call", 0).told());
      }
      case STREAM -> {
        long elements = random.nextInt(40);
        await(pool.stream(HIT.streaming(elements), "", -1, Long.MAX_VALUE));
      }
      case STREAM_FAILS ->
          await(
              pool.stream(
                  Terms.once(LONG, f -> f instanceof PythonRaised || RecordedPool.isLost(f))
                      .streaming(40),
                  "",
                  random.nextInt(40),
                  Long.MAX_VALUE));
      case STREAM_LEFT -> await(pool.stream(HIT.streaming(200), "", -1, 1 + random.nextInt(60)));
      case ASKS_JAVA ->
          await(
              pool.call(call -> pool.pool().call(call), HIT, "", "ask", 1 + random.nextInt(4))
                  .told());
      case CANCELLED -> {
        var sent =
            pool.call(call -> pool.pool().call(call), HIT, "", "call", random.nextInt(3) * 0.002);
        after(random.nextInt(4_000));
        pool.cancel(sent);
        await(sent.told());
      }
      case ASK_TIMES_OUT ->
          await(
              pool.call(
                      call -> pool.pool().call(call),
                      Terms.once(
                          Duration.ofMillis(5 + random.nextInt(40)),
                          f -> f instanceof DeadlineExceeded || RecordedPool.isLost(f)),
                      "",
                      "call",
                      0.2)
                  .told());
      case CHECKOUT -> checkout(1 + random.nextInt(3), LONG, false);
      case CHECKOUT_TIMES_OUT -> checkout(1, Duration.ofMillis(1 + random.nextInt(10)), false);
      case RETURNED_TWICE -> checkout(1, LONG, true);
      case OWNER_DIES -> ownerDies();
      case KILLED_AFTER_HEADER -> await(plain(HIT, "kill-after-header"));
      case KILLED_BEFORE_REPLY -> await(plain(HIT, "kill-before-reply"));
      case KILLED_MID_REPLY -> await(plain(HIT, "kill-mid-reply"));
      case KILLED_AFTER_REPLY -> await(plain(HIT, "kill-after-reply"));
      case STOPPED ->
          await(
              plain(
                  Terms.once(
                      Duration.ofMillis(300),
                      f -> f instanceof DeadlineExceeded || RecordedPool.isLost(f)),
                  STOPS[random.nextInt(STOPS.length)]));
      case MALFORMED -> await(plain(HIT, MALFORMED[random.nextInt(MALFORMED.length)]));
      case OVERSIZE -> await(plain(HIT, "oversize-reply"));
    }
  }

  private CompletableFuture<Void> plain(Terms terms, String fault) {
    return pool.call(call -> pool.pool().call(call), terms, fault, "call", 0).told();
  }

  private void after(long micros) {
    await(
        CompletableFuture.runAsync(
            () -> {}, CompletableFuture.delayedExecutor(micros, TimeUnit.MICROSECONDS)));
  }

  private @Nullable Checkout checkOut(Optional<ActorRef<?>> owner, Duration limit) {
    long began = RecordedPool.now();
    CompletableFuture<Checkout> asked =
        pool.pool().checkout(CheckoutKind.anonymous(), owner, limit).toCompletableFuture();
    try {
      Checkout granted = asked.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      pool.held(granted);
      return granted;
    } catch (ExecutionException failed) {
      outcomes.refused(failed.getCause(), RecordedPool.now() - began, limit);
    } catch (TimeoutException | InterruptedException nothing) {
      outcomes.unanswered();
    }
    return null;
  }

  private static final Terms LEASED =
      Terms.once(
          LONG,
          f -> f instanceof WorkerLost || RecordedPool.isLost(f) || f instanceof CheckoutRefused);

  private void checkout(int calls, Duration limit, boolean again) {
    Checkout granted = checkOut(Optional.empty(), limit);
    if (granted == null) {
      return;
    }
    for (int i = 0; i < calls; i++) {
      await(pool.callUnder(granted, LEASED, 0));
    }
    pool.givenBack(granted);
    granted.close(random.nextInt(10) == 0 ? Verdict.BROKEN : Verdict.CLEAN);
    Lease stale = old.getAndSet(granted.lease());
    if (again) {
      pool.pool().ref().tell(new Pool.Return(granted.lease(), Verdict.CLEAN));
      if (stale != null) {
        pool.pool().ref().tell(new Pool.Return(stale, Verdict.BROKEN));
        pool.pool().ref().tell(new Pool.Acknowledge(stale));
        pool.pool().ref().tell(new Pool.Renew(stale));
      }
    }
  }

  private void ownerDies() {
    ActorRef<String> owner = pool.mortal();
    Checkout granted = checkOut(Optional.of(owner), LONG);
    if (granted == null) {
      owner.tell("die");
      return;
    }
    Terms any = Terms.once(LONG, (PythonFailure f) -> true);
    var running = pool.callUnder(granted, any, random.nextInt(3) * 0.05);
    after(random.nextInt(3_000));
    pool.givenBack(granted);
    owner.tell("die");
    await(running);
  }

  private void await(CompletableFuture<?> told) {
    try {
      told.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    } catch (TimeoutException | ExecutionException | InterruptedException unanswered) {
      // The history shows it.
      outcomes.gaveUp();
    }
  }
}
