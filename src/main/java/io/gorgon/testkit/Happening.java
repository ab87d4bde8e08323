package io.gorgon.testkit;

import io.gorgon.RunningCall;
import io.gorgon.message.Call;
import io.gorgon.message.Reply;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** A call, a checkout or an action that a scenario has made, and what came of it when. */
final class Happening {

  /** What a call may be late, by the pool's promise. */
  static final Duration GRACE = Duration.ofMillis(250);

  /**
   * What came.
   *
   * @param at on the kit's clock
   */
  private record End(long at, @Nullable Object value, @Nullable Throwable failure) {}

  private final String name;
  private final Optional<Call> call;
  private final Optional<RunningCall> running;
  private final long sentAt;
  private final Duration limit;
  private final CompletableFuture<End> end = new CompletableFuture<>();

  private Happening(
      String name,
      Optional<Call> call,
      Optional<RunningCall> running,
      Duration limit,
      long sentAt,
      CompletionStage<?> stage,
      LongSupplier clock) {
    this.name = name;
    this.call = call;
    this.running = running;
    this.limit = limit;
    this.sentAt = sentAt;
    stage.whenComplete(
        (value, failure) ->
            end.complete(
                new End(
                    clock.getAsLong(),
                    value,
                    failure instanceof CompletionException && failure.getCause() != null
                        ? failure.getCause()
                        : failure)));
  }

  static Happening ofCall(
      String name,
      Call call,
      RunningCall running,
      Duration limit,
      long sentAt,
      LongSupplier clock) {
    return new Happening(
        name, Optional.of(call), Optional.of(running), limit, sentAt, running, clock);
  }

  static Happening ofStage(
      String name, CompletionStage<?> stage, Duration limit, long sentAt, LongSupplier clock) {
    return new Happening(name, Optional.empty(), Optional.empty(), limit, sentAt, stage, clock);
  }

  String name() {
    return name;
  }

  Optional<Call> call() {
    return call;
  }

  Optional<RunningCall> running() {
    return running;
  }

  boolean isDone() {
    return end.isDone();
  }

  /** When it must have ended, on the kit's clock. */
  long due() {
    return sentAt + limit.plus(GRACE).toNanos();
  }

  @Nullable Object value() {
    return end.join().value();
  }

  @Nullable Throwable failure() {
    return end.join().failure();
  }

  /** How much too late it ended; not positive if it was in time. */
  Duration late() {
    return Duration.ofNanos(end.join().at() - due());
  }

  /** What came of it, for a reader. */
  @Override
  public String toString() {
    if (!isDone()) {
      return "'" + name + "' has no outcome";
    }
    End came = end.join();
    String what =
        came.failure() != null
            ? "failed with " + FailureProbe.describe(came.failure())
            : came.value() instanceof Reply reply
                ? "was answered by " + reply.worker() + " with " + shortened(reply.json())
                : "got " + came.value();
    return "'"
        + name
        + "' "
        + what
        + ", "
        + Duration.ofNanos(came.at() - sentAt).toMillis()
        + " ms after it was sent";
  }

  private static String shortened(String json) {
    return json.length() <= 200 ? json : json.substring(0, 200) + "...";
  }
}
